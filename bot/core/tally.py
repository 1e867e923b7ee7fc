"""Count what goes on, by key, and forget the keys of which nothing is left."""

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Tally(Generic[_Key]):
    """Counts by key, and their sum."""

    def __init__(self) -> None:
        self._counts: Counter[_Key] = Counter()
        self.total = 0

    def __getitem__(self, key: _Key) -> int:
        return self._counts[key]

    def add(self, key: _Key) -> None:
        """Count one more."""
        self._counts[key] += 1
        self.total += 1

    def remove(self, key: _Key) -> None:
        """Count one less."""
        self.total -= 1
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]

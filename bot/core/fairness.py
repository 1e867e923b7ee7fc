"""Share what is scarce between people: counts by key, and limits within a while."""

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

    def largest(self) -> _Key:
        """Return the key with the highest count."""
        return max(self._counts, key=self._counts.__getitem__)

    def add(self, key: _Key, number: int = 1) -> None:
        """Count so many more."""
        self._counts[key] += number
        self.total += number

    def remove(self, key: _Key, number: int = 1) -> None:
        """Count so many less."""
        self.total -= number
        self._counts[key] -= number
        if not self._counts[key]:
            del self._counts[key]


class TimeWindow:
    """The last times of something, of which at most `most` may lie within `seconds`."""

    __slots__ = ("_most", "_seconds", "_times")

    def __init__(self, most: int, seconds: float) -> None:
        self._times: tuple[float, ...] = ()  # there are thousands of windows, and a deque takes ten times the memory
        self._most = most
        self._seconds = seconds

    def add(self, now: float) -> None:
        """Record one more."""
        self._times = (*self._times, now)[-self._most :]

    def retry_after(self, now: float) -> float:
        """Return in how many seconds one more may happen, or 0."""
        if len(self._times) < self._most:
            return 0.0
        return max(0.0, self._times[0] + self._seconds - now)

"""Share what is scarce between people: rotation, counts by key, and limits within a while."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from bot.core.requests import Person

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


_Item = TypeVar("_Item", bound=Hashable)


class Rotation(Generic[_Item]):
    """The waiting items of each person, oldest first. An item can wait in the name of several people.

    At most `most` items are taken at the same time, and `most_each` of one person.
    """

    def __init__(self, *, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._people: dict[_Item, set[Person]] = {}
        self._waiting: dict[Person, OrderedDict[_Item, None]] = {}
        self._next: OrderedDict[Person, None] = OrderedDict()  # people with waiting items who are below their limit
        self._taken: Tally[Person] = Tally()

    def __len__(self) -> int:
        return len(self._people)

    @property
    def waiting(self) -> list[_Item]:
        """Return the items that wait."""
        return list(self._people)

    def count(self, person: Person) -> int:
        """Return how many items wait in the name of this person."""
        return len(self._waiting.get(person, ()))

    def add(self, item: _Item, person: Person) -> None:
        """Let an item wait, behind the other ones of this person."""
        self._people.setdefault(item, set()).add(person)
        self._waiting.setdefault(person, OrderedDict()).setdefault(item)
        self._offer(person)

    def remove(self, item: _Item) -> None:
        """Remove an item, if it waits."""
        for person in self._people.pop(item, ()):
            items = self._waiting[person]
            del items[item]
            if not items:
                del self._waiting[person]
                self._next.pop(person, None)

    def take(self) -> tuple[_Item, Person] | None:
        """Take the oldest item of the next person; None if nothing waits, or as many as possible are taken."""
        if not self._next or self._taken.total == self._most:
            return None
        person, _ = self._next.popitem(last=False)
        item = next(iter(self._waiting[person]))
        self.remove(item)
        self._taken.add(person)
        self._offer(person)
        return item, person

    def give_back(self, person: Person) -> None:
        """Make room for another item of this person."""
        self._taken.remove(person)
        self._offer(person)

    def _offer(self, person: Person) -> None:
        if person in self._waiting and self._taken[person] < self._most_each:
            self._next.setdefault(person)


_Waiting = TypeVar("_Waiting")


def fair_batch(waiting: Iterable[tuple[_Waiting, Person]], *, most: int, most_each: int) -> list[_Waiting]:
    """Return at most `most` items, the first ones of each person, and at most `most_each` of one."""
    taken: Tally[Person] = Tally()
    batch = []
    for item, person in waiting:
        if taken[person] < most_each:
            taken.add(person)
            batch.append(item)
            if len(batch) == most:
                break
    return batch

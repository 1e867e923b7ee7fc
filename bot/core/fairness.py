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


_Item = TypeVar("_Item", bound=Hashable)


FEW = 10  # with fewer items taken than that, a person can have one of the places that are kept

_KEPT = 20  # one of so many places is kept


class Rotation(Generic[_Item]):
    """The waiting items of each person, oldest first.

    At most `most` items are taken at the same time, and `most_each` of one person. A twentieth of the places is kept
    for people with fewer than FEW of them. While another workspace waits, one takes at most half of the places. People
    of all workspaces are served in rotation, those with few places first.
    """

    def __init__(self, *, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._people: dict[_Item, Person] = {}
        self._waiting: OrderedDict[str, OrderedDict[Person, OrderedDict[_Item, None]]] = OrderedDict()
        self._taken: Tally[Person] = Tally()
        self._taken_by_team: Tally[str] = Tally()

    def __len__(self) -> int:
        return len(self._people)

    @property
    def waiting(self) -> list[_Item]:
        """Return the items that wait."""
        return list(self._people)

    def count(self, person: Person) -> int:
        """Return how many items wait in the name of this person."""
        people = self._waiting.get(person[0])
        return len(people.get(person, ())) if people else 0

    def add(self, item: _Item, person: Person) -> None:
        """Let an item wait, behind the other ones of this person."""
        self._people[item] = person
        self._waiting.setdefault(person[0], OrderedDict()).setdefault(person, OrderedDict())[item] = None

    def remove(self, item: _Item) -> None:
        """Remove an item, if it waits."""
        if (person := self._people.pop(item, None)) is None:
            return
        people = self._waiting[person[0]]
        del people[person][item]
        if not people[person]:
            del people[person]
        if not people:
            del self._waiting[person[0]]

    def take(self) -> _Item | None:
        """Take the oldest item of the next person; None if nothing can be taken now."""
        free = self._most - self._taken.total
        with_few = self._next(min(FEW, self._most_each)) if free else None
        person = with_few or (self._next(self._most_each) if free > self._most // _KEPT else None)
        if person is None:
            return None
        people = self._waiting[person[0]]
        item = next(iter(people[person]))
        people.move_to_end(person)
        self._waiting.move_to_end(person[0])
        self._count(person)
        self.remove(item)
        return item

    def give_back(self, person: Person) -> None:
        """Make room for another item of this person."""
        self._taken.remove(person)
        self._taken_by_team.remove(person[0])

    def _count(self, person: Person) -> None:
        self._taken.add(person)
        self._taken_by_team.add(person[0])

    def _next(self, most: int) -> Person | None:
        """Return the next person with fewer places than `most`. Only few people can have more."""
        for team in self._waiting:
            person = self._below(team, most)
            has_half = 2 * self._taken_by_team[team] >= self._most
            others = (one for one in self._waiting if one != team) if has_half else ()
            if person and not any(self._below(one, self._most_each) for one in others):
                return person
        return None

    def _below(self, team: str, most: int) -> Person | None:
        return next((person for person in self._waiting[team] if self._taken[person] < most), None)


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

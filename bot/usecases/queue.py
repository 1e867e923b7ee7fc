"""Turns of people who wait for the same thing."""

import asyncio
from collections import OrderedDict

from bot.core.fairness import Tally
from bot.core.orders import Person
from bot.core.outcomes import Refusal, Why

CAPACITY = 30_000  # the most pieces of work that wait
MOST_AT_ANCHOR, MOST_AT_ANCHOR_EACH = 4_000, 1_000
"""The most orders that are being sent to Anchor, of all and of one person; others wait."""

SHARE = 3
"""One person, or one of many workspaces, can use this part of a capacity (a third): two others still have room."""


FEW = 10  # with fewer turns than that, a person can have one of the places that are kept

_KEPT = 20  # one of so many places is kept


class FairQueue:
    """Turns for work. They come to the people who wait in rotation of the workspaces, and of their people.

    At most `most` turns run at the same time, and `most_each` of one person. At most `capacity` others wait. A turn
    that has not come after `longest_wait` seconds never comes. A twentieth of the places is kept for people with fewer
    than FEW turns, who come first. While another workspace waits, one takes at most half of the places.
    """

    def __init__(
        self, *, most: int, most_each: int, longest_wait: float | None = None, capacity: int = CAPACITY
    ) -> None:
        self.longest_wait = longest_wait
        self._most, self._most_each, self._capacity = most, most_each, capacity
        self._waiting: OrderedDict[str, OrderedDict[Person, OrderedDict[Turn, None]]] = OrderedDict()
        self._waiting_by_person: Tally[Person] = Tally()
        self._running: Tally[Person] = Tally()
        self._running_by_team: Tally[str] = Tally()

    def turn(self, person: Person) -> "Turn":
        """Return a new turn, which can have come already."""
        turn = Turn(self, person, self.longest_wait)
        waiting = self._waiting_by_person
        if waiting.total >= self._capacity or waiting[person] >= self._capacity // SHARE:
            turn.cancel(Refusal(Why.OVERLOADED))
        else:
            self._waiting.setdefault(person[0], OrderedDict()).setdefault(person, OrderedDict())[turn] = None
            waiting.add(person)
            self._begin()
        return turn

    def remove(self, turn: "Turn") -> None:
        """Remove a turn, if it waits."""
        team, person = turn.person[0], turn.person
        people = self._waiting.get(team, OrderedDict())
        if turn not in people.get(person, ()):
            return
        self._waiting_by_person.remove(person)
        del people[person][turn]
        if not people[person]:
            del people[person]
        if not people:
            del self._waiting[team]

    def end(self, person: Person) -> None:
        """Make room for another turn of this person."""
        self._running.remove(person)
        self._running_by_team.remove(person[0])
        self._begin()

    def _begin(self) -> None:
        """Let turns come, the oldest one of the next person each time, as long as one can."""
        while (person := self._next()) is not None:
            people = self._waiting[person[0]]
            turn = next(iter(people[person]))
            people.move_to_end(person)
            self._waiting.move_to_end(person[0])
            self._running.add(person)
            self._running_by_team.add(person[0])
            self.remove(turn)
            turn.come()

    def _next(self) -> Person | None:
        free = self._most - self._running.total
        with_few = self._next_below(min(FEW, self._most_each)) if free else None
        return with_few or (self._next_below(self._most_each) if free > self._most // _KEPT else None)

    def _next_below(self, most: int) -> Person | None:
        """Return the next person with fewer turns than `most`. Only few people can have more."""
        for team in self._waiting:
            person = self._below(team, most)
            has_half = 2 * self._running_by_team[team] >= self._most
            others = (one for one in self._waiting if one != team) if has_half else ()
            if person and not any(self._below(one, self._most_each) for one in others):
                return person
        return None

    def _below(self, team: str, most: int) -> Person | None:
        return next((person for person in self._waiting[team] if self._running[person] < most), None)


class Turn:
    """A turn of a person: `async with turn as reason` waits until it comes (None), or never will, and ends it."""

    def __init__(self, queue: FairQueue, person: Person, longest_wait: float | None) -> None:
        self._queue, self.person, self._longest_wait = queue, person, longest_wait
        self._coming: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()

    @property
    def has_come(self) -> bool:
        """Return whether the work can have begun."""
        return self._coming.done() and self._coming.result() is None

    def cancel(self, why: Refusal) -> None:
        """Cancel a turn that waits."""
        if not self._coming.done():
            self._queue.remove(self)
            self._coming.set_result(why)

    def come(self) -> None:
        """Let the work begin."""
        self._coming.set_result(None)

    async def __aenter__(self) -> Refusal | None:
        wait, timer = self._longest_wait, None
        if self._coming.done():
            return self._coming.result()
        if wait is not None:
            no_turn = Refusal(Why.LATE, seconds=wait)
            timer = asyncio.get_running_loop().call_later(wait, self.cancel, no_turn)
        try:
            return await asyncio.shield(self._coming)
        except asyncio.CancelledError:
            self.cancel(Refusal(Why.STOPPING))
            await self.__aexit__()  # it can have come in the same moment
            raise
        finally:
            if timer is not None:
                timer.cancel()

    async def __aexit__(self, *_: object) -> None:
        if self.has_come:
            self._queue.end(self.person)

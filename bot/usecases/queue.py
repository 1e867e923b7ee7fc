"""Turns of people who wait for the same thing."""

import asyncio

from bot.core.fairness import Rotation
from bot.core.outcomes import NotSent, Overloaded, Stopping, Superseded
from bot.core.requests import Person

NoTurn = NotSent | Overloaded | Stopping | Superseded
"""The reasons why a turn never comes."""

CAPACITY = 30_000
"""The most pieces of work that wait."""

MOST_AT_ANCHOR, MOST_AT_ANCHOR_EACH = 4_000, 1_000
"""The most orders that are being sent to Anchor, of all and of one person; others wait."""

MOST_OF_BATCH = 20
"""The most orders of a batch that are being sent: a guess, since Anchor's rate limit is not known."""

SHARE = 3
"""One person, or one of many workspaces, can use this part of a capacity (a third): two others still have room."""


class FairQueue:
    """Turns for work. They come to the people who wait in rotation.

    At most `most` turns run at the same time, and `most_each` of one person. At most `capacity` others wait. A turn
    that has not come after `longest_wait` seconds never comes.
    """

    def __init__(
        self,
        *,
        most: int,
        most_each: int,
        longest_wait: float | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self.longest_wait = longest_wait
        self._turns: Rotation[Turn] = Rotation(most=most, most_each=most_each)
        self._capacity = capacity
        self._is_stopped = False

    def stop(self) -> None:
        """Let no turn come any more."""
        self._is_stopped = True
        for turn in self._turns.waiting:
            turn.cancel(Stopping())

    def turn(self, person: Person, *, longest_wait: float | None = None) -> "Turn":
        """Return a new turn. It has come already if nothing else waits. It can have a longest wait of its own."""
        turn = Turn(self, self.longest_wait if longest_wait is None else longest_wait)
        if self._is_stopped:
            turn.cancel(Stopping())
        elif len(self._turns) >= self._capacity or self._turns.count(person) >= self._capacity // SHARE:
            turn.cancel(Overloaded())
        elif self._turns.take_place(person):
            turn.come(person)
        else:
            self.add(turn, person)
        return turn

    def add(self, turn: "Turn", person: Person) -> None:
        """Let a turn wait in the name of this person, too."""
        self._turns.add(turn, person)
        self._begin()

    def remove(self, turn: "Turn") -> None:
        """Remove a turn that waits."""
        self._turns.remove(turn)

    def end(self, person: Person) -> None:
        """Make room for another turn of this person."""
        self._turns.give_back(person)
        self._begin()

    def _begin(self) -> None:
        """Begin as many turns as there is room for."""
        while (taken := self._turns.take()) is not None:
            turn, person = taken
            turn.come(person)


class Turn:
    """A turn: `async with turn as reason` waits until it comes (None), or never will, and ends it."""

    def __init__(self, queue: FairQueue, longest_wait: float | None) -> None:
        self._queue, self._longest_wait = queue, longest_wait
        self._coming: asyncio.Future[NoTurn | None] = asyncio.get_running_loop().create_future()
        self._person: Person | None = None

    @property
    def has_come(self) -> bool:
        """Return whether the turn has come, so that its work can have begun."""
        return self._person is not None

    def share(self, person: Person) -> None:
        """Let a turn that waits come in the name of another person, too: the work is the same for both."""
        if not self._coming.done():
            self._queue.add(self, person)

    def cancel(self, why: NoTurn) -> None:
        """Cancel a turn that waits."""
        if not self._coming.done():
            self._queue.remove(self)
            self._coming.set_result(why)

    def come(self, person: Person) -> None:
        """Let the work begin, in the name of this person."""
        self._person = person
        self._coming.set_result(None)

    async def __aenter__(self) -> NoTurn | None:
        wait = self._longest_wait
        if self._coming.done() or wait is None:
            return await self._coming
        timer = asyncio.get_running_loop().call_later(wait, self.cancel, NotSent(wait))
        try:
            return await self._coming
        finally:
            timer.cancel()
            self._queue.remove(self)

    async def __aexit__(self, *_: object) -> None:
        if self._person is not None:
            self._queue.end(self._person)

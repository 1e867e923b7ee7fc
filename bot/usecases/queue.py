"""Turns of people who wait for the same thing."""

import asyncio

from bot.core.fairness import Rotation
from bot.core.outcomes import Refusal, Why
from bot.core.requests import Person

CAPACITY = 30_000  # the most pieces of work that wait
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
        self, *, most: int, most_each: int, longest_wait: float | None = None, capacity: int = CAPACITY
    ) -> None:
        self.longest_wait = longest_wait
        self._turns: Rotation[Turn] = Rotation(most=most, most_each=most_each)
        self._capacity = capacity
        self._is_stopped = False

    def stop(self) -> None:
        """Let no turn come any more."""
        self._is_stopped = True
        for turn in self._turns.waiting:
            turn.cancel(Refusal(Why.STOPPING))

    def turn(self, person: Person, *, longest_wait: float | None = None) -> "Turn":
        """Return a new turn. It has come already if nothing else waits. It can have a longest wait of its own."""
        turn = Turn(self, person, self.longest_wait if longest_wait is None else longest_wait)
        if self._is_stopped:
            turn.cancel(Refusal(Why.STOPPING))
        elif len(self._turns) >= self._capacity or self._turns.count(person) >= self._capacity // SHARE:
            turn.cancel(Refusal(Why.OVERLOADED))
        else:
            self._turns.add(turn, person)
            self._begin()
        return turn

    def remove(self, turn: "Turn") -> None:
        """Remove a turn that waits."""
        self._turns.remove(turn)

    def end(self, person: Person) -> None:
        """Make room for another turn of this person."""
        self._turns.give_back(person)
        self._begin()

    def _begin(self) -> None:
        while (turn := self._turns.take()) is not None:
            turn.come()


class Turn:
    """A turn of a person: `async with turn as reason` waits until it comes (None), or never will, and ends it."""

    def __init__(self, queue: FairQueue, person: Person, longest_wait: float | None) -> None:
        self._queue, self._person, self._longest_wait = queue, person, longest_wait
        self._coming: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()

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
            no_turn = Refusal(Why.NO_TURN, seconds=wait)
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
        if self._coming.result() is None:
            self._queue.end(self._person)

"""One session's orders: what was ordered last is what Anchor ends with, or it is called unconfirmed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from bot.core.outcomes import AnchorOutcome, Answered, Done, Doubt, Overtaken, Unconfirmed
from bot.core.requests import Verb
from bot.core.retry import sum_up
from bot.tasks import Tasks

DOUBT_LASTS = 60.0
"""Seconds for which an order that got no answer may still take effect at Anchor."""


class Send(Protocol):
    """Carries an order to Anchor and returns what came of each attempt; once `withdrawn`, it makes no further one."""

    def __call__(self, verb: Verb, *, withdrawn: asyncio.Event) -> Awaitable[list[AnchorOutcome]]:
        """Start carrying it out."""


class Lane:
    """One session of one workspace. Orders of one verb that meet are one; a pause goes before a resume.

    A pause is sent at once. A resume that waits is dropped for it, and one that was sent already is followed by the
    pause once more when it has settled, since the two may have crossed on their way. What is sent goes by the `send` of
    the last order, and so with the workspace's key as it was then.
    """

    def __init__(self, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._tasks = tasks
        self._clock = clock
        self._sent: dict[Verb, asyncio.Task[Answered]] = {}
        self._resume_withdrawn = asyncio.Event()
        self._waiting_resume: asyncio.Future[Answered] | None = None
        self._doubt_until: dict[Verb, float] = {}

    @property
    def is_busy(self) -> bool:
        """Whether an order is under way."""
        return any(self._in_flight(verb) for verb in Verb) or self._waiting_resume is not None

    @property
    def is_in_doubt(self) -> bool:
        """Whether an order that got no answer may still take effect."""
        return any(self._clock() < until for until in self._doubt_until.values())

    def order(self, verb: Verb, send: Send) -> asyncio.Future[Answered]:
        """Give an order, and get what will come of it. The future is shared: wait for it, but don't cancel it."""
        self._send = send
        return self._pause() if verb is Verb.PAUSE else self._resume()

    def interrupt(self) -> None:
        """Cancel everything that is under way."""
        waiting = [self._waiting_resume] if self._waiting_resume else []
        for order in (*waiting, *self._sent.values()):
            order.cancel()

    def _pause(self) -> asyncio.Future[Answered]:
        self._resume_withdrawn.set()
        if self._waiting_resume is not None:
            self._waiting_resume.set_result(Overtaken())
            self._waiting_resume = None
        return self._in_flight(Verb.PAUSE) or self._start(Verb.PAUSE, self._carry_out_pause())

    def _resume(self) -> asyncio.Future[Answered]:
        if self._waiting_resume is None and self._in_flight(Verb.PAUSE) is None:
            return self._in_flight(Verb.RESUME) or self._start_resume()
        if self._waiting_resume is None:
            self._waiting_resume = asyncio.get_running_loop().create_future()
        return self._waiting_resume

    def _in_flight(self, verb: Verb) -> asyncio.Task[Answered] | None:
        """The order of this verb that can be joined: one that has just ended can't, even before it is `_settled`."""
        task = self._sent.get(verb)
        return None if task is None or task.done() else task

    def _start_resume(self) -> asyncio.Task[Answered]:
        self._resume_withdrawn = asyncio.Event()
        return self._start(Verb.RESUME, self._carry_out_resume(self._resume_withdrawn))

    def _start(self, verb: Verb, work: Coroutine[Any, Any, Answered]) -> asyncio.Task[Answered]:
        task = self._sent[verb] = self._tasks.start(work)
        task.add_done_callback(lambda _: self._settled())
        return task

    def _settled(self) -> None:
        waiting = self._waiting_resume
        if waiting is None or self._in_flight(Verb.PAUSE) is not None:
            return
        self._waiting_resume = None
        if not waiting.cancelled():
            resume = self._start_resume()
            resume.add_done_callback(lambda _: _hand_on(resume, waiting))

    async def _carry_out_pause(self) -> Answered:
        crossed = self._in_flight(Verb.RESUME)
        never_withdrawn = asyncio.Event()
        outcome = await self._carry_out(Verb.PAUSE, never_withdrawn)
        if crossed is not None:
            await asyncio.wait({crossed})
            outcome = await self._carry_out(Verb.PAUSE, never_withdrawn)
        return outcome

    async def _carry_out_resume(self, withdrawn: asyncio.Event) -> Answered:
        return Overtaken() if withdrawn.is_set() else await self._carry_out(Verb.RESUME, withdrawn)

    async def _carry_out(self, verb: Verb, withdrawn: asyncio.Event) -> AnchorOutcome:
        attempts = await self._send(verb, withdrawn=withdrawn)
        if any(isinstance(attempt, Unconfirmed) for attempt in attempts):
            self._doubt_until[verb] = self._clock() + DOUBT_LASTS
        outcome = sum_up(attempts)
        if isinstance(outcome, Done) and self._clock() < self._doubt_until.get(verb.opposite, 0.0):
            return Unconfirmed(Doubt.CROSSED)
        return outcome


def _hand_on(source: asyncio.Future[Answered], target: asyncio.Future[Answered]) -> None:
    """Give `target` the end of `source`, whatever it is."""
    if source.cancelled():
        target.cancel()
    else:
        error = source.exception()
        target.set_exception(error) if error else target.set_result(source.result())

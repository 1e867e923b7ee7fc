"""Serialize the orders for one session: the last one wins; if that cannot be proven, the outcome is Unconfirmed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from bot.concurrency import Tasks
from bot.core.fields import Secret
from bot.core.outcomes import AnchorOutcome, Answered, Done, Doubt, Late, StoreUnavailable, Superseded, Unconfirmed
from bot.core.requests import UNCONFIRMED_TTL, Verb
from bot.core.retries import combine
from bot.core.session_ids import SessionId
from bot.usecases.access_check import Access
from bot.usecases.fair_queue import FairQueue, NoTurn, Turn


class Anchor(Protocol):
    """The part of `AnchorClient` that the sequencer needs."""

    def send(
        self,
        verb: Verb,
        key: Secret,
        session_id: SessionId,
        *,
        cancelled: asyncio.Event,
    ) -> Awaitable[list[AnchorOutcome]]:
        """Send an order and return the outcome of each attempt; make no further attempt once `cancelled` is set."""


class Record(Protocol):
    """The part of `OrderRecord` that the sequencer needs."""

    @property
    def is_opposed_in_doubt(self) -> bool:
        """Return whether an opposite order of another process can still take effect."""

    async def clear_resume(self, cancelled: asyncio.Event) -> Superseded | StoreUnavailable | Late | None:
        """Wait for pauses of other processes. Return the reason if the resume is not to be sent."""

    def until_taken_over(self, cancelled: asyncio.Event) -> asyncio.Event:
        """Return the event that ends the attempts of a resume."""

    async def has_crossed(self) -> bool:
        """Wait for resumes of other processes. Return whether the pause is to be sent again."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an order, the access it was sent with, and the last attempt (None: it was not sent)."""

    outcome: Answered | NoTurn | StoreUnavailable | Late
    access: Access
    last_attempt: AnchorOutcome | None = None


@dataclass(frozen=True, slots=True)
class _WaitingResume:
    access: Access
    record: Record
    result: asyncio.Future[Result]


class SessionSequencer:
    """The orders for one session. Concurrent orders of the same verb share one result.

    A pause is sent at once. It drops a resume that still waits. A resume that was already sent may reach Anchor after
    the pause, so the pause is sent again once that resume has settled. A resume waits for a pause in flight. The record
    of an order extends this to the orders of other processes.
    An order in flight can wait for its turn in the queue. Everybody who orders something for the session lends it
    their own place there.
    """

    def __init__(
        self,
        anchor: Anchor,
        session_id: SessionId,
        queue: FairQueue,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._anchor = anchor
        self._session_id = session_id
        self._queue = queue
        self._tasks = tasks
        self._clock = clock
        self._sent: dict[Verb, asyncio.Task[Result]] = {}
        self._turns: dict[Verb, Turn] = {}
        self._resume_cancelled = asyncio.Event()
        self._waiting: _WaitingResume | None = None
        self._unconfirmed_until: dict[Verb, float] = {}

    @property
    def is_busy(self) -> bool:
        """Return whether an order is in flight or waits."""
        return any(self._in_flight(verb) for verb in Verb) or self._waiting is not None

    @property
    def is_unconfirmed(self) -> bool:
        """Return whether an unanswered order can still take effect."""
        return any(self._clock() < until for until in self._unconfirmed_until.values())

    def pause(self, access: Access, record: Record) -> asyncio.Future[Result]:
        """Submit a pause. The future can be shared with other callers: wait for it, but do not cancel it."""
        self._share_turns(access)
        self._resume_cancelled.set()
        if self._waiting is not None:
            self._waiting.result.set_result(Result(Superseded(), self._waiting.access))
            self._waiting = None
        if Verb.RESUME in self._turns:
            self._turns[Verb.RESUME].cancel(Superseded())
        return self._in_flight(Verb.PAUSE) or self._start(Verb.PAUSE, access, partial(self._send_pause, access, record))

    def resume(self, access: Access, record: Record) -> asyncio.Future[Result]:
        """Submit a resume, as in `pause`. It is sent once its record is clear, unless a pause supersedes it."""
        self._share_turns(access)
        if self._waiting is not None:
            return self._waiting.result
        if self._in_flight(Verb.PAUSE) is None:
            return self._in_flight(Verb.RESUME) or self._start_resume(access, record)
        self._waiting = _WaitingResume(access, record, asyncio.get_running_loop().create_future())
        return self._waiting.result

    def interrupt(self) -> None:
        """Cancel every order, except for those that wait in the queue: it has been stopped."""
        waiting = [self._waiting.result] if self._waiting else []
        for order in (*waiting, *(task for verb, task in self._sent.items() if self._turns[verb].has_come)):
            order.cancel()

    def _share_turns(self, access: Access) -> None:
        for turn in self._turns.values():
            turn.share(access.person)

    def _in_flight(self, verb: Verb) -> asyncio.Task[Result] | None:
        """Return the order of this verb that can be joined; a finished one cannot, even before `_settled` runs."""
        task = self._sent.get(verb)
        return None if task is None or task.done() else task

    def _start_resume(self, access: Access, record: Record) -> asyncio.Task[Result]:
        self._resume_cancelled = asyncio.Event()
        return self._start(Verb.RESUME, access, partial(self._send_resume, access, record, self._resume_cancelled))

    def _start(self, verb: Verb, access: Access, send: Callable[[], Awaitable[Result]]) -> asyncio.Task[Result]:
        turn = self._turns[verb] = self._queue.turn(access.person)
        task = self._sent[verb] = self._tasks.start(_send_in_turn(turn, access, send))
        task.add_done_callback(lambda _: self._settled())
        return task

    def _settled(self) -> None:
        waiting = self._waiting
        if waiting is None or self._in_flight(Verb.PAUSE) is not None:
            return
        self._waiting = None
        if not waiting.result.cancelled():
            resume = self._start_resume(waiting.access, waiting.record)
            resume.add_done_callback(lambda _: _copy_result(resume, waiting.result))

    async def _send_pause(self, access: Access, record: Record) -> Result:
        raced = self._in_flight(Verb.RESUME)
        never_cancelled = asyncio.Event()
        result = await self._send(Verb.PAUSE, access, never_cancelled)
        if raced is not None:
            await asyncio.wait({raced})
        if await record.has_crossed() or (raced is not None and _was_sent(raced)):
            result = await self._send(Verb.PAUSE, access, never_cancelled)
        return _with_doubt(result, record)

    async def _send_resume(self, access: Access, record: Record, cancelled: asyncio.Event) -> Result:
        why_not = await record.clear_resume(cancelled)
        if cancelled.is_set():
            return Result(Superseded(), access)
        if why_not is not None:
            return Result(why_not, access)
        return _with_doubt(await self._send(Verb.RESUME, access, record.until_taken_over(cancelled)), record)

    async def _send(self, verb: Verb, access: Access, cancelled: asyncio.Event) -> Result:
        attempts = await self._anchor.send(verb, access.key, self._session_id, cancelled=cancelled)
        if any(isinstance(attempt, Unconfirmed) for attempt in attempts):
            self._unconfirmed_until[verb] = self._clock() + UNCONFIRMED_TTL
        outcome: AnchorOutcome = combine(attempts)
        if isinstance(outcome, Done) and self._clock() < self._unconfirmed_until.get(verb.opposite, 0.0):
            outcome = Unconfirmed(Doubt.RACED)
        return Result(outcome, access, attempts[-1])


async def _send_in_turn(turn: Turn, access: Access, send: Callable[[], Awaitable[Result]]) -> Result:
    async with turn as why_not:
        return await send() if why_not is None else Result(why_not, access)


def _with_doubt(result: Result, record: Record) -> Result:
    if isinstance(result.outcome, Done) and record.is_opposed_in_doubt:
        return replace(result, outcome=Unconfirmed(Doubt.RACED))
    return result


def _was_sent(resume: asyncio.Task[Result]) -> bool:
    """Return whether a resume that has ended can have reached Anchor."""
    return resume.cancelled() or resume.exception() is not None or resume.result().last_attempt is not None


def _copy_result(source: asyncio.Future[Result], target: asyncio.Future[Result]) -> None:
    """Finish `target` as `source` finished: with its result, its exception, or cancelled."""
    if source.cancelled():
        target.cancel()
    else:
        error = source.exception()
        target.set_exception(error) if error else target.set_result(source.result())

"""The orders for a session, one after the other, also beside other processes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from bot.core.history import can_see_all
from bot.core.outcomes import (
    AnchorOutcome,
    Answered,
    Done,
    Doubt,
    Ended,
    EndedBy,
    Late,
    NotRunning,
    Paused,
    PausedSince,
    ResumedSince,
    StoreUnavailable,
    Superseded,
    Unconfirmed,
)
from bot.core.recovery import State
from bot.core.requests import LATE, NO_OPPOSITION, UNCONFIRMED_TTL, Opposition, Verb
from bot.core.retries import combine
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Session, end_of
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.entries import Entry
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.journal import Journal
from bot.outbound.store.orders import OrderRows
from bot.runtime import Tasks, ended, happens
from bot.usecases.access import Access
from bot.usecases.queue import CAPACITY, FairQueue, NoTurn, Turn

_log = logging.getLogger(__name__)

_TIMEOUT = 2.0  # seconds for a change to be stored
_SHORT_TIMEOUT = 0.5  # seconds for that of a pause which has waited for its turn, and for a look at what came meanwhile
_LOOK_INTERVAL = 0.2  # seconds between two looks at what other processes send
_LONGEST_LOOK = 30.0  # seconds, longer than the default ANCHOR_DEADLINE; a resume that runs on leaves a pause in doubt

_READ_BEFORE_END = 1.0  # seconds for the session to be read before it is ended,
_READ_AFTER_END = 10.0  # within which it is read after that until it has ended,
_READ_INTERVAL = 1.0  # and between two of those reads
LONGEST_READS = {Verb.END: _READ_BEFORE_END + _READ_AFTER_END}
"""Seconds that an order can take beside those for its requests."""

MOST_SESSIONS = 2 * CAPACITY
"""The most sequencers. An unanswered order keeps its sequencer for a minute: 500 per second need half of them."""

NotCleared = Superseded | PausedSince | ResumedSince | EndedBy | StoreUnavailable | Late


@dataclass(eq=False)
class OrderRecord:
    """The record of an order, which says what other processes do for its session."""

    journal: Journal
    rows: OrderRows
    entry: Entry

    @property
    def is_opposed_in_doubt(self) -> bool:
        """Return whether an opposite order without an answer can still take effect."""
        return self.entry.opposition is not None and self.entry.opposition.is_in_doubt

    async def is_stored(self, *, within: float = _TIMEOUT) -> bool:
        """Return whether the order is stored within so many seconds, by default those that a resume waits for that."""
        await asyncio.wait({self.entry.inserted}, timeout=within)
        return self.entry.inserted.done()

    async def resumed_by(self) -> str | None:
        """Return who resumed the session after a pause was given, if anybody did. Without a database nobody did."""
        try:
            return await self.rows.resumed_after(self.entry.id) if await self.is_stored() else None
        except StoreError as error:
            _log.error("later resumes not found; the pause is sent", extra={"why": str(error)})
            return None

    async def resumed_meanwhile(self) -> str | None:
        """Record that a pause of a batch is being sent. Return who resumed its session while it waited, if anybody did.

        From then on a resume waits for it. A database that takes long, or fails, holds up no pause.
        """
        has_waited = self.entry.is_stored
        self.journal.sending(self.entry)
        if has_waited:
            await asyncio.wait({self.entry.written}, timeout=_SHORT_TIMEOUT)
            return await or_default(self.rows.resumed_after(self.entry.id), None, within=_SHORT_TIMEOUT)
        return None

    async def changed_since(self, *, is_admin: bool) -> PausedSince | ResumedSince | StoreUnavailable | None:
        """Return the change that the person who resumes does not know of, as this person is allowed to see it."""
        order = self.entry.order
        try:
            last = await self.rows.change_since(order)
        except StoreError:
            return StoreUnavailable()
        if last is None:
            return None
        if last.verb == Verb.RESUME:
            return ResumedSince(last.id, last.user_id, last.given_at)
        shows_all = can_see_all(last.user_id, viewer_id=order.actor.user_id, is_admin=is_admin)
        more = (last.reason, last.channel_id) if shows_all else ()
        return PausedSince(last.id, last.user_id, last.given_at, last.outcome == Paused.__name__, *more)

    async def clear_resume(self, cancelled: asyncio.Event, *, is_admin: bool = False) -> NotCleared | None:
        """Record that a resume is being sent, once no pause is running elsewhere. Return why it is not sent, if so.

        It is too late if this process was frozen meanwhile: another one may have reported it.
        """
        entry = self.entry
        while not cancelled.is_set():
            if not await self._is_recorded_as_sent():
                return StoreUnavailable()
            if entry.state is State.SENT:
                return None if self.journal.is_leased else Late(entry.age)
            opposition = entry.opposition or NO_OPPOSITION
            if (ending := opposition.ending) is not None:
                return EndedBy(ending.user_id, ending.given_at, ending.is_confirmed)
            if opposition.is_later:
                break
            if opposition.is_unknown and (change := await self.changed_since(is_admin=is_admin)) is not None:
                return change
            await happens(cancelled, within=_LOOK_INTERVAL)
        return Superseded()

    async def clear_end(self) -> StoreUnavailable | Late | None:
        """Record that an end is being sent. Return why it is not sent, if so: it is only sent in time."""
        if self.entry.age <= LATE and not await self._is_recorded_as_sent():
            return StoreUnavailable()
        is_in_time = self.entry.age <= LATE and self.journal.is_leased
        return None if is_in_time else Late(self.entry.age)

    async def _is_recorded_as_sent(self) -> bool:
        entry = self.entry
        self.journal.sending(entry)
        await asyncio.wait({entry.written}, timeout=_TIMEOUT)
        return entry.written.done() and entry.written.result()

    def is_sent(self) -> bool:
        """Return whether a resume or an end is recorded as sent, or another one can be sent for it."""
        return self.entry.state is State.SENT or self.entry.has_company

    def is_ours(self) -> bool:
        """Return whether no other process can have taken the order over."""
        return self.journal.is_leased and not self.entry.is_lost

    async def may_repeat(self) -> bool:
        """Return whether a resume or an end may be sent again: no resume of a session that somebody ends."""
        if not self.is_ours() or self.entry.order.verb is Verb.END:
            return self.is_ours()
        try:
            return await self.rows.ending(self.entry.id) is None
        except StoreError:
            return False

    async def has_crossed(self) -> bool:
        """Wait for the resumes that other processes send beside a pause. Return whether there were any."""
        entry = self.entry
        if not await self.journal.is_ours(entry, within=_TIMEOUT) or not entry.is_stored:
            return False
        ends = time.monotonic() + _LONGEST_LOOK
        opposition = entry.opposition or await self._look()
        has_crossed = opposition.has_crossed or opposition.is_running
        while opposition.is_running and time.monotonic() < ends:
            await asyncio.sleep(_LOOK_INTERVAL)
            opposition = await self._look()
        entry.opposition = replace(opposition, is_in_doubt=opposition.is_in_doubt or opposition.is_running)
        entry.has_crossed = has_crossed
        return has_crossed

    def with_earlier_pause(self, outcome: Paused) -> Paused:
        """Return the outcome with the pause before this one, if there was one and it is known by now."""
        earlier = self.entry.opposition and self.entry.opposition.earlier_pause
        return replace(outcome, earlier_by=earlier.user_id, earlier_at=earlier.given_at) if earlier else outcome

    async def _look(self) -> Opposition:
        try:
            return await self.rows.find_opposition(self.entry.id)
        except StoreError:
            return Opposition(is_running=True)  # until the database says that it is not so


MayRepeat = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an order, the access it was sent with, and the last attempt (None: it was not sent)."""

    outcome: Answered | NoTurn | NotCleared
    access: Access
    last_attempt: AnchorOutcome | None = None


@dataclass(frozen=True, slots=True)
class _WaitingResume:
    access: Access
    record: OrderRecord
    result: asyncio.Future[Result]


@dataclass(eq=False)
class SessionSequencer:
    """The orders for one session. Concurrent orders of the same verb share one result.

    A pause is sent at once. It drops a resume that still waits. A resume that was already sent may reach Anchor after
    the pause, so the pause is sent again once that resume has settled. A resume waits for a pause in flight. The record
    of an order extends this to the orders of other processes. An end waits for nothing, and holds no pause back.
    An order in flight can wait for its turn in the queue. Everybody who orders something for the session lends it
    their own place there. `deciding` counts the alerts of which it is not known yet whether they pause the session: a
    resume that comes meanwhile is newer than their pauses, and waits for them.
    """

    anchor: AnchorClient
    sessions: AnchorSessions
    session_id: SessionId
    queue: FairQueue
    tasks: Tasks
    on_first: Callable[[Verb, Access, SessionId, AnchorOutcome], object] | None = None
    deciding: int = 0

    def __post_init__(self) -> None:
        self._sent: dict[Verb, asyncio.Task[Result]] = {}
        self._turns: dict[Verb, Turn] = {}
        self._resume_cancelled = asyncio.Event()
        self._waiting: _WaitingResume | None = None
        self._unconfirmed_until: dict[Verb, float] = {}

    @property
    def is_busy(self) -> bool:
        """Return whether an order is in flight or waits."""
        return any(self._in_flight(verb) for verb in Verb) or self._waiting is not None or self.deciding > 0

    @property
    def is_unconfirmed(self) -> bool:
        """Return whether an unanswered order can still take effect."""
        return any(time.monotonic() < until for until in self._unconfirmed_until.values())

    def pause(self, access: Access, record: OrderRecord) -> asyncio.Future[Result]:
        """Submit a pause. The future can be shared with other callers: wait for it, but do not cancel it."""
        self._share_turns(access)
        self._resume_cancelled.set()
        if self._waiting is not None and self._waiting.record.entry.given_at <= record.entry.given_at:
            self._waiting.result.set_result(Result(Superseded(), self._waiting.access))
            self._waiting = None
        if Verb.RESUME in self._turns:
            self._turns[Verb.RESUME].cancel(Superseded())
        return self._in_flight(Verb.PAUSE) or self._start(Verb.PAUSE, access, partial(self._send_pause, access, record))

    def resume(self, access: Access, record: OrderRecord) -> asyncio.Future[Result]:
        """Submit a resume, as in `pause`. It is sent once its record is clear, unless a pause supersedes it."""
        self._share_turns(access)
        if self._waiting is not None:
            record.entry.has_company = True
            return self._waiting.result
        if not self.deciding and self._in_flight(Verb.PAUSE) is None:
            return self._join(Verb.RESUME, record) or self._start_resume(access, record)
        self._waiting = _WaitingResume(access, record, asyncio.get_running_loop().create_future())
        return self._waiting.result

    def end(self, access: Access, record: OrderRecord) -> asyncio.Future[Result]:
        """Submit an end of the session, as in `pause`."""
        self._share_turns(access)
        return self._join(Verb.END, record) or self._start(Verb.END, access, partial(self._send_end, access, record))

    def interrupt(self) -> None:
        """Cancel every order, except for those that wait in the queue: it has been stopped."""
        waiting = [self._waiting.result] if self._waiting else []
        for order in (*waiting, *(task for verb, task in self._sent.items() if self._turns[verb].has_come)):
            order.cancel()

    def _share_turns(self, access: Access) -> None:
        for turn in self._turns.values():
            turn.share(access.person)

    def _in_flight(self, verb: Verb) -> asyncio.Task[Result] | None:
        """Return the order of this verb that can be joined; a finished one cannot, even before `go_on` runs."""
        task = self._sent.get(verb)
        return None if task is None or task.done() else task

    def _join(self, verb: Verb, record: OrderRecord) -> asyncio.Task[Result] | None:
        """Return the order in flight that is sent for this one as well, if there is one."""
        task = self._in_flight(verb)
        record.entry.has_company = task is not None
        return task

    def _start_resume(self, access: Access, record: OrderRecord) -> asyncio.Task[Result]:
        self._resume_cancelled = asyncio.Event()
        return self._start(Verb.RESUME, access, partial(self._send_resume, access, record, self._resume_cancelled))

    def _start(self, verb: Verb, access: Access, send: Callable[[], Awaitable[Result]]) -> asyncio.Task[Result]:
        turn = self._turns[verb] = self.queue.turn(access.person)
        task = self._sent[verb] = self.tasks.start(_send_in_turn(turn, access, send))
        task.add_done_callback(lambda _: self.go_on())
        return task

    def go_on(self) -> None:
        """Send the resume that waits, if it need not wait any more."""
        waiting = self._waiting
        if waiting is None or self.deciding or self._in_flight(Verb.PAUSE) is not None:
            return
        self._waiting = None
        if not waiting.result.cancelled():
            resume = self._start_resume(waiting.access, waiting.record)
            resume.add_done_callback(lambda _: _copy_result(resume, waiting.result))

    async def _send_pause(self, access: Access, record: OrderRecord) -> Result:
        raced = self._in_flight(Verb.RESUME)
        never_cancelled = asyncio.Event()
        result = await self._send(Verb.PAUSE, access, never_cancelled)
        if raced is not None:
            await ended(raced)
        if await record.has_crossed() or (raced is not None and _was_sent(raced)):
            result = await self._send(Verb.PAUSE, access, never_cancelled)
        return _with_doubt(result, record)

    async def _send_resume(self, access: Access, record: OrderRecord, cancelled: asyncio.Event) -> Result:
        why_not = await record.clear_resume(cancelled, is_admin=access.is_admin)
        if cancelled.is_set():
            return Result(Superseded(), access)
        if why_not is not None:
            return Result(why_not, access)
        return _with_doubt(await self._send(Verb.RESUME, access, cancelled, record.may_repeat), record)

    async def _send_end(self, access: Access, record: OrderRecord) -> Result:
        """End the session, unless it has ended. Anchor's reads say whether it has, not its answer alone."""
        before = await self.sessions.details(access.key, self.session_id, within=_READ_BEFORE_END)
        if isinstance(before, Session) and before.life is Life.ENDED:
            return Result(NotRunning(before.status), access)
        if (why_not := await record.clear_end()) is not None:
            return Result(why_not, access)
        never, may_repeat, latest = asyncio.Event(), record.may_repeat, record.entry.given_at + LATE
        attempts = await self.anchor.send(
            Verb.END, access.key, self.session_id, cancelled=never, may_repeat=may_repeat, leaves_by=latest
        )
        told, ends = combine(attempts), time.monotonic() + _READ_AFTER_END
        after: Session | NotRead | None = None
        while True:
            read = await self.sessions.details(access.key, self.session_id, within=ends - time.monotonic())
            after = read if isinstance(read, Session) or read.is_missing else after or read
            outcome = end_of(before, told, after)
            is_final = isinstance(outcome, Ended) or not isinstance(told, Ended | Unconfirmed)
            if is_final or ends - time.monotonic() <= _READ_INTERVAL:
                return Result(outcome, access, attempts[-1])
            await asyncio.sleep(_READ_INTERVAL)

    async def _send(
        self, verb: Verb, access: Access, cancelled: asyncio.Event, may_repeat: MayRepeat | None = None
    ) -> Result:
        on_first = self.on_first and partial(self.on_first, verb, access, self.session_id)
        attempts = await self.anchor.send(
            verb, access.key, self.session_id, cancelled=cancelled, may_repeat=may_repeat, on_first=on_first
        )
        if any(isinstance(attempt, Unconfirmed) for attempt in attempts):
            self._unconfirmed_until[verb] = time.monotonic() + UNCONFIRMED_TTL
        outcome: AnchorOutcome = combine(attempts)
        is_opposed = verb.opposite and time.monotonic() < self._unconfirmed_until.get(verb.opposite, 0.0)
        if isinstance(outcome, Done) and is_opposed:
            outcome = Unconfirmed(Doubt.RACED)
        return Result(outcome, access, attempts[-1])


async def _send_in_turn(turn: Turn, access: Access, send: Callable[[], Awaitable[Result]]) -> Result:
    async with turn as why_not:
        return await send() if why_not is None else Result(why_not, access)


def _with_doubt(result: Result, record: OrderRecord) -> Result:
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


Name = tuple[str, SessionId]
"""A session of a workspace."""


class Sequencers:
    """One sequencer per session, up to a limit. `create` makes one."""

    def __init__(self, create: Callable[[SessionId], SessionSequencer]) -> None:
        self._create = create
        self._sequencers: dict[Name, SessionSequencer] = {}
        self._expiring: set[Name] = set()

    def get(self, name: Name) -> SessionSequencer | None:
        """Return the sequencer of a session; None if there are too many."""
        sequencer = self._sequencers.get(name)
        if sequencer is None and len(self._sequencers) < MOST_SESSIONS:
            sequencer = self._sequencers[name] = self._create(name[1])
        return sequencer

    @contextmanager
    def decision(self, name: Name) -> Iterator[None]:
        """Let resumes of a session wait until it is decided whether an alert pauses it, and for that pause."""
        sequencer = self.get(name) if len(self._sequencers) < MOST_SESSIONS / 2 else None  # the others are for orders
        if sequencer is None:
            yield
            return
        sequencer.deciding += 1
        try:
            yield
        finally:
            sequencer.deciding -= 1
            sequencer.go_on()
            self.release(name)

    def release(self, name: Name) -> None:
        """Drop a sequencer once none of its orders can still have an effect."""
        sequencer = self._sequencers.get(name)
        if sequencer is None or sequencer.is_busy or name in self._expiring:
            return
        if sequencer.is_unconfirmed:
            self._expiring.add(name)
            asyncio.get_running_loop().call_later(UNCONFIRMED_TTL, self._expire, name)
        else:
            del self._sequencers[name]

    def interrupt(self) -> None:
        """Interrupt every sequencer."""
        for sequencer in self._sequencers.values():
            sequencer.interrupt()

    def _expire(self, name: Name) -> None:
        self._expiring.discard(name)
        self.release(name)

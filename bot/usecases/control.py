"""The path of an order: who is allowed, what Anchor says, and what has become of it beside other orders.

The database keeps the sequence of a session's orders. A pause waits for nothing but the check of access; a resume and
an end are recorded before they are sent.
"""

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from functools import partial
from typing import TypeVar

from cachetools import TTLCache

from bot.core import outcomes
from bot.core.cards import SessionName
from bot.core.history import can_see_all
from bot.core.outcomes import (
    UNAUTHORIZED,
    AnchorOutcome,
    Doubt,
    KeyRejected,
    Outcome,
    Paused,
    Refusal,
    Unconfirmed,
    Why,
    name_of,
)
from bot.core.requests import LATE, STILL_WANTED, Order, Source, State, Verb
from bot.core.retries import combine
from bot.core.sessions import Session, end_of
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.connections import Row
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import Crossed, RunningOrder, Settled
from bot.runtime import Interruption, log_incident
from bot.usecases.access import Access, AccessCheck, OperatorAccess, OrderLimits
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import CAPACITY, MOST_AT_ANCHOR, MOST_OF_BATCH, FairQueue
from bot.usecases.sessions import FactReads

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

_STORED_WITHIN = 2.0  # seconds for a resume or an end to be recorded, and for an outcome
_TURN_WITHIN = 0.2  # seconds from the turn of a pause that has waited until it is sent, with the check of access;
_LEAST_TURN = 0.1  # so long the database has at least to record it as sent
_LOOK_INTERVAL = 0.1  # seconds between two looks at the orders that are at Anchor
_LONGEST_LOOK = 30.0  # seconds, longer than the default ANCHOR_DEADLINE; a resume that runs on leaves a pause in doubt
_MOST_FROZEN = 3  # looks whether an order is still ours
_MAY_END = outcomes.Ended | Unconfirmed | outcomes.Failed
_MOST_RESUMED = 10_000  # sessions
_JUDGED_AGAIN_AFTER = 1.0  # seconds after a failure of the database
_READ_AFTER_END = 10.0  # seconds within which a session is read until it has ended,
_READ_INTERVAL = 1.0  # and between two of those reads
LONGEST_READS = {Verb.END: _READ_AFTER_END}
"""Seconds that an order can take beside those for its requests."""

_MaySend = Callable[[int], Awaitable[Refusal | None]]
"""Returns why an order may not be sent now, if so. It is asked before each attempt, with its number from 0."""


@dataclass(eq=False)
class SessionControl:
    """Execution of orders, within the limits of each person.

    Without a `monitor` only the person is told what Anchor says about the key. Without `auto_pauses` no alert pauses.
    """

    anchor: AnchorClient
    access_check: AccessCheck | OperatorAccess
    monitor: WorkspaceMonitor | None
    rows: OrderRows
    _: KW_ONLY
    sessions: AnchorSessions
    queue: FairQueue
    capacity: InitVar[int] = CAPACITY
    facts: FactReads | None = None
    auto_pauses: AutoPauseRows | None = None

    def __post_init__(self, capacity: int) -> None:
        self._in_batches = FairQueue(most=MOST_AT_ANCHOR, most_each=MOST_OF_BATCH)
        self._limits = OrderLimits(capacity=capacity)
        # when the last resume of a session that this process has sent had an outcome: inf until it has
        self._resumed: TTLCache[SessionName, float] = TTLCache(_MOST_RESUMED, STILL_WANTED, timer=time.monotonic)
        self._interruption = Interruption()
        self._stopping = False

    def stop(self) -> None:
        """Accept no new orders."""
        self._stopping = True

    def interrupt(self) -> None:
        """Stop waiting for Anchor: report every order in flight as unconfirmed.

        An order that still waits for its turn, Slack or the store is not sent: its outcome would come too late.
        """
        self.queue.stop()
        self._in_batches.stop()
        self._interruption.come()

    async def execute(
        self, running: RunningOrder, known: Outcome | None = None, *, doubt: bool = False
    ) -> Settled | None:
        """Execute an order, unless its outcome is known, and log who ordered what. Never raises.

        Return what is told; None if another process tells it. `doubt`: another process may have sent it before.
        """
        order, began = running.order, time.monotonic()
        try:
            if known is None:
                settled = await self._decide(running, doubt=doubt)
            else:
                settled = await self._settle(running, known, doubt=doubt)
        except Exception as error:  # noqa: BLE001 - the person gets an answer
            settled = await self._settle(running, outcomes.Broken(log_incident(error)), doubt=True)
        outcome = None if settled is None else settled.outcome
        fields = {
            "outcome": "told by another process" if outcome is None else name_of(outcome),
            "session": order.session_id,
            "user": order.actor.user_id,
            "team": order.actor.team_id,
            "channel": order.actor.channel_id,
            "ms": round((time.monotonic() - began) * 1000),
        }
        leaves_running = order.verb is Verb.PAUSE and outcome and name_of(outcome) in outcomes.LEAVES_RUNNING
        _log.log(logging.WARNING if leaves_running else logging.INFO, order.verb.value, extra=fields)
        return settled

    async def _decide(self, running: RunningOrder, *, doubt: bool) -> Settled | None:
        order = running.order
        outcome: Outcome | None = Refusal(Why.STOPPING) if self._stopping else self._limits.begin(order)
        if outcome is None:
            try:
                async with self._turn(running) as no_turn:
                    sent_by = time.monotonic() + _TURN_WITHIN
                    access = no_turn or await self._check(running)
                    if isinstance(access, Access):
                        self.rows.allow(running)
                        running.offers_end = access.workspace.policy.end is not None
                        if order.verb is Verb.PAUSE:
                            return await self._pause(running, access, sent_by, doubt=doubt)
                        return await self._resume_or_end(running, access)
            finally:
                self._limits.end(order)
            outcome = access
        if outcome is None:
            return None
        # the process that had it can have sent it
        return await self._settle(running, Unconfirmed(Doubt.NO_ANSWER) if doubt else outcome, doubt=doubt)

    def _turn(self, running: RunningOrder) -> AbstractAsyncContextManager[Refusal | None]:
        """Return the turn of an order in its batch, early enough for it to end while it is wanted; others need none."""
        order, latest = running.order, max(STILL_WANTED - self.anchor.deadline, STILL_WANTED / 2)
        if not order.batch_id:
            return nullcontext()
        person = order.actor.team_id, order.batch_id
        return self._in_batches.turn(person, longest_wait=max(0.0, latest - running.age))

    async def _check(self, running: RunningOrder) -> Access | Refusal | None:
        is_by_alert = running.order.source is Source.ALERT
        check = self._judge(running) if is_by_alert else self.access_check.check(running.order)
        return await self._interruption.or_result(check, Refusal(Why.STOPPING))

    async def _judge(self, running: RunningOrder) -> Access | Refusal | None:
        """Return the access of the pause of an alert, or why it is not sent: also if the database does not say so.

        It waits for the database as long as somebody still wants the pause, and looks at mode and token after that.
        The alert channel is told what is held back. None: another order or process has it.
        """
        while self.auto_pauses is not None and (left := STILL_WANTED - running.age) > 0:
            with suppress(StoreError):
                await _stored(running.recorded, within=left)
                access = None if running.is_repeated else await self.access_check.check(running.order)
                if isinstance(access, Access):
                    channel = access.workspace.alerts_channel or running.order.actor.channel_id
                    judge = partial(self.auto_pauses.judge, running.id, running.order, channel)
                    verdict = await _stored(self.rows.judge(running, judge), within=left)
                    if verdict is not True or self.rows.lease.is_held:  # else this process was frozen meanwhile
                        return verdict if isinstance(verdict, Refusal) else access if verdict else None
                elif access != Refusal(Why.STORE_UNAVAILABLE):
                    return access
            await asyncio.sleep(_JUDGED_AGAIN_AFTER)
        return Refusal(Why.STORE_UNAVAILABLE)

    # --- pauses ---

    async def _pause(self, running: RunningOrder, access: Access, sent_by: float, *, doubt: bool) -> Settled | None:
        """Send a pause, and once more after a resume that it may have crossed."""
        is_recorded: bool | None = True
        if running.state is State.WAITING and running.order.source is not Source.ALERT:
            is_recorded, against = await self._take_turn(running, within=max(_LEAST_TURN, sent_by - time.monotonic()))
            if against is not None:
                return await self._settle(running, _why_not(against, running.order, access))
        if is_recorded is False or (running.is_repeated and running.state is State.WAITING):
            return None
        outcome, is_doubtful = await self._send(running, access, partial(self._may_pause, running))
        doubt |= is_doubtful
        if isinstance(outcome, Paused) and self.facts is not None:
            self.facts.read_after_pause(access, running.order.session_id)
        ends = time.monotonic() + _LONGEST_LOOK
        settled = await self._record(running, outcome, doubt=doubt, looks=True)
        while isinstance(settled, Crossed) and settled.is_running and time.monotonic() < ends:
            if await self._interruption.or_result(asyncio.sleep(_LOOK_INTERVAL), Refusal(Why.STOPPING)):
                break
            settled = await self._record(running, outcome, doubt=doubt, looks=True)
        if isinstance(settled, Crossed):
            outcome, is_doubtful = await self._send(running, access, partial(self._may_pause, running))
            if settled.is_running or not isinstance(outcome, Paused | Unconfirmed):
                outcome = Unconfirmed(Doubt.OVERTAKEN)  # a refusal now says nothing about the session
            elif isinstance(outcome, Paused):
                outcome = replace(outcome, crossed=settled.user_id)
            return await self._settle(running, outcome, doubt=doubt or is_doubtful or settled.is_running)
        return settled and replace(settled, is_recorded=settled.is_recorded and is_recorded is not None)

    async def _take_turn(self, running: RunningOrder, *, within: float) -> tuple[bool | None, Row | None]:
        """Record that a pause that has waited is sent. It is sent also if the database does not answer in time."""
        try:
            return await _stored(self.rows.clear(running), within=within)
        except StoreError:
            running.state = State.SENT
            self.rows.record(running)
            return None, None

    async def _may_pause(self, running: RunningOrder, attempt: int) -> Refusal | None:
        """Return whether another process has a pause, as a refusal. A new one is sent without a question."""
        is_new = attempt == 0 and running.age <= self.rows.lease.seconds
        return None if is_new or await self.rows.is_ours(running) else Refusal(Why.STOPPING)

    # --- resumes and ends ---

    async def _resume_or_end(self, running: RunningOrder, access: Access) -> Settled | None:
        """Send an order that is recorded, once nothing speaks against it; again only after a refusal."""
        order = running.order
        if order.age > LATE:
            return await self._settle(running, Refusal(Why.LATE, seconds=order.age))
        outcome, doubt = await self._send(running, access, partial(self._clear, running, access))
        if order.verb is Verb.END and not isinstance(outcome, Refusal):
            outcome = await self._read_end(order, access, outcome)
        settled = await self._settle(running, outcome, doubt=doubt)
        if self._resumed.get(running.session) == math.inf and order.verb is Verb.RESUME:
            self._resumed[running.session] = time.monotonic()
        return settled

    async def _clear(self, running: RunningOrder, access: Access, attempt: int) -> Refusal | None:
        """Record that an order is sent, unless something speaks against it: then return that.

        The first time it waits for a pause that is at Anchor.
        """
        ends = time.monotonic() + (0.0 if attempt else self.anchor.deadline)
        with suppress(StoreError):
            is_sent, against = await _stored(self.rows.clear(running))
            while against and against.verb == Verb.PAUSE and against.state == State.SENT and not against.is_later:
                if time.monotonic() > ends:
                    break
                await asyncio.sleep(_LOOK_INTERVAL)
                is_sent, against = await _stored(self.rows.clear(running))
            if against is not None:
                return _why_not(against, running.order, access)
            if is_sent is not None:  # if this process was frozen meanwhile, another one can have reported it
                is_clear = is_sent and self.rows.lease.is_held
                if is_clear and running.order.verb is Verb.RESUME:
                    self._resumed[running.session] = math.inf
                return None if is_clear else Refusal(Why.LATE, seconds=running.age)
        return Refusal(Why.STORE_UNAVAILABLE)

    async def _read_end(self, order: Order, access: Access, told: AnchorOutcome) -> AnchorOutcome:
        """Return the outcome of an end. Anchor's reads say whether the session has ended, not its answer alone."""
        ends, after = time.monotonic() + _READ_AFTER_END, None
        while True:
            read = await self.sessions.details(access.key, order.session_id, within=ends - time.monotonic())
            after = read if isinstance(read, Session) or read.is_missing else after or read
            outcome = end_of(told, after)
            is_final = isinstance(outcome, outcomes.Ended) or not isinstance(told, _MAY_END)
            if is_final or ends - time.monotonic() <= _READ_INTERVAL:
                return outcome
            await asyncio.sleep(_READ_INTERVAL)

    # --- what all have in common ---

    async def _send(
        self, running: RunningOrder, access: Access, may_send: _MaySend
    ) -> tuple[AnchorOutcome | Refusal, bool]:
        """Send an order with its workspace's key, or a newer one. Return the outcome, and whether there is doubt."""
        verb, session_id = running.order.verb, running.order.session_id
        numbers, why_not = itertools.count(), list[Refusal]()

        async def may_send_now() -> bool:
            why_not.extend(filter(None, [await may_send(next(numbers))]))
            return not why_not

        async def send(access: Access) -> list[AnchorOutcome]:
            sending = self.anchor.send(verb, access.key, session_id, may_send_now)
            return await self._interruption.or_result(sending, [Unconfirmed(Doubt.NO_ANSWER)])

        async with self.queue.turn(access.person) as no_turn:
            if no_turn is not None or not await self._interruption.or_result(may_send_now(), otherwise=False):
                return no_turn or (*why_not, Refusal(Why.STOPPING))[0], False
            attempts = await send(access)
            newer = await self.access_check.newer_key(access) if isinstance(attempts[-1], KeyRejected) else None
            if newer is not None and await may_send_now():
                doubtful = [one for one in attempts if isinstance(one, Unconfirmed)]
                access, attempts = newer, doubtful + await send(newer)
        outcome, doubt = combine(attempts), any(isinstance(one, Unconfirmed) for one in attempts)
        is_about_id = verb is Verb.END and isinstance(outcome, KeyRejected) and outcome.status_code == UNAUTHORIZED
        if self.monitor is not None and not is_about_id:  # which says nothing of the key
            self.monitor.record_result(access.workspace, attempts[-1])
        if why_not and not doubt:
            return why_not[0], False
        return outcome, doubt

    async def _settle(self, running: RunningOrder, outcome: Outcome, *, doubt: bool = False) -> Settled | None:
        """Record an outcome, and return what is told."""
        settled = await self._record(running, outcome, doubt=doubt)
        return None if isinstance(settled, Crossed) else settled

    async def _record(
        self, running: RunningOrder, outcome: Outcome, *, doubt: bool, looks: bool = False
    ) -> Settled | Crossed | None:
        """Record an outcome, and return what is told: the outcome as it is if the database fails.

        None: another process has the order. If the lease has ended meanwhile, the next transaction, which renews it,
        finds that out, and what has happened since. Nobody waits for the record of a refusal that no card shows.
        """
        if isinstance(outcome, Refusal) and not running.is_allowed:
            running.know(outcome)
            self.rows.settle(running, outcome)
            return Settled(outcome)
        for _ in range(_MOST_FROZEN):
            recording = self.rows.settle(running, outcome, doubt=doubt, looks=looks)
            try:
                settled = await _stored(recording)
            except StoreError:
                recording.cancel()
                if isinstance(outcome, Paused) and self._resumed.get(running.session, -math.inf) > running.given_at:
                    outcome = Unconfirmed(Doubt.OVERTAKEN)
                running.know(outcome)
                self.rows.settle(running, outcome, doubt=doubt)  # with this time, whatever it has crossed
                return Settled(outcome, is_recorded=False)
            if not isinstance(settled, Settled):
                return settled
            running.know(settled.outcome)
            if self.rows.lease.is_held:
                return settled
        return None


async def _stored(change: asyncio.Future[_T], *, within: float = _STORED_WITHIN) -> _T:
    """Return the result of a change. Raises StoreError if it does not come within so many seconds, or fails."""
    await asyncio.wait({change}, timeout=within)
    if change.done():
        return change.result()
    raise StoreUnreachableError("the database does not answer in time")


def _why_not(against: Row, order: Order, access: Access) -> Refusal:
    """Return what the order that speaks against another one says, as this person is allowed to see it."""
    about = {"user_id": against.user_id, "given_at": against.given_at, "version": against.id}
    if against.verb == Verb.END:
        return Refusal(Why.ENDING if against.outcome is None else Why.ENDED_SINCE, **about)
    if against.verb == Verb.RESUME:
        return Refusal(Why.RESUMED_SINCE, **about)
    if can_see_all(against.user_id, viewer_id=order.actor.user_id, is_admin=access.is_admin):
        about |= {"reason": against.reason, "channel_id": against.channel_id}
    return Refusal(Why.PAUSED_SINCE, **about, is_confirmed=against.outcome == Paused.__name__)

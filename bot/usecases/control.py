"""The path of an order: who is allowed, what Anchor says, and what has become of it beside other orders.

The database keeps the sequence of a session's orders. A pause waits for nothing but the check of access; a resume and
an end are recorded before they are sent.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import TypeVar

from cachetools import TTLCache

from bot.core import outcomes
from bot.core.cards import SessionName
from bot.core.orders import LATE, STILL_WANTED, UNCONFIRMED_TTL, Order, Source, State, Verb
from bot.core.outcomes import (
    DONE_NAMES,
    NEWER,
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
from bot.core.retries import combine
from bot.core.sessions import end_of
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.store.auto_pause_rules import AutoPauseRows
from bot.outbound.store.connections import Row
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.runtime import log_incident
from bot.usecases.anchor_reads import FactReads
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.permissions import Access, AccessCheck, OperatorAccess
from bot.usecases.queue import FairQueue

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

_STORED_WITHIN = 2.0  # seconds for a resume or an end to be recorded, and for an outcome
_TURN_WITHIN = 0.15  # seconds for a pause that has waited to be recorded as sent
_LOOK_INTERVAL = 0.1  # seconds between two looks at the orders that are at Anchor
_LONGEST_LOOK = 30.0  # seconds, longer than the default ANCHOR_DEADLINE; a resume that runs on leaves a pause in doubt
_MAY_END = outcomes.Ended | Unconfirmed | outcomes.Failed
_MOST_RESUMED = 10_000  # sessions
_JUDGED_AGAIN_AFTER = 1.0  # seconds after a failure of the database, or beside a pause of the same firing
READ_AFTER_END = 10.0  # seconds within which a session is read until it has ended, beside those for its requests,
_READ_INTERVAL = 1.0  # and between two of those reads


@dataclass(eq=False, repr=False)
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
    facts: FactReads | None = None
    auto_pauses: AutoPauseRows | None = None

    def __post_init__(self) -> None:
        # until when the resumes of a session that this process knows of can act
        self._resumed: TTLCache[SessionName, float] = TTLCache(_MOST_RESUMED, STILL_WANTED, timer=time.monotonic)

    async def execute(self, running: RunningOrder, known: Outcome | None = None) -> Settled | None:
        """Execute an order, unless its outcome is known, and log who ordered what. Raises nothing.

        Return what is told; None if another process tells it. If it is cancelled, it does not wait for Anchor any more,
        and what it has not sent stays so.
        """
        order, began = running.order, time.monotonic()
        try:
            settled = await (self._decide(running) if known is None else self._settle(running, known))
        except asyncio.CancelledError:
            running.doubt |= running.policy is not None and running.state is State.SENT
            outcome = Unconfirmed(Doubt.NO_ANSWER) if running.doubt else Refusal(Why.STOPPING)
            settled = await self._settle(running, outcome)
        except Exception as error:  # noqa: BLE001 - the person gets an answer
            running.doubt = True
            settled = await self._settle(running, outcomes.Broken(log_incident(error)))
        name, actor = "told by another process" if settled is None else name_of(settled.outcome), order.actor
        about = {"session": order.session_id, "user": actor.user_id, "team": actor.team_id, "channel": actor.channel_id}
        can_run = order.verb is Verb.PAUSE and name in outcomes.CALL_SOMEBODY
        level, took = logging.WARNING if can_run else logging.INFO, round((time.monotonic() - began) * 1000)
        _log.log(level, order.verb.value, extra=about | {"outcome": name, "ms": took})
        return settled

    async def _decide(self, running: RunningOrder) -> Settled | None:
        order, is_by_alert = running.order, running.order.source is Source.ALERT
        access = await (self._judge(running) if is_by_alert else self.access_check.check(order))
        if isinstance(access, Access):
            self.rows.allow(running, access.workspace.policy)
            if order.verb is Verb.PAUSE:
                return await self._pause(running, access)
            return await self._resume_or_end(running, access)
        if access is None:
            return None
        # the process that had it can have sent it
        return await self._settle(running, Unconfirmed(Doubt.NO_ANSWER) if running.doubt else access)

    async def _judge(self, running: RunningOrder) -> Access | Refusal | None:
        """Return the access of the pause of an alert, or why it is not sent: also if the database does not say so.

        It waits for the database as long as somebody still wants the pause, and looks at mode and token after that. If
        the same firing came with another token, it waits for the outcome of that pause, until its deadline at most.
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
                    if verdict is not None and (verdict is not True or self.rows.lease.is_held):  # else it was frozen
                        return verdict if isinstance(verdict, Refusal) else access if verdict else None
                elif access != Refusal(Why.STORE_UNAVAILABLE):
                    return access
            await asyncio.sleep(_JUDGED_AGAIN_AFTER)
        return Refusal(Why.STORE_UNAVAILABLE)

    # --- pauses ---

    async def _pause(self, running: RunningOrder, access: Access) -> Settled | None:
        """Send a pause, and once more after a resume that it may have crossed."""
        outcome = await self._send(running, access)
        if isinstance(outcome, Paused) and self.facts is not None:
            self.facts.read_after_pause(access, running.order.session_id)
        ends = time.monotonic() + _LONGEST_LOOK
        while (settled := await self._settle(running, outcome, looks=True)) and settled.crossed_by:
            if settled.is_running and time.monotonic() < ends:
                self._note_resume(running, within=0.0)  # until now at least: the database can fail before the next look
                await asyncio.sleep(_LOOK_INTERVAL)
                continue
            outcome = await self._send(running, access)
            running.doubt |= settled.is_running
            if not isinstance(outcome, Paused) or settled.is_running:  # a refusal now says nothing about the session
                return await self._settle(running, Unconfirmed(Doubt.OVERTAKEN))
            return await self._settle(running, replace(outcome, crossed=settled.crossed_by))
        return settled

    # --- resumes and ends ---

    async def _resume_or_end(self, running: RunningOrder, access: Access) -> Settled | None:
        """Send an order that is recorded, once nothing speaks against it; again only after a refusal."""
        order = running.order
        if order.age > LATE:
            return await self._settle(running, Refusal(Why.LATE, seconds=order.age))
        outcome = await self._send(running, access)
        if order.verb is Verb.END and not isinstance(outcome, Refusal):
            outcome = await self._read_end(order, access, outcome)
        if running.doubt and order.verb is Verb.RESUME:
            self._note_resume(running, within=UNCONFIRMED_TTL)
        return await self._settle(running, outcome)

    async def _clear(self, running: RunningOrder) -> Refusal | None:
        """Record that an order is sent, unless something speaks against it: then return that.

        It waits for an earlier pause that is at Anchor. Without the database only a pause is sent.
        """
        is_pause, ends = running.order.verb is Verb.PAUSE, time.monotonic() + self.anchor.deadline
        with suppress(StoreError):
            while True:
                clearing = self.rows.clear(running)
                is_sent, against = await _stored(clearing, within=_TURN_WITHIN if is_pause else _STORED_WITHIN)
                if against is None:
                    break
                is_at_anchor = against.verb == Verb.PAUSE and against.state == State.SENT and not against.is_later
                if not is_at_anchor or time.monotonic() > ends:
                    return _why_not(against)
                await asyncio.sleep(_LOOK_INTERVAL)
            if is_sent is not None:  # if this process was frozen meanwhile, another one can have reported it
                if not (is_sent and (is_pause or self.rows.lease.is_held)):
                    return Refusal(Why.LATE, seconds=running.age)
                if running.order.verb is Verb.RESUME:
                    self._note_resume(running, within=self.anchor.deadline)
                running.state = State.SENT
                return None
        return None if is_pause and not running.is_repeated else Refusal(Why.STORE_UNAVAILABLE)

    def _note_resume(self, running: RunningOrder, *, within: float) -> None:
        """Know that a resume of the session of an order can act within so many seconds from now."""
        self._resumed[running.session] = max(self._resumed.get(running.session, 0.0), time.monotonic() + within)

    async def _read_end(self, order: Order, access: Access, told: AnchorOutcome) -> AnchorOutcome:
        """Return the outcome of an end. Anchor's reads say whether the session has ended, not its answer alone."""
        ends = time.monotonic() + READ_AFTER_END
        while True:
            read = await self.sessions.details(access.key, order.session_id, within=ends - time.monotonic())
            outcome = end_of(told, read)
            is_final = isinstance(outcome, outcomes.Ended) or not isinstance(told, _MAY_END)
            if is_final or ends - time.monotonic() <= _READ_INTERVAL:
                return outcome
            await asyncio.sleep(_READ_INTERVAL)

    # --- what all have in common ---

    async def _send(self, running: RunningOrder, access: Access) -> AnchorOutcome | Refusal:
        """Send an order with its workspace's key, or a newer one."""
        verb, session_id, why_not, is_first = running.order.verb, running.order.session_id, list[Refusal](), True

        async def may_send() -> bool:
            nonlocal is_first
            is_at_once = verb is Verb.PAUSE and (running.state is State.SENT or running.order.source is Source.ALERT)
            if not is_at_once:
                why_not.extend(filter(None, [await self._clear(running)]))
            is_new, is_first = is_first and running.age <= self.rows.lease.seconds, False  # sent at once
            if verb is Verb.PAUSE and not (why_not or is_new or await self.rows.is_ours(running)):
                why_not.append(Refusal(Why.STOPPING))
            if not why_not and running.state is not State.SENT:
                running.state = State.SENT
                if not is_at_once:
                    self.rows.record(running)  # as sent: the database has not answered in time
            return not why_not

        async with self.queue.turn(access.person) as no_turn:
            if no_turn is not None or not await may_send():
                return no_turn or why_not[0]
            attempts = await self.anchor.send(verb, access.key, session_id, may_send)
            newer = await self.access_check.newer_key(access) if isinstance(attempts[-1], KeyRejected) else None
            if newer is not None and await may_send():
                access = newer
                attempts[-1:] = await self.anchor.send(verb, newer.key, session_id, may_send)
        doubt = any(isinstance(one, Unconfirmed) for one in attempts)
        running.doubt |= doubt
        if self.monitor is not None:
            self.monitor.record_result(access.workspace, attempts[-1])
        return why_not[0] if why_not and not doubt else combine(attempts)

    async def _settle(self, running: RunningOrder, outcome: Outcome, *, looks: bool = False) -> Settled | None:
        """Record an outcome, and return what is told: the outcome as it is if the database fails.

        None: another process has the order. If the lease has ended meanwhile, the next transaction, which renews it,
        finds that out, and what has happened since.
        """
        while True:
            recording = self.rows.settle(running, outcome, looks=looks)
            try:
                settled = await _stored(recording)
            except StoreError:
                recording.cancel()
                if isinstance(outcome, Paused) and self._resumed.get(running.session, 0.0) > running.given_at:
                    outcome = Unconfirmed(Doubt.OVERTAKEN)
                running.know(outcome)
                self.rows.settle(running, outcome)  # with this time, whatever it has crossed
                return Settled(outcome, is_recorded=False)
            if settled is None or settled.crossed_by:
                return settled
            running.know(settled.outcome)
            if self.rows.lease.is_held:
                return settled


async def _stored(change: asyncio.Future[_T], *, within: float = _STORED_WITHIN) -> _T:
    """Return the result of a change. Raises StoreError if it does not come within so many seconds, or fails."""
    await asyncio.wait({change}, timeout=within)
    if change.done():
        return change.result()
    raise StoreUnreachableError("the database does not answer in time")


def _why_not(against: Row) -> Refusal:
    """Return what the order that speaks against another one says."""
    why, is_confirmed = NEWER[Verb(against.verb)], against.outcome in DONE_NAMES
    return Refusal(why, against.user_id, against.given_at, version=against.id, is_confirmed=is_confirmed)

"""The path of an order: who is allowed, what Anchor says, and what has become of it beside other orders.

The database keeps the sequence of a session's orders. A pause waits for nothing but the check of access; a resume and
an end are recorded before they are sent.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from functools import partial
from typing import TypeVar

from cachetools import TTLCache

from bot.core import outcomes
from bot.core.cards import SessionName
from bot.core.history import can_see_all
from bot.core.outcomes import (
    Doubt,
    Outcome,
    Paused,
    Refusal,
    Unconfirmed,
    Why,
    name_of,
)
from bot.core.requests import LATE, STILL_WANTED, Order, Source, State, Verb
from bot.core.sessions import Session, end_of
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.connections import Row
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import Crossed, RunningOrder, Settled
from bot.runtime import Interruption
from bot.usecases.access import Access, AccessCheck, OperatorAccess, OrderLimits
from bot.usecases.anchor_orders import AnchorOrders
from bot.usecases.incidents import log_incident
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
_MAY_END = outcomes.Ended | Unconfirmed | outcomes.Failed
_MOST_RESUMED = 10_000  # sessions
_JUDGED_AGAIN_AFTER = 1.0  # seconds after a failure of the database
_READ_AFTER_END = 10.0  # seconds within which a session is read until it has ended,
_READ_INTERVAL = 1.0  # and between two of those reads
LONGEST_READS = {Verb.END: _READ_AFTER_END}
"""Seconds that an order can take beside those for its requests."""


@dataclass(eq=False)
class SessionControl:
    """Execution of orders, within the limits of each person.

    Without a `monitor` only the person is told what Anchor says about the key. Without `auto_pauses` no alert pauses.
    """

    anchor: AnchorClient
    access_check: AccessCheck | OperatorAccess
    monitor: InitVar[WorkspaceMonitor | None]
    rows: OrderRows
    _: KW_ONLY
    sessions: AnchorSessions
    queue: FairQueue
    capacity: InitVar[int] = CAPACITY
    facts: FactReads | None = None
    auto_pauses: AutoPauseRows | None = None

    def __post_init__(self, monitor: WorkspaceMonitor | None, capacity: int) -> None:
        self._in_batches = FairQueue(most=MOST_AT_ANCHOR, most_each=MOST_OF_BATCH)
        self._limits = OrderLimits(capacity=capacity)
        self._resuming: Counter[SessionName] = Counter()
        # when the last resume of a session that this process has sent had an outcome: inf until it has
        self._resumed: TTLCache[SessionName, float] = TTLCache(_MOST_RESUMED, STILL_WANTED, timer=time.monotonic)
        self._interruption = Interruption()
        self._anchor_orders = AnchorOrders(
            self.anchor, self.access_check, self.queue, self._interruption, monitor, self.facts
        )
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
            if isinstance(known, outcomes.Refusal):
                settled: Settled | None = await self._refuse(running, known)
            elif known is not None:
                settled = await self._end(running, known, doubt=doubt)
            else:
                settled = await self._decide(running, doubt=doubt)
        except Exception as error:  # noqa: BLE001 - the person gets an answer
            settled = await self._end(running, outcomes.Broken(log_incident(error)), doubt=True)
        outcome = None if settled is None else settled.outcome
        fields = {
            "outcome": "told by another process" if outcome is None else name_of(outcome),
            "session": order.session_id,
            "user": order.actor.user_id,
            "team": order.actor.team_id,
            "channel": order.actor.channel_id,
            "ms": round((time.monotonic() - began) * 1000),
        }
        leaves_running = (
            order.verb is Verb.PAUSE and outcome is not None and name_of(outcome) in outcomes.LEAVES_RUNNING
        )
        _log.log(logging.WARNING if leaves_running else logging.INFO, order.verb.value, extra=fields)
        return settled

    async def _decide(self, running: RunningOrder, *, doubt: bool) -> Settled | None:
        order = running.order
        if why_not_now := Refusal(Why.STOPPING) if self._stopping else self._limits.begin(order):
            return await self._refuse(running, why_not_now, doubt=doubt)
        try:
            async with self._turn(running) as why_not:
                sent_by = time.monotonic() + _TURN_WITHIN
                access = why_not or await self._check(running)
                if access is None:
                    return None
                if not isinstance(access, Access):
                    return await self._refuse(running, access, doubt=doubt)
                running.is_allowed, running.offers_end = True, access.workspace.policy.end is not None
                if order.batch_id and (limited := await self._wait_for_limit(running, access)):
                    return await self._refuse(running, limited, doubt=doubt)
                if order.verb is Verb.PAUSE:
                    return await self._pause(running, access, sent_by, doubt=doubt)
                return await self._resume_or_end(running, access)
        finally:
            self._limits.end(order)

    def _turn(self, running: RunningOrder) -> AbstractAsyncContextManager[Refusal | None]:
        """Return the turn of an order in its batch. Any other order waits for none."""
        order = running.order
        if not order.batch_id:
            return nullcontext()
        return self._in_batches.turn((order.actor.team_id, order.batch_id), longest_wait=self._left(running))

    def _left(self, running: RunningOrder) -> float:
        """Return the seconds in which an order of a batch can begin to be sent, so that it ends while it is wanted."""
        latest = max(STILL_WANTED - self.anchor.deadline, STILL_WANTED / 2)
        return max(0.0, latest - running.age)

    async def _check(self, running: RunningOrder) -> Access | outcomes.Refusal | None:
        is_by_alert = running.order.source is Source.ALERT
        check = self._judge(running) if is_by_alert else self.access_check.check(running.order)
        return await self._interruption.or_result(check, Refusal(Why.STOPPING))

    async def _judge(self, running: RunningOrder) -> Access | outcomes.Refusal | None:
        """Return the access of the pause of an alert, or why it is not sent: also if the database does not say so.

        It waits for the database as long as somebody still wants the pause, and looks at mode and token after that.
        The alert channel is told what is held back. None: another order or process has it.
        """
        while self.auto_pauses is not None and running.age < STILL_WANTED:
            with suppress(StoreError):
                await _stored(running.recorded, within=STILL_WANTED - running.age, gives_up=False)
                access = None if running.is_repeated else await self.access_check.check(running.order)
                if not isinstance(access, Access) and access != Refusal(Why.STORE_UNAVAILABLE):
                    return access
                if isinstance(access, Access):
                    channel = access.workspace.alerts_channel or running.order.actor.channel_id
                    judge = partial(self.auto_pauses.judge, running.id, running.order, channel)
                    verdict = await _stored(self.rows.judge(running, judge), within=STILL_WANTED - running.age)
                    if verdict is False and await self.rows.owner_of(running) is None:
                        self.rows.record(running, installed_by=None)  # the database came back without its last commits
                    elif not isinstance(verdict, bool):
                        return verdict
                    elif not verdict or self.rows.lease.is_held:
                        return access if verdict else None
            await asyncio.sleep(_JUDGED_AGAIN_AFTER)
        return Refusal(Why.STORE_UNAVAILABLE)

    async def _wait_for_limit(self, running: RunningOrder, access: Access) -> outcomes.RateLimited | Refusal | None:
        """Let an order of a batch wait while Anchor takes no requests. Return why it is not sent, if so."""
        ends = time.monotonic() + min(self.anchor.deadline, self._left(running))
        while wait := self.anchor.limited_for(access.key):
            if time.monotonic() + wait > ends:
                return outcomes.RateLimited(wait)
            if stopping := await self._interruption.or_result(asyncio.sleep(wait), Refusal(Why.STOPPING)):
                return stopping
        return None

    # --- pauses ---

    async def _pause(self, running: RunningOrder, access: Access, sent_by: float, *, doubt: bool) -> Settled | None:
        """Send a pause, and once more after a resume that it may have crossed."""
        began, is_recorded = time.monotonic(), True
        is_ours: Refusal | bool | None = True
        if running.state is State.WAITING and running.order.source is not Source.ALERT:
            is_ours = await self._take_turn(running, sent_by)
            is_recorded = is_ours is not None
        elif running.age > self.rows.lease.seconds:
            is_ours = await self.rows.is_ours(running)
        if isinstance(is_ours, Refusal):
            return await self._refuse(running, is_ours)
        if is_ours is False:
            return None
        outcome: Outcome
        outcome, is_doubtful = await self._anchor_orders.send(
            running.order, access, partial(self.rows.is_ours, running)
        )
        doubt |= is_doubtful
        if isinstance(outcome, Paused) and self.facts is not None:
            self.facts.read_after_pause(access, running.order.session_id)
        ends = time.monotonic() + _LONGEST_LOOK
        settled = await self._settle(running, outcome, doubt=doubt, looks=True)
        while isinstance(settled, Crossed):
            is_waiting = settled.is_running and time.monotonic() < ends and not self._interruption.has_come
            if is_waiting:
                await asyncio.sleep(_LOOK_INTERVAL)
            else:
                outcome, is_doubtful = await self._pause_again(running, access, settled.user_id)
                outcome = Unconfirmed(Doubt.OVERTAKEN) if settled.is_running else outcome
                doubt |= is_doubtful or settled.is_running
            settled = await self._settle(running, outcome, doubt=doubt, looks=is_waiting)
        if settled and not settled.is_recorded and self._resumed.get(running.session, began) > began:
            settled = await self._pause_unrecorded(running, access, ends)
        return replace(settled, is_recorded=settled.is_recorded and is_recorded) if settled else None

    async def _pause_unrecorded(self, running: RunningOrder, access: Access, ends: float) -> Settled | None:
        """Send a pause again that the database does not know, after this process's own resumes of the session."""
        while self._resuming[running.session] and time.monotonic() < ends:  # noqa: ASYNC110 - rare
            await asyncio.sleep(_LOOK_INTERVAL)
        if not await self.rows.is_ours(running):
            return None
        outcome, _ = await self._pause_again(running, access, "")
        return Settled(outcome, is_recorded=False)

    async def _take_turn(self, running: RunningOrder, sent_by: float) -> Refusal | bool | None:
        """Return why a pause that has waited is not sent, or whether it is ours; None if it is not recorded."""
        is_ours: Refusal | bool | None = True
        for _ in range(2):  # the first commit can have come after the lease ended; each renews it
            within = max(_LEAST_TURN, sent_by - time.monotonic())
            try:
                is_ours = await _stored(self.rows.take_turn(running), within=within, gives_up=False)
            except StoreError:
                return None
            if is_ours is not True or self.rows.lease.is_held:
                break
        return False if running.is_repeated else is_ours

    async def _pause_again(self, running: RunningOrder, access: Access, crossed: str) -> tuple[Outcome, bool]:
        """Send a pause again that has crossed a resume. A refusal now says nothing about the session."""
        outcome, is_doubtful = await self._anchor_orders.send(running.order, access)
        if isinstance(outcome, Paused):
            return replace(outcome, crossed=crossed), is_doubtful
        return outcome if isinstance(outcome, Unconfirmed) else Unconfirmed(Doubt.OVERTAKEN), is_doubtful

    # --- resumes and ends ---

    async def _resume_or_end(self, running: RunningOrder, access: Access) -> Settled | None:
        """Record an order, and send it once nothing speaks against it."""
        if running.order.age > LATE:
            return await self._refuse(running, Refusal(Why.LATE, seconds=running.order.age))
        send = self._resume if running.order.verb is Verb.RESUME else self._end_session
        try:
            await self._interruption.or_result(_stored(running.recorded, gives_up=False), None)
            if running.is_repeated:
                return None
            why_not = await self._interruption.or_result(
                self._clear(running, access, waits=True), Refusal(Why.STOPPING)
            )
        except StoreError:
            return await self._refuse(running, Refusal(Why.STORE_UNAVAILABLE))
        return await self._refuse(running, why_not) if why_not else await send(running, access)

    async def _clear(self, running: RunningOrder, access: Access, *, waits: bool) -> Refusal | None:
        """Record that an order is sent, unless something speaks against it: then return that. Raises StoreError."""
        ends = time.monotonic() + self.anchor.deadline
        while True:
            is_clear, against = await _stored(self.rows.clear(running))
            if is_clear and self.rows.lease.is_held:
                return None
            if not (is_clear or against or await self.rows.owner_of(running)):  # the database has lost it
                if await _stored(self.rows.record(running, installed_by=None)) is None:
                    return outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE)
                continue
            if is_clear or against is None:  # if this process was frozen meanwhile, another one can have reported it
                return Refusal(Why.LATE, seconds=running.age)
            is_at_anchor = against.verb == Verb.PAUSE and against.state == State.SENT and not against.is_later
            if not (waits and is_at_anchor) or time.monotonic() > ends:
                return _why_not(against, running.order, access)
            await asyncio.sleep(_LOOK_INTERVAL)

    async def _resume(self, running: RunningOrder, access: Access) -> Settled | None:
        """Send a resume, again only after a refusal, and if still nothing speaks against it."""
        why_not: list[Refusal] = []

        async def may_repeat() -> bool:
            try:
                against: Refusal | None = await self._clear(running, access, waits=False)
            except StoreError:
                against = Refusal(Why.STORE_UNAVAILABLE)
            why_not.extend([against] if against else [])
            return not why_not

        self._resuming[running.session] += 1
        self._resumed[running.session] = math.inf
        try:
            outcome, doubt = await self._anchor_orders.send(running.order, access, may_repeat)
            return await self._end(running, why_not[0] if why_not else outcome, doubt=doubt)
        finally:
            self._resuming[running.session] -= 1
            if not self._resuming[running.session]:
                del self._resuming[running.session]
                self._resumed[running.session] = time.monotonic()

    async def _end_session(self, running: RunningOrder, access: Access) -> Settled | None:
        """End the session. Anchor's reads say whether it has ended, not its answer alone."""
        told, doubt = await self._anchor_orders.send(running.order, access, leaves_by=running.given_at + LATE)
        ends, after, outcome = time.monotonic() + _READ_AFTER_END, None, told
        while not isinstance(told, outcomes.Refusal):
            within = ends - time.monotonic()
            read = await self.sessions.details(access.key, running.order.session_id, within=within)
            after = read if isinstance(read, Session) or read.is_missing else after or read
            outcome = end_of(told, after)
            is_final = isinstance(outcome, outcomes.Ended) or not isinstance(told, _MAY_END)
            if is_final or ends - time.monotonic() <= _READ_INTERVAL:
                break
            await asyncio.sleep(_READ_INTERVAL)
        return await self._end(running, outcome, doubt=doubt)

    # --- what is recorded ---

    async def _refuse(self, running: RunningOrder, why_not: Outcome, *, doubt: bool = False) -> Settled | None:
        """Record that nothing was sent, unless there is doubt. Nobody waits for that, unless cards may show it."""
        if doubt:  # the process that had it can have sent it
            return await self._end(running, Unconfirmed(Doubt.NO_ANSWER), doubt=True)
        running.know(why_not)
        recording = self.rows.settle(running, why_not)
        if running.is_allowed:
            with suppress(StoreError):
                settled = await _stored(recording, gives_up=False)
                if isinstance(settled, Settled):
                    return settled
                if await self.rows.owner_of(running):
                    return None  # another process tells it
        return Settled(why_not)

    async def _end(self, running: RunningOrder, outcome: Outcome, *, doubt: bool) -> Settled | None:
        """Record an outcome, and return what is told."""
        settled = await self._settle(running, outcome, doubt=doubt, looks=False)
        return None if isinstance(settled, Crossed) else settled

    async def _settle(
        self, running: RunningOrder, outcome: Outcome, *, doubt: bool, looks: bool
    ) -> Settled | Crossed | None:
        """Record an outcome, and return what is told: the outcome as it is if the database fails.

        None: another process has the order. If the lease had ended with the commit, another one can have taken it over
        meanwhile; the next transaction renews the lease, and finds that out.
        """
        for _ in range(2):
            if was_repeated := running.is_repeated:
                self.rows.record(running, is_repeated=True)
            recording = self.rows.settle(running, outcome, doubt=doubt, looks=looks)
            try:
                settled = await _stored(recording, gives_up=False)
                if settled is None and running.is_repeated and not was_repeated:
                    continue  # it is known only now: it gets a row beside the other one
                if settled is None:
                    settled = await self._end_without_row(running, outcome, doubt=doubt)
            except StoreError:
                running.know(outcome)  # what is written later has this time
                recording.add_done_callback(partial(self._end_later, running, outcome, doubt=doubt))
                return Settled(outcome, is_recorded=False)
            if settled is None or isinstance(settled, Crossed):
                return settled
            running.know(settled.outcome)
            if self.rows.lease.is_held:
                return None if running.is_repeated else settled
        return None

    def _end_later(
        self,
        running: RunningOrder,
        outcome: Outcome,
        recording: asyncio.Future[Settled | Crossed | None],
        *,
        doubt: bool,
    ) -> None:
        """Record an outcome that was told before it was found that the pause had crossed a resume."""
        if not recording.cancelled() and recording.exception() is None and isinstance(recording.result(), Crossed):
            self.rows.settle(running, outcome, doubt=doubt)

    async def _end_without_row(self, running: RunningOrder, outcome: Outcome, *, doubt: bool) -> Settled | None:
        """Return what is told of an order without a row; None if another process has its row. Raises StoreError."""
        if await self.rows.owner_of(running):
            return None
        if await _stored(self.rows.record(running, installed_by=None)) is None:
            return Settled(outcome)  # its workspace was uninstalled
        settled = await _stored(self.rows.settle(running, outcome, doubt=doubt))
        return settled if isinstance(settled, Settled) else None


async def _stored(change: asyncio.Future[_T], *, within: float = _STORED_WITHIN, gives_up: bool = True) -> _T:
    """Return the result of a change. Raises StoreError if it does not come within so many seconds, or fails."""
    await asyncio.wait({change}, timeout=within)
    if change.done():
        return change.result()
    if gives_up:
        change.cancel()
    raise StoreUnreachableError("the database does not answer in time")


def _why_not(against: Row, order: Order, access: Access) -> Refusal:
    """Return what the order that speaks against a resume says, as this person is allowed to see it."""
    about = {"user_id": against.user_id, "given_at": against.given_at, "version": against.id}
    if against.verb == Verb.END:
        return Refusal(Why.ENDING if against.outcome is None else Why.ENDED_SINCE, **about)
    if against.verb == Verb.RESUME:
        return Refusal(Why.RESUMED_SINCE, **about)
    if can_see_all(against.user_id, viewer_id=order.actor.user_id, is_admin=access.is_admin):
        about |= {"reason": against.reason, "channel_id": against.channel_id}
    return Refusal(Why.PAUSED_SINCE, **about, is_confirmed=against.outcome == Paused.__name__)

"""Execute orders: who is allowed, in which sequence, and what Anchor says."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import KW_ONLY, InitVar, dataclass, replace

from bot.core import outcomes
from bot.core.recovery import STILL_WANTED
from bot.core.requests import Order, Source, Verb, is_sent
from bot.core.session_ids import SessionId
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.entries import Entry
from bot.outbound.store.errors import StoreError
from bot.outbound.store.journal import Journal
from bot.outbound.store.orders import OrderRows
from bot.runtime import Interruption, Tasks, ended
from bot.usecases.access import Access, AccessCheck, OperatorAccess, OrderLimits
from bot.usecases.incidents import log_incident
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import CAPACITY, MOST_AT_ANCHOR, MOST_OF_BATCH, FairQueue, NoTurn
from bot.usecases.sequence import Name, OrderRecord, Result, Sequencers, SessionSequencer
from bot.usecases.sessions import FactReads

_log = logging.getLogger(__name__)

_ENDS_INSTEAD = outcomes.Failed | outcomes.Unavailable | outcomes.Unconfirmed
_BY_RECORD = outcomes.Superseded | outcomes.PausedSince | outcomes.Late | outcomes.StoreUnavailable
_JUDGED_AGAIN_AFTER = 1.0  # seconds after a failure of the database


@dataclass(eq=False)
class SessionControl:
    """Execution of orders, in sequence per session, within the limits of each person.

    Without a `monitor` only the person is told what Anchor says about the key. Without `auto_pauses` no alert pauses.
    """

    anchor: InitVar[AnchorClient]
    access_check: AccessCheck | OperatorAccess
    monitor: WorkspaceMonitor | None
    journal: Journal
    rows: OrderRows
    tasks: InitVar[Tasks]
    _: KW_ONLY
    sessions: InitVar[AnchorSessions]
    queue: FairQueue
    capacity: InitVar[int] = CAPACITY
    facts: FactReads | None = None
    auto_pauses: AutoPauseRows | None = None

    def __post_init__(self, anchor: AnchorClient, tasks: Tasks, sessions: AnchorSessions, capacity: int) -> None:
        self._anchor = anchor
        self._in_batches = FairQueue(most=MOST_AT_ANCHOR, most_each=MOST_OF_BATCH)
        self._limits = OrderLimits(capacity=capacity)
        self._sequencers = Sequencers(
            lambda one: SessionSequencer(anchor, sessions, one, self.queue, tasks, self._read)
        )
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
        self._sequencers.interrupt()

    async def execute(self, entry: Entry) -> outcomes.Outcome:
        """Execute an order, and log who ordered what. Never raises.

        Nobody is told the outcome if another process has the order, as `entry` says.
        """
        order = entry.order
        began = time.monotonic()
        try:
            outcome = await self._decide(entry)
        except Exception as error:  # noqa: BLE001 - the person gets an answer
            outcome = outcomes.Broken(log_incident(error))
        fields = {
            "outcome": "told by another process" if entry.is_lost else type(outcome).__name__,
            "session": order.session_id,
            "user": order.actor.user_id,
            "team": order.actor.team_id,
            "channel": order.actor.channel_id,
            "ms": round((time.monotonic() - began) * 1000),
        }
        leaves_running = order.verb is Verb.PAUSE and isinstance(outcome, outcomes.LEAVES_RUNNING)
        _log.log(logging.WARNING if leaves_running else logging.INFO, order.verb.value, extra=fields)
        return outcome

    async def _decide(self, entry: Entry) -> outcomes.Outcome:
        order = entry.order
        if self._stopping:
            return outcomes.Stopping()
        if limit := self._limits.begin(order):
            return limit
        try:
            async with self._turn(entry) as why_not:
                return why_not or await self._check_and_send(entry)
        finally:
            self._limits.end(order)

    def _turn(self, entry: Entry) -> AbstractAsyncContextManager[NoTurn | None]:
        """Return the turn of an order in its batch. Any other order waits for none."""
        order = entry.order
        if not order.batch_id:
            return nullcontext()
        return self._in_batches.turn((order.actor.team_id, order.batch_id), longest_wait=self._left(entry))

    def _left(self, entry: Entry) -> float:
        """Return the seconds in which an order of a batch can begin to be sent, so that it ends while it is wanted."""
        latest = max(STILL_WANTED - self._anchor.deadline, STILL_WANTED / 2)
        return max(0.0, latest - entry.age)

    async def _check_and_send(self, entry: Entry) -> outcomes.Outcome:
        order = entry.order
        is_by_alert = order.source is Source.ALERT
        check = self._judge(entry) if is_by_alert else self.access_check.check(order)
        with self._sequencers.decision((order.actor.team_id, order.session_id)) if is_by_alert else nullcontext():
            access = await self._interruption.or_result(check, outcomes.Stopping())
            return await self._send(entry, access) if isinstance(access, Access) else access

    async def _send(self, entry: Entry, access: Access) -> outcomes.Outcome:
        """Send an allowed order, unless it is too late for it, or a resume is not recorded or not up to date."""
        order, record = entry.order, OrderRecord(self.journal, self.rows, entry)
        if order.source is not Source.ALERT and not is_sent(order.verb, order.age, resumed_after=True):
            resumed_by = await record.resumed_by() if order.verb is Verb.PAUSE else None
            if not is_sent(order.verb, order.age, resumed_after=resumed_by is not None):
                return outcomes.Late(order.age, resumed_by)
        if order.verb is Verb.RESUME:
            is_stored = await self._interruption.or_result(record.is_stored(), outcomes.Stopping())
            if isinstance(is_stored, outcomes.Stopping):
                return is_stored
            if not is_stored or entry.is_lost:
                return outcomes.StoreUnavailable()
            if why_not := await record.changed_since(is_admin=access.is_admin):
                return why_not
        if order.batch_id and (held_back := await self._join_batch(entry, record, access)):
            return held_back
        entry.is_allowed, entry.offers_end = True, access.workspace.policy.end is not None
        return await self._ask_anchor(order, record, access)

    async def _join_batch(
        self, entry: Entry, record: OrderRecord, access: Access
    ) -> outcomes.RateLimited | outcomes.Stopping | outcomes.StoreUnavailable | outcomes.Late | None:
        """Let an order of a batch wait while Anchor takes no requests. Return why it is not sent, if so."""
        ends = time.monotonic() + min(self._anchor.deadline, self._left(entry))
        while wait := self._anchor.limited_for(access.key):
            if time.monotonic() + wait > ends:
                return outcomes.RateLimited(wait)
            if stopping := await self._interruption.or_result(asyncio.sleep(wait), outcomes.Stopping()):
                return stopping
        if entry.is_lost:
            return outcomes.StoreUnavailable()
        resumed_by = await record.resumed_meanwhile() if entry.order.verb is Verb.PAUSE else None
        return None if resumed_by is None else outcomes.Late(entry.age, resumed_by)

    async def _judge(self, entry: Entry) -> Access | outcomes.Refusal:
        """Return the access of the pause of an alert, or why it is not sent: also if the database does not say so.

        It waits for the database as long as somebody still wants the pause, and looks at mode and token after that.
        The alert channel is told what is held back.
        """
        record, rows = OrderRecord(self.journal, self.rows, entry), self.auto_pauses
        while rows is not None and entry.age < STILL_WANTED:
            if not await record.is_stored(within=STILL_WANTED - entry.age) or entry.is_lost:
                break
            access = await self.access_check.check(entry.order)
            if isinstance(access, Access):
                channel = access.workspace.alerts_channel or entry.order.actor.channel_id
                with suppress(StoreError):
                    verdict = await rows.judge(entry.id, entry.order, channel)
                    if not isinstance(verdict, bool) or record.is_ours():
                        entry.was_paused = verdict is True
                        return access if isinstance(verdict, bool) else verdict
            elif not isinstance(access, outcomes.StoreUnavailable):
                return access
            await asyncio.sleep(_JUDGED_AGAIN_AFTER)
        return outcomes.StoreUnavailable()

    async def _ask_anchor(self, order: Order, record: OrderRecord, access: Access) -> outcomes.Outcome:
        """Send the order, and send it again if it joined an earlier one that ended for a reason of its own.

        That of a pause or an end is an older key that Anchor refused; the other one can also not have been sent.
        """
        while _ended_for_another(order.verb, result := await self._submit(order, record, access), access):
            pass
        match result.outcome:
            case outcomes.KeyRejected() as outcome:
                return replace(outcome, by_admins=result.access.workspace.is_managed)
            case outcomes.Paused() as outcome:
                if self.facts is not None:
                    self.facts.read_after_pause(result.access, order.session_id)
                return record.with_earlier_pause(outcome)
            case outcome:
                return outcome

    def _read(self, verb: Verb, access: Access, session_id: SessionId, first: outcomes.AnchorOutcome) -> None:
        """Read a session whose pause fails, so that the question before its end names it."""
        if self.facts and verb is Verb.PAUSE and access.workspace.policy.end and isinstance(first, _ENDS_INSTEAD):
            self.facts.read_after_pause(access, session_id, has_failed=True)

    async def _submit(self, order: Order, record: OrderRecord, access: Access) -> Result:
        """Return the result of the order, also if it was interrupted."""
        name: Name = (order.actor.team_id, order.session_id)
        sequencer = self._sequencers.get(name)
        if sequencer is None:
            return Result(outcomes.Overloaded(), access)
        submit = {Verb.PAUSE: sequencer.pause, Verb.RESUME: sequencer.resume, Verb.END: sequencer.end}[order.verb]
        future = submit(access, record)
        await ended(future)
        self._sequencers.release(name)
        if future.cancelled():
            can_be_sent = order.verb is Verb.PAUSE or record.is_sent()
            return Result(outcomes.Unconfirmed(outcomes.Doubt.STOPPED) if can_be_sent else outcomes.Stopping(), access)
        result = future.result()
        if result.last_attempt is not None and self.monitor is not None and not _is_about_id(order.verb, result):
            self.monitor.record_result(result.access.workspace, result.last_attempt)
        return result


def _is_about_id(verb: Verb, result: Result) -> bool:
    """Return whether a refusal can be about the id of a session, and then says nothing of the key."""
    last = result.last_attempt
    return verb is Verb.END and isinstance(last, outcomes.KeyRejected) and last.status_code == outcomes.UNAUTHORIZED


def _ended_for_another(verb: Verb, result: Result, access: Access) -> bool:
    """Return whether an order that this one joined ended for a reason that need not hold for this one.

    Anchor refused a key that was replaced before this order was given; or the other one was not sent, which the record
    of each order decides.
    """
    if isinstance(result.outcome, _BY_RECORD) and result.access is not access:
        return True
    versions = (result.access.workspace.key_version, access.workspace.key_version)
    return verb is not Verb.RESUME and isinstance(result.outcome, outcomes.KeyRejected) and versions[0] < versions[1]

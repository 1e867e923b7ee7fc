"""Pause or resume a session: the one path to Anchor for every surface."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from cachetools import TTLCache

from bot.concurrency import Tasks
from bot.core.outcomes import (
    LEAVES_RUNNING,
    Broken,
    Doubt,
    KeyRejected,
    Late,
    Outcome,
    Refusal,
    Resumed,
    Stopping,
    Unconfirmed,
)
from bot.core.request_age import is_sent
from bot.core.requests import Order, Verb
from bot.usecases.access_check import Access, AccessCheck
from bot.usecases.fair_queue import CAPACITY, FairQueue
from bot.usecases.incidents import log_incident
from bot.usecases.order_limits import OrderLimits
from bot.usecases.resume_log import Name, ResumeLog
from bot.usecases.session_sequencer import UNCONFIRMED_TTL, Anchor, Result, SessionSequencer
from bot.usecases.workspace_monitor import WorkspaceMonitor

_log = logging.getLogger(__name__)

_REMEMBER = 900.0  # seconds; Slack sends an unanswered request again for up to some minutes
_MOST_TRIGGERS = 100_000


class SessionControl:
    """Execution of orders: each once, in sequence per session, within the limits of its person."""

    def __init__(  # noqa: PLR0913 - collaborators and limits
        self,
        anchor: Anchor,
        access_check: AccessCheck,
        monitor: WorkspaceMonitor,
        tasks: Tasks,
        clock: Callable[[], float],
        *,
        queue: FairQueue,
        capacity: int = CAPACITY,
    ) -> None:
        self._anchor = anchor
        self._access_check = access_check
        self._monitor = monitor
        self._queue = queue
        self._tasks = tasks
        self._limits = OrderLimits(clock, capacity=capacity)
        self._clock = clock
        self._outcomes: TTLCache[str, asyncio.Future[Outcome]] = TTLCache(_MOST_TRIGGERS, _REMEMBER, timer=clock)
        self._resumes = ResumeLog(clock)
        self._sequencers: dict[Name, SessionSequencer] = {}
        self._checks: set[asyncio.Future[Access | Refusal]] = set()
        self._stopping = False
        self._interrupted = False

    def is_congested(self, order: Order) -> bool:
        """Return whether Anchor has many orders and is slow, so that an ack waits for an outcome in vain."""
        return self._queue.is_congested(order.actor.person)

    def stop(self) -> None:
        """Accept no new orders."""
        self._stopping = True

    def interrupt(self) -> None:
        """Stop waiting for Anchor: report every order in flight as unconfirmed.

        An order that still waits for its turn, Slack or the store is not sent: its outcome would come too late.
        """
        self._interrupted = True
        self._queue.stop()
        for check in self._checks:
            check.cancel()
        for sequencer in self._sequencers.values():
            sequencer.interrupt()

    def knows(self, trigger_id: str | None) -> bool:
        """Return whether an order with this trigger was executed or is being executed."""
        return trigger_id in self._outcomes

    async def execute(self, order: Order) -> Outcome:
        """Execute an order, and log who ordered what; if Slack sent it before, return that outcome. Never raises."""
        if order.trigger_id and (earlier := self._outcomes.get(order.trigger_id)):
            return await asyncio.shield(earlier)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if order.trigger_id:
            self._outcomes[order.trigger_id] = future
        try:
            future.set_result(await self._execute(order))
        finally:
            future.cancel()  # the bot was stopped, unless there is a result
        return future.result()

    async def _execute(self, order: Order) -> Outcome:
        began = self._clock()
        try:
            outcome = await self._decide(order, given_at=began - order.age)
        except Exception as error:  # noqa: BLE001 - the person gets an answer
            outcome = Broken(log_incident(error))
        fields = {
            "outcome": type(outcome).__name__,
            "session": order.session_id,
            "user": order.actor.user_id,
            "team": order.actor.team_id,
            "channel": order.actor.channel_id,
            "ms": round((self._clock() - began) * 1000),
        }
        leaves_running = order.verb is Verb.PAUSE and isinstance(outcome, LEAVES_RUNNING)
        _log.log(logging.WARNING if leaves_running else logging.INFO, order.verb.value, extra=fields)
        return outcome

    async def _decide(self, order: Order, *, given_at: float) -> Outcome:
        """Return the outcome of an order that was given at `given_at` on our clock."""
        if self._stopping:
            return Stopping()
        if limit := self._limits.begin(order):
            return limit
        try:
            return await self._check_and_send(order, given_at=given_at)
        finally:
            self._limits.end(order)

    async def _check_and_send(self, order: Order, *, given_at: float) -> Outcome:
        access = await self._check_access(order)
        if not isinstance(access, Access):
            return access
        name = (order.actor.team_id, order.session_id)
        resumed_by = self._resumes.resumed_after(name, given_at)
        if not is_sent(order.verb, order.age, resumed_after=resumed_by is not None):
            return Late(order.age, resumed_by if order.verb is Verb.PAUSE else None)
        if order.verb is Verb.PAUSE:
            return await self._ask_anchor(order, access)
        self._resumes.add(name, given_at=given_at, user_id=order.actor.user_id)
        outcome = await self._ask_anchor(order, access)
        if not isinstance(outcome, Resumed | Unconfirmed):
            self._resumes.discard(name)
        return outcome

    async def _check_access(self, order: Order) -> Access | Refusal:
        """Check an order, until it is interrupted."""
        check = asyncio.ensure_future(self._access_check.check(order))
        self._checks.add(check)
        await asyncio.wait({check})
        self._checks.discard(check)
        return Stopping() if check.cancelled() or self._interrupted else check.result()

    async def _ask_anchor(self, order: Order, access: Access) -> Outcome:
        """Send the order; send a pause again if it joined one whose older key Anchor refused.

        A resume is not sent again: it could undo a newer pause.
        """
        result = await self._submit(order, access)
        while order.verb is Verb.PAUSE and result is not None and _used_older_key(result, access):
            result = await self._submit(order, access)
        if result is None:
            return Unconfirmed(Doubt.STOPPED)
        outcome, workspace = result.outcome, result.access.workspace
        return replace(outcome, by_admins=workspace.is_managed) if isinstance(outcome, KeyRejected) else outcome

    async def _submit(self, order: Order, access: Access) -> Result | None:
        """Return the result of the order, or None if it was interrupted."""
        name = (order.actor.team_id, order.session_id)
        sequencer = self._sequencers.get(name)
        if sequencer is None:
            sequencer = SessionSequencer(self._anchor, order.session_id, self._queue, self._tasks, self._clock)
            self._sequencers[name] = sequencer
        future = sequencer.submit(order.verb, access)
        await asyncio.wait({future})
        self._discard(name)
        if future.cancelled():
            return None
        result = future.result()
        if result.last_attempt is not None:
            self._monitor.record_result(result.access.workspace, result.last_attempt)
        return result

    def _discard(self, name: Name) -> None:
        """Drop a sequencer once none of its orders can still have an effect."""
        sequencer = self._sequencers.get(name)
        if sequencer is None or sequencer.is_busy:
            return
        if sequencer.is_unconfirmed:
            asyncio.get_running_loop().call_later(UNCONFIRMED_TTL, self._discard, name)
        else:
            del self._sequencers[name]


def _used_older_key(result: Result, access: Access) -> bool:
    """Return whether Anchor refused a key that was replaced before this order was given."""
    versions = (result.access.workspace.key_version, access.workspace.key_version)
    return isinstance(result.outcome, KeyRejected) and versions[0] < versions[1]

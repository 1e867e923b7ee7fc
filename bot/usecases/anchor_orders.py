"""Send orders to Anchor, each in its turn and with the newest key."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.core import outcomes
from bot.core.outcomes import AnchorOutcome, Doubt, Refusal, Unconfirmed, Why
from bot.core.requests import LATE, Order, Verb
from bot.core.retries import combine
from bot.outbound.anchor.orders import AnchorClient
from bot.runtime import Interruption
from bot.usecases.access import Access, AccessCheck, OperatorAccess
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import FairQueue
from bot.usecases.sessions import FactReads

_WAITED = 0.1  # seconds in the queue after which it is looked again whether an order may be sent
_ENDS_INSTEAD = outcomes.Failed | outcomes.Unavailable | Unconfirmed
MayRepeat = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class AnchorOrders:
    """Requests to Anchor for orders."""

    anchor: AnchorClient
    access_check: AccessCheck | OperatorAccess
    queue: FairQueue
    interruption: Interruption
    monitor: WorkspaceMonitor | None
    facts: FactReads | None

    async def send(
        self, order: Order, access: Access, may_repeat: MayRepeat | None = None, leaves_by: float = math.inf
    ) -> tuple[AnchorOutcome | Refusal, bool]:
        """Send an order with its workspace's key, or a newer one. Return the outcome, and whether there is doubt.

        It is asked before each further attempt whether it `may_repeat`. It leaves by a monotonic time.
        """
        began = time.monotonic()
        async with self.queue.turn(access.person) as why_not:
            if why_not is not None:
                return why_not, False
            if time.monotonic() > leaves_by:
                return Refusal(Why.LATE, seconds=time.monotonic() - leaves_by + LATE), False
            if may_repeat and time.monotonic() > began + _WAITED and not await may_repeat():
                return Refusal(Why.STOPPING), False
            attempts = await self._attempt(order, access, may_repeat, leaves_by)
            is_refused = isinstance(attempts[-1], outcomes.KeyRejected) and time.monotonic() < leaves_by
            newer = await self.access_check.newer_key(access) if is_refused else None
            if newer and (may_repeat is None or await may_repeat()):
                access, attempts = newer, await self._attempt(order, newer, may_repeat, leaves_by)
        if self.monitor is not None and not _is_about_id(order.verb, attempts[-1]):
            self.monitor.record_result(access.workspace, attempts[-1])
        outcome = combine(attempts)
        if isinstance(outcome, outcomes.KeyRejected):
            outcome = replace(outcome, by_admins=access.workspace.is_managed)
        return outcome, any(isinstance(one, Unconfirmed) for one in attempts)

    async def _attempt(
        self, order: Order, access: Access, may_repeat: MayRepeat | None, leaves_by: float
    ) -> list[AnchorOutcome]:
        never, on_first = asyncio.Event(), partial(self._read, order, access)
        sending = self.anchor.send(
            order.verb,
            access.key,
            order.session_id,
            cancelled=never,
            may_repeat=may_repeat,
            leaves_by=leaves_by,
            on_first=on_first,
        )
        return await self.interruption.or_result(sending, [Unconfirmed(Doubt.NO_ANSWER)])

    def _read(self, order: Order, access: Access, first: AnchorOutcome) -> None:
        """Read a session whose pause fails, so that the question before its end names it."""
        can_end = order.verb is Verb.PAUSE and access.workspace.policy.end is not None
        if self.facts and can_end and isinstance(first, _ENDS_INSTEAD):
            self.facts.read_after_pause(access, order.session_id, has_failed=True)


def _is_about_id(verb: Verb, last: AnchorOutcome) -> bool:
    """Return whether a refusal can be about the id of a session, and then says nothing of the key."""
    return verb is Verb.END and isinstance(last, outcomes.KeyRejected) and last.status_code == outcomes.UNAUTHORIZED

"""Place alerts on cards; without the database, post them at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.alerts import Alert, Asked, first
from bot.core.cards import Card, Part
from bot.core.workspace import Workspace
from bot.messages.blocks import digest_of
from bot.messages.cards import alert_message
from bot.outbound.slack.client import Posted, PostResult, SlackClient
from bot.outbound.store.alerts import Folded, IncomingAlert, Place, place
from bot.outbound.store.errors import StoreUnreachableError
from bot.runtime import new_id
from bot.usecases.anchor_reads import SessionReads
from bot.usecases.outbox import Outbox

_MOST_AT_ONCE = 100  # alerts that are placed in a transaction
_PLACED_WITHIN = 2.0  # seconds for the database to place alerts

AlertResult = PostResult | Place


@dataclass(eq=False, repr=False)
class AlertCards:
    """Alerts on cards."""

    slack: SlackClient
    outbox: Outbox
    reads: SessionReads

    async def post(self, workspace: Workspace, alert: Alert, asked: Asked | None, *, within: float) -> AlertResult:
        """Place an alert. A new card is posted by then, or stays in the queue. Without the database, post the alert.

        Raises StoreUnreachableError if it is resolved: what fires next would count as the same.
        """
        (found,) = await self.place(workspace, [(alert, asked)])
        if found is None and alert.is_resolved:
            raise StoreUnreachableError("a resolved alert is not recorded")
        if found is None:
            return await self._post_at_once(workspace, alert, asked)
        if isinstance(found, Folded) and found.card_id:
            return await self.outbox.posted(found.card_id, within) or found
        return found

    async def place(self, workspace: Workspace, alerts: Sequence[tuple[Alert, Asked | None]]) -> list[Place | None]:
        """Place alerts. One is None if the database fails."""
        incoming = list[IncomingAlert]()
        for alert, asked in alerts:
            known = self.reads.known(workspace.team_id, alert.session_id)
            facts = None if known is None else known.for_card()
            incoming.append(IncomingAlert(new_id(), workspace.team_id, alert.channel, alert, facts, asked))
        some = [incoming[first : first + _MOST_AT_ONCE] for first in range(0, len(incoming), _MOST_AT_ONCE)]
        return [one for places in await asyncio.gather(*map(self._place, some)) for one in places]

    async def _place(self, alerts: Sequence[IncomingAlert]) -> Sequence[Place | None]:
        placing = place(self.outbox.rows, alerts)
        await asyncio.wait({placing}, timeout=_PLACED_WITHIN)
        if placing.done() and placing.exception() is None:
            return placing.result()
        placing.cancel()
        return [None] * len(alerts)

    async def _post_at_once(self, workspace: Workspace, alert: Alert, asked: Asked | None) -> PostResult:
        """Post an alert without the database, and remember its card when that is back."""
        came_at = IncomingAlert("", workspace.team_id, alert.channel, alert, asked=asked).at(time.time())
        message = alert_message(alert, None if asked is None else asked.refusal)
        result = await self.slack.post_message(workspace.bot_token, alert.channel, message)
        if isinstance(result, Posted):
            part = Part(new_id(), alert.session_id, first(alert, came_at))
            card = Card(id=part.id, team_id=workspace.team_id, channel_id=result.channel, parts=(part,))
            self.outbox.add([replace(card, ts=result.ts, shown=digest_of(message))])
        return result

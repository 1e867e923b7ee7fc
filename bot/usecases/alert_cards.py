"""Alerts that become cards, or come for one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.cards import Alert, Asked, Card, Part, first
from bot.core.workspace import Workspace
from bot.messages.cards import alert_message, digest_of
from bot.outbound.slack.client import Posted, PostResult, Refused, SlackClient
from bot.outbound.store.alerts import IncomingAlert, Placed
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.marks import SenderUse
from bot.runtime import new_id
from bot.usecases.outbox import Outbox
from bot.usecases.sessions import SessionReads

_MOST_AT_ONCE = 100  # alerts that are placed in a transaction
POST_WAIT = 8.0  # seconds for which a sender waits for its post


@dataclass(frozen=True, slots=True)
class Folded:
    """The alert is on a card with so many alerts; the card is posted as `ts`, or will be."""

    ts: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """The alert is resolved, and has no card; or its session `has_ended`."""

    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """Too many sessions wait: the last message of the channel counts `total` of them, and is or will be posted."""

    ts: str | None
    total: int


AlertResult = PostResult | Folded | Ignored | Counted


@dataclass(eq=False)
class AlertCards:
    """Alerts on cards."""

    slack: SlackClient
    outbox: Outbox
    reads: SessionReads
    sender_use: SenderUse

    async def post(
        self, workspace: Workspace, channel: str, alert: Alert, asked: Asked | None = None, *, within: float = POST_WAIT
    ) -> AlertResult:
        """Place an alert. A new card is posted by then, or stays in the queue. Without the database, post the alert.

        Raises StoreUnreachableError if it is resolved: what fires next would count as the same.
        """
        placed = await self.place(workspace, channel, alert, asked, within=within)
        if placed is None and alert.is_resolved:
            raise StoreUnreachableError("a resolved alert is not recorded")
        return await self._post_at_once(workspace, channel, alert, asked) if placed is None else placed

    async def place(
        self, workspace: Workspace, channel: str, alert: Alert, asked: Asked | None, *, within: float
    ) -> AlertResult | None:
        """Place an alert, and wait for a post for so many seconds. Return None if the database fails."""
        placing = await self.outbox.post(self.incoming(workspace, channel, alert, asked), within=within)
        return None if placing is None else _result(*placing)

    async def place_all(
        self, workspace: Workspace, channel: str, alerts: Sequence[tuple[Alert, Asked | None]]
    ) -> list[AlertResult | None]:
        """Place many alerts, without waiting for a post."""
        incoming = [self.incoming(workspace, channel, *one) for one in alerts]
        parts = [incoming[first : first + _MOST_AT_ONCE] for first in range(0, len(incoming), _MOST_AT_ONCE)]
        placed = dict[str, Placed]()
        for part in parts:
            placed |= await self.outbox.place(part)
        return [_result(placed[one.id], None) if one.id in placed else None for one in incoming]

    def incoming(self, workspace: Workspace, channel: str, alert: Alert, asked: Asked | None) -> IncomingAlert:
        """Return an alert that is to be placed, and record the use of its token."""
        self.sender_use.note(workspace.team_id, alert.sender)
        known = self.reads.known(workspace.team_id, alert.session_id)
        facts = None if known is None else known.for_card()
        return IncomingAlert(new_id(), workspace.team_id, channel, alert, facts, asked)

    async def _post_at_once(self, workspace: Workspace, channel: str, alert: Alert, asked: Asked | None) -> PostResult:
        """Post an alert without the database, and remember its card when that is back."""
        came_at = IncomingAlert("", workspace.team_id, channel, alert, asked=asked).at(time.time())
        message = alert_message(alert, None if asked is None else asked.refusal)
        result = await self.slack.post_until_final(workspace.bot_token, channel, message)
        if isinstance(result, Posted):
            part = Part(new_id(), alert.session_id, first(alert, came_at))
            card = Card(id=part.id, team_id=workspace.team_id, channel_id=result.channel, parts=(part,))
            self.outbox.add([replace(card, ts=result.ts, shown=digest_of(message))])
        return result


def _result(placed: Placed, result: PostResult | None) -> AlertResult:
    if not placed.card_id:
        return Ignored(placed.has_ended)
    if placed.total:
        return Counted(placed.ts, placed.total)
    return result if isinstance(result, Posted | Refused) else Folded(placed.ts, placed.count)

"""Bring an alert into its channel: on the card of its session, on a new card, or without the database as a message."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.cards import Alert, NewCard, first
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.core.workspace import Workspace
from bot.messages.cards import alert_message, digest_of
from bot.outbound.slack.client import Posted, PostResult, SlackClient
from bot.outbound.store.card_changes import IncomingAlert
from bot.request_id import new_id
from bot.usecases.card_outbox import CardOutbox
from bot.usecases.post_alert import post_alert

POST_WAIT = 8.0  # seconds for which a sender waits for its post


@dataclass(frozen=True, slots=True)
class Folded:
    """The alert is on a card with so many alerts; the card is posted as `ts`, or will be."""

    channel: str
    ts: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """The alert is resolved, and has no card."""

    channel: str


AlertResult = PostResult | Folded | Ignored


class AlertCards:
    """Alerts on cards; `now` gives Unix seconds, `known` what is known of a session of a workspace."""

    def __init__(
        self,
        slack: SlackClient,
        outbox: CardOutbox,
        now: Callable[[], float],
        known: Callable[[str, SessionId], Session | None],
    ) -> None:
        self._slack = slack
        self._outbox = outbox
        self._now = now
        self._known = known

    async def post(self, workspace: Workspace, channel: str, alert: Alert) -> AlertResult:
        """Place an alert. A new card is posted by then, or stays in the queue."""
        known = self._known(workspace.team_id, alert.session_id)
        facts = None if known is None else known.for_card()
        incoming = IncomingAlert(new_id(), workspace.team_id, channel, alert, facts)
        placing = await self._outbox.post(incoming, within=POST_WAIT)
        if placing is None:
            return await self._post_at_once(workspace, channel, alert)
        placed, result = placing
        if not placed.card_id:
            return Ignored(channel)
        return Folded(channel, placed.ts, placed.count) if result is None else result

    async def _post_at_once(self, workspace: Workspace, channel: str, alert: Alert) -> PostResult | Ignored:
        """Post an alert without the database, and remember its card when that is back."""
        if alert.is_resolved:
            return Ignored(channel)
        message = alert_message(alert)
        result = await post_alert(self._slack, workspace.bot_token, channel, message)
        if isinstance(result, Posted):
            content, shown = first(alert, self._now()), digest_of(message)
            card = NewCard(new_id(), workspace.team_id, result.channel, alert.session_id, content, result.ts, shown)
            self._outbox.remember([card])
        return result

"""The cards that an order changes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, replace

from cachetools import LRUCache

from bot.core.cards import BatchContent, Card, Part, ResultContent
from bot.core.fairness import TimeWindow
from bot.core.mentions import MENTION_INTERVAL, MOST_CALLS
from bot.core.orders import Actor, Verb, operator_name
from bot.core.session_ids import SessionId
from bot.core.workspace import Workspace
from bot.messages.blocks import Message, Visibility, digest_of
from bot.outbound.slack.client import Posted
from bot.outbound.store.auto_pause_rules import AutoPauseRows
from bot.outbound.store.errors import or_default
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.session_states import SessionStates
from bot.usecases.card_sender import CardSender
from bot.usecases.outbox import Outbox

_log = logging.getLogger(__name__)

PAUSING_AFTER = 0.2  # seconds without an outcome; a faster pause is shown when it is done
REPLACE_TIMEOUT = 3.0  # seconds for Slack to replace a clicked message; then its thread gets the result

_FIND_TIMEOUT = 2.0  # seconds for the workspace; while the database hangs, a cached one comes after one
_MOST_SENDERS = 1_000  # whose pauses have failed without the database


@dataclass(eq=False, repr=False)
class SessionCards:
    """The cards of the sessions of orders. `find` returns the workspace with a team id."""

    rows: OrderRows
    outbox: Outbox
    states: SessionStates
    _: KW_ONLY
    sender: CardSender | None = None
    auto_pauses: AutoPauseRows | None = None
    find: Callable[[str], Awaitable[Workspace | None]]

    def __post_init__(self) -> None:
        self._calls: LRUCache[tuple[str, ...], TimeWindow] = LRUCache(_MOST_SENDERS)

    def watch(self, running: RunningOrder) -> None:
        """Show that a pause is being sent, if that takes some time."""
        if running.order.verb is Verb.PAUSE:
            timer = asyncio.get_running_loop().call_later(PAUSING_AFTER, self._show_pausing, running)
            running.result.add_done_callback(lambda _: timer.cancel())

    def _show_pausing(self, running: RunningOrder) -> None:
        if running.outcome is not None:
            return
        if running.policy is not None and running.is_recorded:
            self.rows.show(running)
        else:
            self.watch(running)

    async def replace(self, running: RunningOrder, card_id: str) -> bool:
        """Replace the card that was clicked by what it shows now. Return whether Slack has taken that. Never raises.

        If it has not, the leader sends the card.
        """
        try:
            card = await self.outbox.rows.card(card_id)
            if card is not None and card.ts is not None and not card.is_replaced and self.sender is not None:
                result, digest = await self.sender.send(card, running.address.response_url)
                if isinstance(result, Posted):
                    self.outbox.rows.sent(card, (card.channel_id, card.ts), digest)
                    return True
                self.outbox.rows.send_again(card)
                return False
        except Exception as error:  # noqa: BLE001 - its thread gets the result
            _log.warning("clicked message not replaced", extra={"why": str(error) or type(error).__name__})
        self.rows.show(running)
        return False

    async def _alerts_channel(self, team_id: str) -> str | None:
        workspace = await or_default(self.find(team_id), None, within=_FIND_TIMEOUT)
        return None if workspace is None else workspace.alerts_channel

    async def post(self, running: RunningOrder, message: Message) -> None:
        """Let the bot post the result of an order in the alert channel, unless it is for its person alone."""
        if message.visibility is Visibility.IN_CHANNEL:
            channel = await self._alerts_channel(running.order.actor.team_id)
            self.outbox.add([_card(running, channel, message)] if channel else [])

    async def keep_batch(self, running: RunningOrder, content: BatchContent) -> None:
        """Keep the result of the batch of an order up to date, unless it is, also where it was given without a channel.

        Return when that is stored. An operator reads it in a terminal. Raises StoreError.
        """
        actor, batch_id = running.order.actor, running.order.batch_id
        part = Part(batch_id, SessionId(batch_id), content)
        own = Card(id=batch_id, team_id=actor.team_id, channel_id=actor.channel_id or actor.user_id, parts=(part,))
        cards = [] if operator_name(actor.user_id) is not None else [own]
        if not actor.channel_id and (channel := await self._alerts_channel(actor.team_id)):
            name, elsewhere = f"{batch_id}-alerts", replace(content, reason="")
            cards.append(replace(own, id=name, channel_id=channel, parts=(replace(part, id=name, content=elsewhere),)))
        if cards:
            await self.outbox.rows.add(cards)

    async def tell_failure(self, running: RunningOrder, message: Message) -> bool:
        """Let a message tell that a pause by an alert has failed, which mentions people. Raises StoreError.

        Return whether one does: after some, only cards tell it.
        """
        assert self.auto_pauses is not None  # noqa: S101 - else no alert pauses
        card = _card(running, running.order.actor.channel_id, message)
        return await self.auto_pauses.call(running.order, card)

    async def group_to_call(self, actor: Actor) -> str:
        """Return the group that a message about a failed pause mentions while the database fails, or ""."""
        name, now = (*actor.person, actor.channel_id), time.monotonic()
        calls = self._calls.setdefault(name, TimeWindow(MOST_CALLS, MENTION_INTERVAL))
        if calls.retry_after(now):
            return ""
        calls.add(now)
        workspace = await or_default(self.find(actor.team_id), None, within=_FIND_TIMEOUT)
        return workspace.group_of(actor.channel_id) if workspace else ""

    def posted(self, running: RunningOrder, message: Message, posted: Posted) -> None:
        """Keep a result up to date that was posted to a channel."""
        card = _card(running, posted.channel, message)
        self.outbox.add([replace(card, ts=posted.ts, shown=digest_of(message))])


def _card(running: RunningOrder, channel_id: str, message: Message) -> Card:
    """Return the card with a result, which has the id of the order."""
    content, team_id = ResultContent(running.id, message.text, message.blocks), running.order.actor.team_id
    part = Part(running.id, running.order.session_id, content)
    return Card(id=running.id, team_id=team_id, channel_id=channel_id, parts=(part,))

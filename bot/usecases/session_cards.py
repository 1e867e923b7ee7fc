"""The cards that an order changes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field, replace

from cachetools import LRUCache

from bot.core.cards import NewCard, ResultContent
from bot.core.outcomes import Outcome, Resumed
from bot.core.requests import ClickedMessage, MessageContent, ReplyAddress, Verb
from bot.core.session_ids import SessionId
from bot.messages.blocks import Message, Visibility
from bot.messages.cards import digest_of
from bot.messages.clicked import CardUpdate, apply, has_line
from bot.messages.results import card_not_updated, outcome_message
from bot.outbound.slack.client import Posted
from bot.outbound.store.entries import Entry
from bot.outbound.store.errors import StoreError
from bot.outbound.store.history import SessionStates
from bot.outbound.store.journal import Journal
from bot.request_id import new_id
from bot.runtime import Tasks
from bot.usecases.cards import CardOutbox
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

PAUSING_AFTER = 0.2  # seconds without an outcome; a faster pause is shown when it is done
_KNOWN_WITHIN = 1.0  # seconds for which the result of a click waits to know whether its message is a card

_CARD_WAIT = 1.0  # seconds that a result waits for the update of the clicked message
MAX_MESSAGES = 2_000  # a click lacks an update for some seconds
MAX_UPDATES = 100  # of a message


@dataclass(eq=False)
class SessionCards:
    """The cards of the sessions of orders."""

    journal: Journal
    outbox: CardOutbox
    states: SessionStates
    _: KW_ONLY
    dashboard_url: str

    def watch(self, entry: Entry) -> None:
        """Show that a pause is being sent, if that takes some time."""
        if entry.order.verb is Verb.PAUSE:
            asyncio.get_running_loop().call_later(PAUSING_AFTER, self._show_pausing, entry)

    def _show_pausing(self, entry: Entry) -> None:
        if entry.outcome is not None:
            return
        if entry.is_allowed and entry.is_stored:
            self.journal.show(entry)
        else:
            self.watch(entry)

    async def is_card(self, entry: Entry) -> bool:
        """Return whether the message of a click or thread is a card, once the outcome is stored, and so marked there.

        If that takes long, nobody waits for it, and the cards are updated later.
        """
        if not entry.concerns_cards:
            return False
        await asyncio.wait({entry.written}, timeout=_KNOWN_WITHIN)
        actor = entry.order.actor
        return (actor.team_id, actor.channel_id, entry.address.message_ts) in entry.cards

    async def report(self, entry: Entry, outcome: Outcome, *, in_thread: bool) -> None:
        """Post a resume in the channels in which a message that cannot be edited says that the session is paused.

        The channel of the order has its result already, unless that is in the thread of a card.
        """
        if entry.is_lost or not isinstance(outcome, Resumed):
            return  # another process reports a lost one
        order, own = entry.order, entry.order.actor.channel_id
        try:
            names = await self.states.channels_saying_paused(order.actor.team_id, order.session_id, entry.id)
        except StoreError as error:
            _log.warning("resume not reported in other channels", extra={"why": str(error)})
            names = frozenset()
        channels = (names | {own}) if in_thread else (names - {own})
        for channel in sorted(channels):
            told = order if channel == own else replace(order, reason="")  # a reason stays where it was given
            message = outcome_message(
                told, outcome, now=time.time(), dashboard_url=self.dashboard_url, order_id=entry.id
            )
            self.outbox.remember([_card(entry, channel, message)])

    def posted(self, entry: Entry, message: Message, posted: Posted) -> None:
        """Keep a result up to date that was posted to a channel."""
        card = _card(entry, posted.channel, message)
        self.outbox.remember([replace(card, ts=posted.ts, shown=digest_of(message))])


def _card(entry: Entry, channel_id: str, message: Message) -> NewCard:
    content = ResultContent(entry.id, message.text, message.blocks)
    return NewCard(new_id(), entry.order.actor.team_id, channel_id, entry.order.session_id, content)


_Name = tuple[str, str, str]  # team, channel and ts


@dataclass(eq=False)
class CardUpdates:
    """The updates of clicked messages."""

    delivery: MessageDelivery
    tasks: Tasks

    def __post_init__(self) -> None:
        self._log = CardUpdateLog()

    async def send(self, address: ReplyAddress, clicked: ClickedMessage, update: CardUpdate | None) -> str:
        """Update the clicked message, and wait for that a while.

        Return a line for the result: that Slack refused the update, the line for which the message has no room, or "".
        """
        if update is None or clicked.content is None:
            return ""
        card = self._log.add(_name(address, clicked), update, clicked.content)
        sending = self.tasks.start(self._send(address, clicked, clicked.content))
        await asyncio.wait({sending}, timeout=_CARD_WAIT)
        if sending.done() and not sending.result():
            return card_not_updated()
        return "" if has_line(update, card) else update.line

    async def _send(self, address: ReplyAddress, clicked: ClickedMessage, content: MessageContent) -> bool:
        """Send the message with all updates so far, after those that are being sent. Return whether Slack took it."""
        visibility = Visibility.EPHEMERAL if clicked.is_ephemeral else Visibility.IN_CHANNEL
        async with self._log.latest(_name(address, clicked), content) as updated:
            return await self.delivery.update_message(address, updated, visibility)


def _name(address: ReplyAddress, clicked: ClickedMessage) -> _Name:
    return address.actor.team_id, address.actor.channel_id, clicked.ts


@dataclass(slots=True)
class _Message:
    updates: LRUCache[SessionId, CardUpdate] = field(default_factory=lambda: LRUCache(MAX_UPDATES))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def apply_to(self, card: MessageContent) -> MessageContent:
        """Return the card with the updates."""
        for update in self.updates.values():
            card = apply(update, card)
        return card


class CardUpdateLog:
    """Cache of the updates of recently clicked messages, by team, channel and ts.

    The message in a click lacks updates that the client does not show yet.
    """

    def __init__(self, *, max_messages: int = MAX_MESSAGES) -> None:
        self._messages: LRUCache[_Name, _Message] = LRUCache(max_messages)

    def add(self, name: _Name, update: CardUpdate, card: MessageContent) -> MessageContent:
        """Record an update. Return the card with it and the earlier ones."""
        message = self._messages.setdefault(name, _Message())
        message.updates[update.session_id] = update
        return message.apply_to(card)

    @asynccontextmanager
    async def latest(self, name: _Name, card: MessageContent) -> AsyncIterator[MessageContent]:
        """Yield the card with every recorded update. Send it inside the block, which holds a lock."""
        message = self._messages.setdefault(name, _Message())
        async with message.lock:
            yield message.apply_to(card)

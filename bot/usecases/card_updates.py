"""Update clicked messages, several clicks on one message in sequence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.concurrency import Tasks
from bot.core.requests import ClickedMessage, MessageContent, ReplyAddress
from bot.core.session_ids import SessionId
from bot.messages.blocks import Visibility
from bot.messages.clicked import CardUpdate, apply, has_line
from bot.messages.results import card_not_updated
from bot.usecases.message_delivery import MessageDelivery

_CARD_WAIT = 1.0  # seconds that a result waits for the update of the clicked message
MAX_MESSAGES = 2_000  # a click lacks an update for some seconds
MAX_UPDATES = 100  # of a message

_Name = tuple[str, str, str]  # team, channel and ts


class CardUpdates:
    """The updates of clicked messages."""

    def __init__(self, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._delivery = delivery
        self._tasks = tasks
        self._log = CardUpdateLog()

    async def send(self, address: ReplyAddress, clicked: ClickedMessage, update: CardUpdate | None) -> str:
        """Update the clicked message, and wait for that a while.

        Return a line for the result: that Slack refused the update, the line for which the message has no room, or "".
        """
        if update is None or clicked.content is None:
            return ""
        card = self._log.add(_name(address, clicked), update, clicked.content)
        sending = self._tasks.start(self._send(address, clicked, clicked.content))
        await asyncio.wait({sending}, timeout=_CARD_WAIT)
        if sending.done() and not sending.result():
            return card_not_updated()
        return "" if has_line(update, card) else update.line

    async def _send(self, address: ReplyAddress, clicked: ClickedMessage, content: MessageContent) -> bool:
        """Send the message with all updates so far, after those that are being sent. Return whether Slack took it."""
        visibility = Visibility.EPHEMERAL if clicked.is_ephemeral else Visibility.IN_CHANNEL
        async with self._log.latest(_name(address, clicked), content) as updated:
            return await self._delivery.update_message(address, updated, visibility)


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

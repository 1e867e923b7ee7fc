"""The Pause and Resume buttons: execute the order after the ack, update the message, deliver the outcome."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cachetools import LRUCache
from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.outcomes import Done
from bot.core.requests import Order, ReplyAddress, Verb
from bot.core.session_id import Found, SessionId, find_session_id
from bot.inbound.slack.listener import Routes
from bot.inbound.slack.payload import ButtonClick, read_button_click
from bot.messages.blocks import section
from bot.messages.card_update import CardUpdate, MessageContent, apply, has_line
from bot.messages.message import Message, Visibility
from bot.messages.outcome import card_not_updated, card_update, outcome_message, question_message
from bot.messages.request_errors import broken_button_message
from bot.messages.session_buttons import VERBS
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.session_control import SessionControl

_CARD_WAIT = 1.0  # seconds that a result waits for the update of the clicked message


class ButtonListeners:
    """Listeners for buttons that carry a session id; `now` gives Unix seconds."""

    def __init__(
        self,
        session_control: SessionControl,
        delivery: MessageDelivery,
        tasks: Tasks,
        now: Callable[[], float],
        *,
        dashboard_url: str,
    ) -> None:
        self._session_control = session_control
        self._delivery = delivery
        self._tasks = tasks
        self._now = now
        self._dashboard_url = dashboard_url
        self._cards = CardUpdateLog()
        self.routes = Routes(actions=dict.fromkeys(VERBS, self.click))

    async def click(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Handle a click. Slack shows nothing of its ack, so the answer follows it."""
        await ack()
        request = context["request"]
        self._tasks.start(self._execute(read_button_click(body, request.address, request.age)))

    async def _execute(self, click: ButtonClick) -> None:
        """Execute the order, and deliver its outcome beside the update of the message. Never raises.

        A click that Slack sends again is answered already.
        """
        if self._session_control.knows(click.trigger_id):
            return
        try:
            address, message = await self._answer(click)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            address, message = click.address, report(error)
        await self._delivery.deliver(address, message)

    async def _answer(self, click: ButtonClick) -> tuple[ReplyAddress, Message]:
        found = find_session_id(click.value)
        if not isinstance(found, Found):
            return click.address, broken_button_message(click.verb, click.value)
        order = Order(click.verb, found.session_id, click.address.actor, "", click.trigger_id, click.age)
        if order.verb is Verb.RESUME and not click.is_confirmed:
            return click.address, question_message(order)
        outcome, now = await self._session_control.execute(order), self._now()
        message = outcome_message(order, outcome, now=now, dashboard_url=self._dashboard_url)
        if line := await self._update_card(click, card_update(order, outcome, now=now)):
            text = f"{message.text}\n{line}"
            message = replace(message, text=text, blocks=(section(text), *message.blocks[1:]))
        # a success goes to the message's thread, a failure to the channel, so that nobody misses it
        thread_ts = click.thread_ts or None if isinstance(outcome, Done) else click.address.thread_ts
        return replace(click.address, thread_ts=thread_ts), message

    async def _update_card(self, click: ButtonClick, update: CardUpdate | None) -> str:
        """Update the clicked message, and wait for that a while.

        Return a line for the result: that Slack refused the update, the line for which the message has no room, or "".
        """
        if update is None or click.card is None:
            return ""
        card = self._cards.add(_name(click), update, click.card)
        sending = self._tasks.start(self._send_card(click, click.card))
        await asyncio.wait({sending}, timeout=_CARD_WAIT)
        if sending.done() and not sending.result():
            return card_not_updated()
        return "" if has_line(update, card) else update.line

    async def _send_card(self, click: ButtonClick, card: MessageContent) -> bool:
        """Send the message with all updates so far, after those that are being sent. Return whether Slack took it."""
        visibility = Visibility.EPHEMERAL if click.is_ephemeral else Visibility.IN_CHANNEL
        async with self._cards.latest(_name(click), card) as updated:
            return await self._delivery.update_message(click.address, updated, visibility)


def _name(click: ButtonClick) -> tuple[str, str, str]:
    actor = click.address.actor
    return (actor.team_id, actor.channel_id, click.message_ts)


_MAX_MESSAGES = 10_000


@dataclass(slots=True)
class _Message:
    updates: dict[SessionId, CardUpdate] = field(default_factory=dict)
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

    def __init__(self, *, max_messages: int = _MAX_MESSAGES) -> None:
        self._messages: LRUCache[tuple[str, str, str], _Message] = LRUCache(max_messages)

    def add(self, name: tuple[str, str, str], update: CardUpdate, card: MessageContent) -> MessageContent:
        """Record an update. Return the card with it and the earlier ones."""
        message = self._messages.setdefault(name, _Message())
        message.updates[update.session_id] = update
        return message.apply_to(card)

    @asynccontextmanager
    async def latest(self, name: tuple[str, str, str], card: MessageContent) -> AsyncIterator[MessageContent]:
        """Yield the card with every recorded update. Send it inside the block, which holds a lock."""
        message = self._messages.setdefault(name, _Message())
        async with message.lock:
            yield message.apply_to(card)

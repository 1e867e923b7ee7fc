"""The message shortcut: pause the session whose id is in a message."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.message_ids import Mentions
from bot.core.requests import Order, Source, Verb
from bot.inbound.slack.listener import Routes, start_order
from bot.inbound.slack.shortcut_payload import read_message_shortcut
from bot.messages.request_errors import not_one_id_message
from bot.messages.session_buttons import PAUSE_FROM_MESSAGE
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.orders import Orders


class ShortcutListeners:
    """Listener for the shortcut in the menu of a message."""

    def __init__(self, orders: Orders, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._orders = orders
        self._delivery = delivery
        self._tasks = tasks
        self.routes = Routes(message_shortcuts={PAUSE_FROM_MESSAGE: self.pause_from_message})

    async def pause_from_message(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Pause the only session of a message at once; docs/decisions has the reason why without a question."""
        request = context["request"]
        shortcut = read_message_shortcut(body, request.address)
        address = shortcut.address
        match shortcut.mentions:
            case Mentions(found=(only,), is_complete=True):
                trigger_id, age = shortcut.trigger_id, request.age
                order = Order(Verb.PAUSE, only.session_id, address.actor, "", trigger_id, age, Source.SHORTCUT)
                await start_order(self._orders, self._tasks, order, address, request)
            case mentions:
                self._tasks.start(self._delivery.deliver(address, not_one_id_message(mentions.found)))
        await ack()

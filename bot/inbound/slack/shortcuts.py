"""The message shortcut: pause the session whose id is in a message."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.json_fields import text_field
from bot.core.message_ids import Mentions
from bot.core.requests import Order, ReplyAddress, Source, Verb
from bot.core.session_id import SessionId
from bot.inbound.slack.listener import Routes, start_order
from bot.inbound.slack.shortcut_payload import read_choice, read_message_shortcut
from bot.messages.modal_results import answer_view
from bot.messages.session_buttons import PAUSE_FROM_MESSAGE
from bot.messages.session_choice import CHOICE, OUT_OF_DATE, TITLE
from bot.usecases.orders import Orders
from bot.usecases.session_choice import SessionChoice


class ShortcutListeners:
    """Listeners for the shortcut in the menu of a message, and for the modal to choose in."""

    def __init__(self, orders: Orders, choice: SessionChoice, tasks: Tasks) -> None:
        self._orders = orders
        self._choice = choice
        self._tasks = tasks
        self.routes = Routes(
            message_shortcuts={PAUSE_FROM_MESSAGE: self.pause_from_message}, views={CHOICE: self.pause_chosen}
        )

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
                self._tasks.start(self._choice.open(address, shortcut.trigger_id or "", mentions))
        await ack()

    async def pause_chosen(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Pause the sessions that were chosen in the modal, each by an order of its own. The results follow."""
        request, view = context["request"], body["view"]
        address = self._choice.address(request.address.actor, text_field(view, "private_metadata"))
        chosen = read_choice(body)
        if address is None:
            shown = answer_view(TITLE, OUT_OF_DATE).as_json()
            request.ack.fields = {"response_action": "update", "view": shown}
        elif not chosen.session_ids:
            request.ack.fields = {"response_action": "errors", "errors": {chosen.field: chosen.problem}}
        else:
            orders = [_order(one, address, body.get("trigger_id"), request.age) for one in chosen.session_ids]
            await asyncio.gather(*(start_order(self._orders, self._tasks, order, address, request) for order in orders))
        await ack()


def _order(session_id: SessionId, address: ReplyAddress, trigger_id: str | None, age: float) -> Order:
    """Return the order for one of several sessions. A trigger gives one order, so each gets its part of it."""
    own = f"{trigger_id}/{session_id}" if trigger_id else None
    return Order(Verb.PAUSE, session_id, address.actor, "", own, age, Source.SHORTCUT)

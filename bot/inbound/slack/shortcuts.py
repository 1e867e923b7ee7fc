"""The shortcuts: pause the session whose id is in a message, or one of a list; and the modals that they open."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.fields import text_field
from bot.core.requests import Order, ReplyAddress, Source, Verb
from bot.core.session_ids import Mentions, SessionId
from bot.inbound.slack.listener import Routes, start_order
from bot.inbound.slack.shortcut_payload import read_choice, read_message_shortcut
from bot.messages.buttons import PAUSE_FROM_MESSAGE
from bot.messages.pausing import CHOICE, MODAL, OUT_OF_DATE, SHORTCUT, TITLE, no_id_note
from bot.messages.settings import answer_view
from bot.usecases.orders import Orders
from bot.usecases.session_modals import SessionModals


class ShortcutListeners:
    """Listeners for the shortcuts, and for their modals if they are submitted."""

    def __init__(self, orders: Orders, modals: SessionModals, tasks: Tasks) -> None:
        self._orders = orders
        self._modals = modals
        self._tasks = tasks
        self.routes = Routes(
            message_shortcuts={PAUSE_FROM_MESSAGE: self.pause_from_message},
            global_shortcuts={SHORTCUT: self.open_list},
            views=dict.fromkeys([CHOICE, MODAL], self.pause_chosen),
        )

    async def open_list(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Open the modal with the sessions."""
        await ack()
        self._tasks.start(self._modals.open(context["request"].address, body.get("trigger_id", "")))

    async def pause_from_message(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Pause the only session of a message at once; docs/decisions has the reason why without a question."""
        request = context["request"]
        shortcut = read_message_shortcut(body, request.address)
        address, trigger_id = shortcut.address, shortcut.trigger_id
        match shortcut.mentions:
            case Mentions(found=(only,), is_complete=True):
                order = Order(Verb.PAUSE, only.session_id, address.actor, "", trigger_id, request.age, Source.SHORTCUT)
                await start_order(self._orders, self._tasks, order, address, request)
            case Mentions(found=(), is_complete=is_complete):
                note = no_id_note(is_complete=is_complete)
                self._tasks.start(self._modals.open(address, trigger_id or "", note=note))
            case mentions:
                self._tasks.start(self._modals.choose(address, trigger_id or "", mentions))
        await ack()

    async def pause_chosen(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Pause the sessions that were chosen or pasted, each by an order of its own. The results follow."""
        request, view = context["request"], body["view"]
        address = self._modals.address(request.address.actor, text_field(view, "private_metadata"))
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

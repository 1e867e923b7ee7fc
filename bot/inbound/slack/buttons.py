"""The Pause and Resume buttons: start the order, and answer after the ack."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.requests import Order, ReplyAddress, Source, Verb, ViewRef, read_version
from bot.core.session_ids import Found, find_session_id
from bot.inbound.slack.listener import RequestContext, Routes, start_order
from bot.inbound.slack.payload import ButtonClick, read_button_click, read_legacy_click
from bot.messages.blocks import Message
from bot.messages.buttons import LEGACY_PAUSE, VERBS
from bot.messages.results import broken_button_message, question_message
from bot.request_id import new_id
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.orders import Orders, RunningOrder
from bot.usecases.session_views import SessionViews


class ButtonListeners:
    """Listeners for buttons that carry a session id."""

    def __init__(self, orders: Orders, views: SessionViews, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._orders = orders
        self._views = views
        self._delivery = delivery
        self._tasks = tasks
        self.routes = Routes(
            actions=dict.fromkeys(VERBS, self.click), attachment_actions={LEGACY_PAUSE: self.click_legacy}
        )

    async def click(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Handle a click. Slack shows nothing of its ack but its absence, so the answer follows it."""
        request = context["request"]
        click = read_button_click(body, request.address)
        if click.view is not None:
            address = self._views.address(click.address, click.view)
            click = replace(click, address=replace(address, invocation=click.trigger_id or ""))
        await self._answer(click, request)
        await ack()  # for Bolt

    async def click_legacy(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Handle a click on a button of an attachment. A message in its ack would replace the alert."""
        request = context["request"]
        await self._answer(read_legacy_click(body, request.address), request)
        await ack()  # for Bolt

    async def _answer(self, click: ButtonClick, request: RequestContext) -> None:
        order = _read_order(click, request.age)
        if isinstance(order, Message):
            self._tasks.start(self._delivery.deliver(click.address, order))
        else:
            running = await start_order(self._orders, self._tasks, order, click.address, request)
            if click.view is not None and running is not None:
                self._tasks.start(self._show_result(running, click.address, click.view))

    async def _show_result(self, running: RunningOrder, address: ReplyAddress, view: ViewRef) -> None:
        """Show the result in the view with the button, beside the message: the view can be closed."""
        if (message := await self._orders.stored_result(running)) is not None:
            await self._views.refresh(address, view, note=message.text)


def _read_order(click: ButtonClick, age: float) -> Order | Message:
    """Return the order of a click, or the answer if it is none."""
    found = find_session_id(click.value)
    if not isinstance(found, Found):
        return broken_button_message(click.verb, click.value, is_legacy=click.is_legacy)
    version = read_version(found.rest) if click.verb is Verb.RESUME else None
    order = Order(click.verb, found.session_id, click.address.actor, "", click.trigger_id, age, Source.BUTTON, version)
    return (
        question_message(order, order.expected_version or new_id())
        if order.verb is Verb.RESUME and not click.is_confirmed
        else order
    )

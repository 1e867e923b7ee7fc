"""The listeners for orders: commands, buttons and message shortcuts."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.fields import text_field
from bot.core.outcomes import Outcome
from bot.core.requests import Actor, Help, Order, ReplyAddress, Source, Verb, ViewRef, read_command, read_version
from bot.core.session_ids import Found, Mentions, SessionId, find_session_id
from bot.core.sessions import NotRead, Session, words_of
from bot.inbound.slack.listener import RequestContext, Routes, start_order
from bot.inbound.slack.payload import (
    ButtonClick,
    read_button_click,
    read_choice,
    read_legacy_click,
    read_message_shortcut,
)
from bot.messages.blocks import Message, Visibility, ephemeral
from bot.messages.buttons import LEGACY_PAUSE, PAUSE_FROM_MESSAGE, VERBS
from bot.messages.pausing import CHOICE, MODAL, OUT_OF_DATE, SHORTCUT, TITLE, no_id_note
from bot.messages.results import broken_button_message, question_message, waiting_message
from bot.messages.sessions import list_message, list_refusal, not_read_text, reading_message
from bot.messages.settings import answer_view
from bot.messages.usage import COMMANDS, usage_message
from bot.request_id import new_id
from bot.usecases.delivery import MessageDelivery
from bot.usecases.incidents import report
from bot.usecases.orders import Orders, RunningOrder
from bot.usecases.session_modals import SessionModals, SessionViews
from bot.usecases.sessions import Listing, SessionLists

_VERBS = {command: verb for verb, command in COMMANDS.items()}


class CommandListeners:
    """Listener for `/anchor-pause` and `/anchor-resume`."""

    def __init__(
        self, orders: Orders, lists: SessionLists, delivery: MessageDelivery, tasks: Tasks, *, dashboard_url: str
    ) -> None:
        self._orders = orders
        self._lists = lists
        self._delivery = delivery
        self._tasks = tasks
        self._dashboard_url = dashboard_url
        self.routes = Routes(commands=dict.fromkeys(_VERBS, self.run))

    async def run(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """Execute `<command> <session_id> [reason]`, or look for the session to pause."""
        request = context["request"]
        request.ack.message = await self._execute(body, request)
        await ack()

    async def _execute(self, body: Mapping[str, str], request: RequestContext) -> Message | None:
        verb, found = _VERBS[body["command"]], read_command(body.get("text", ""))
        if isinstance(found, Found):
            return await self._send(_order_of_command(verb, found, body, request), request)
        words = None if verb is Verb.RESUME or isinstance(found, Help) else words_of(found)
        if words is None:
            return usage_message(verb, found, dashboard_url=self._dashboard_url)
        return await self._search(words, body, request)

    async def _send(self, order: Order, request: RequestContext) -> Message | None:
        """Return the outcome if it arrives before the ack deadline; otherwise a waiting message, then deliver it.

        For a request that may be old Slack shows no ack, so deliver the outcome, or the question about a resume.
        """
        if order.verb is Verb.RESUME and request.may_be_old and not self._orders.knows(order):
            asking = self._tasks.start(self._delivery.deliver(request.address, question_message(order, new_id())))
            await asyncio.wait({asking}, timeout=request.ack_wait)
            return None
        running, is_repeated = self._orders.start(order, request.address)
        is_congested = partial(self._orders.is_congested, order)
        if not request.may_be_old and await request.is_done_in_time(running.outcome, is_congested):
            return self._answer(running, running.outcome.result(), request, is_repeated=is_repeated)
        is_safe = await request.is_safe_in_time(running)
        self._tasks.start(self._orders.deliver(running, request.address))
        request.ack.is_announcement = True
        return waiting_message(order, is_recorded=is_safe)

    async def _search(self, words: str, body: Mapping[str, str], request: RequestContext) -> Message | None:
        """Pause the session that the words mean alone, or offer those that they choose."""
        searching = self._tasks.start(self._find(words, request.address.actor))
        if not request.may_be_old and await request.is_done_in_time(searching):
            found = searching.result()
            return found if isinstance(found, Message) else await self._send(_pause(found, body, request), request)
        self._tasks.start(self._answer_later(searching, body, request))
        request.ack.is_announcement = True
        return reading_message(words)

    async def _find(self, words: str, actor: Actor) -> SessionId | Message:
        try:
            found = await self._lists.search(actor, words)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return report(error)
        match found:
            case Session(id=session_id):
                return session_id
            case Listing(running=running, matches=matches):
                return list_message(running, matches, words, dashboard_url=self._dashboard_url)
            case NotRead():
                return ephemeral(not_read_text(found, dashboard_url=self._dashboard_url))
            case _:
                return list_refusal(found, dashboard_url=self._dashboard_url)

    async def _answer_later(
        self, searching: asyncio.Task[SessionId | Message], body: Mapping[str, str], request: RequestContext
    ) -> None:
        found = await searching
        if isinstance(found, Message):
            await self._delivery.deliver(request.address, found)
        else:
            running, _ = self._orders.start(_pause(found, body, request), request.address)
            await self._orders.deliver(running, request.address)

    def _answer(
        self, running: RunningOrder, outcome: Outcome | None, request: RequestContext, *, is_repeated: bool
    ) -> Message | None:
        """Return the outcome for the ack; to the person alone if everybody has it from elsewhere."""
        if outcome is None:
            return None
        message = self._orders.message(running.entry, outcome)
        if running.entry.is_lost:
            return replace(message, visibility=Visibility.EPHEMERAL)
        if is_repeated and message.visibility is Visibility.IN_CHANNEL:
            # Slack did not get the first ack, and may show no other
            self._tasks.start(self._delivery.deliver(request.address, message))
            return replace(message, visibility=Visibility.EPHEMERAL)
        request.ack.order = running
        return message


def _order_of_command(verb: Verb, found: Found, body: Mapping[str, str], request: RequestContext) -> Order:
    return Order(verb, found.session_id, request.address.actor, found.rest, body.get("trigger_id"), request.age)


def _pause(session_id: SessionId, body: Mapping[str, str], request: RequestContext) -> Order:
    """Return the order for a session that was found; it has become older since."""
    order = _order_of_command(Verb.PAUSE, Found(session_id, ""), body, request)
    return replace(order, age=max(order.age, time.monotonic() - request.given_at))


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
        order = _read_order(click, request)
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


def _read_order(click: ButtonClick, request: RequestContext) -> Order | Message:
    """Return the order of a click, or the answer if it is none.

    A resume that may be old is asked about, unless its version would show a later pause.
    """
    found = find_session_id(click.value)
    if not isinstance(found, Found):
        return broken_button_message(click.verb, click.value, is_legacy=click.is_legacy)
    version = read_version(found.rest) if click.verb is Verb.RESUME else None
    actor, trigger_id = click.address.actor, click.trigger_id
    order = Order(click.verb, found.session_id, actor, "", trigger_id, request.age, Source.BUTTON, version)
    is_asked = click.is_confirmed and (version is not None or not request.may_be_old)
    return order if order.verb is Verb.PAUSE or is_asked else question_message(order, version or new_id())


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
            orders = [
                _order_of_shortcut(one, address, body.get("trigger_id"), request.age) for one in chosen.session_ids
            ]
            await asyncio.gather(*(start_order(self._orders, self._tasks, order, address, request) for order in orders))
        await ack()


def _order_of_shortcut(session_id: SessionId, address: ReplyAddress, trigger_id: str | None, age: float) -> Order:
    """Return the order for one of several sessions. A trigger gives one order, so each gets its part of it."""
    own = f"{trigger_id}/{session_id}" if trigger_id else None
    return Order(Verb.PAUSE, session_id, address.actor, "", own, age, Source.SHORTCUT)

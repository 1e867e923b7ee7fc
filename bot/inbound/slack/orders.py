"""The listeners for orders: commands, buttons and message shortcuts."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial

from bot.core.fields import text_field
from bot.core.requests import (
    LATE,
    Order,
    ReplyAddress,
    Source,
    Verb,
    ViewRef,
    read_command,
    read_version,
)
from bot.core.session_ids import Found, Mentions, SessionId, find_session_id
from bot.core.sessions import Session, read_choice, several_of, words_of
from bot.inbound.slack import payload
from bot.inbound.slack.router import Request, Router, guarded
from bot.messages import buttons, pausing
from bot.messages.batches import NO_DATABASE, resume_answer
from bot.messages.blocks import Message, View, Visibility
from bot.messages.ending import ASKING_TO_END, end_question, end_window
from bot.messages.results import broken_button_message, outcome_message, question_message, waiting_message
from bot.messages.sessions import reading_message
from bot.messages.settings import ONE_MOMENT, answer_view
from bot.messages.usage import COMMANDS, HELP
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.request_id import new_id
from bot.usecases.orders import Orders
from bot.usecases.pause_windows import PauseWindows
from bot.usecases.session_modals import SessionViews
from bot.usecases.sessions import SessionLists

_VERBS = {command: verb for verb, command in COMMANDS.items()}


@dataclass(frozen=True, slots=True)
class OrderListeners:
    """Listeners for commands, for buttons that carry a session id, and for shortcuts and their modals."""

    orders: Orders
    lists: SessionLists
    views: SessionViews
    windows: PauseWindows
    dashboard_url: str

    def add_to(self, router: Router) -> None:
        """Register the listeners."""
        router.add("command", *_VERBS, listener=self.run)
        router.add("action", *buttons.VERBS, listener=self.click)
        router.add("action", buttons.READ_LIST, listener=self.read_list)
        router.add("attachment_action", buttons.LEGACY_PAUSE, listener=self.click_legacy)
        router.add("message_shortcut", buttons.PAUSE_FROM_MESSAGE, listener=self.pause_from_message)
        router.add("global_shortcut", pausing.SHORTCUT, listener=self.open_list)
        router.add("view", pausing.CHOICE, pausing.MODAL, listener=self.pause_chosen)
        router.add("action", buttons.PAUSE_SEVERAL, listener=self.open_window)
        router.add("view", buttons.PAUSE_SEVERAL, listener=self.pause_several)
        router.add("action", buttons.RESUME_BATCH, listener=self.ask)
        router.add("view", buttons.RESUME_BATCH, listener=self.resume_batch)

    # --- commands ---

    async def run(self, request: Request) -> None:
        """Execute `<command> <session_id> [reason]`, or look for the session that is meant."""
        verb, found = _VERBS[request.payload["command"]], read_command(request.payload.get("text", ""))
        if found is None:
            request.ack.message = HELP
        elif isinstance(found, Found):
            request.ack.message = await self._send(_order_of_command(verb, found, request), request)
        elif verb is Verb.PAUSE and (choice := several_of(found)) is not None:
            request.start(self.windows.open(request.address, request.trigger, choice))
        else:
            request.ack.message = await self._search(verb, words_of(found), request)

    async def _send(self, order: Order, request: Request) -> Message | None:
        """Return the outcome if it arrives before the ack deadline; otherwise a waiting message, then deliver it.

        For a request that may be old Slack shows no ack, so deliver the outcome, or the question about a resume.
        """
        if self._is_asked(order, request):
            asking = request.tasks.start(request.delivery.deliver(request.address, question_message(order, new_id())))
            await asyncio.wait({asking}, timeout=request.ack_wait)
            return None
        running, is_repeated = self.orders.start(order, request.address)
        if not request.may_be_old and await request.is_done_in_time(running.result):
            return self._answer(running, running.result.result(), request, is_repeated=is_repeated)
        is_safe = await request.is_safe_in_time(running)
        request.tasks.start(self.orders.deliver(running, request.address))
        request.ack.is_announcement = True
        return waiting_message(order, is_recorded=is_safe)

    def _is_asked(self, order: Order, request: Request) -> bool:
        """Return whether a person is asked about a resume that may be old, and is not under way already."""
        return order.verb is Verb.RESUME and request.may_be_old and not self.orders.knows(order)

    async def _search(self, verb: Verb, words: str, request: Request) -> Message | None:
        later = partial(self._answer_later, verb, request)
        finding = guarded(self.views.find(request.actor, verb, words), lambda broken: broken)
        found = await request.now_or_later(finding, later)
        if isinstance(found, Found):
            return await self._send(_order_of_search(verb, found, request), request)
        request.ack.is_announcement = found is None
        return found or reading_message(verb, words)

    async def _answer_later(self, verb: Verb, request: Request, found: Found | Message) -> None:
        if isinstance(found, Found):
            order = _order_of_search(verb, found, request)
            if not self._is_asked(order, request):
                running, _ = self.orders.start(order, request.address)
                await self.orders.deliver(running, request.address)
                return
            found = question_message(order, new_id())
        await request.delivery.deliver(request.address, found)

    def _answer(
        self, running: RunningOrder, settled: Settled | None, request: Request, *, is_repeated: bool
    ) -> Message | None:
        """Return the outcome for the ack; to the person alone if everybody has it from elsewhere."""
        if settled is None:
            return None
        message = self.orders.message(running, settled)
        if running.is_repeated:
            return replace(message, visibility=Visibility.EPHEMERAL)
        if is_repeated and message.visibility is Visibility.IN_CHANNEL:
            # Slack did not get the first ack, and may show no other
            request.tasks.start(request.delivery.deliver(request.address, message))
            return replace(message, visibility=Visibility.EPHEMERAL)
        request.ack.order = running
        return message

    # --- buttons ---

    async def read_list(self, request: Request) -> None:
        """Answer with the sessions that run, as the command without words."""
        request.start(self._deliver_list(request))

    async def _deliver_list(self, request: Request) -> None:
        await request.delivery.deliver(request.address, await self.views.message(request.actor, Verb.PAUSE))

    async def click(self, request: Request) -> None:
        """Handle a click. Slack shows nothing of its ack but its absence, so the answer follows it."""
        click = payload.read_button_click(request.payload, request.address)
        if click.view is not None:
            address = self.views.address(click.address.actor, click.view.origin) or click.address
            click = replace(click, address=replace(address, invocation=request.trigger.id))
        await self._answer_click(click, request)

    async def click_legacy(self, request: Request) -> None:
        """Handle a click on a button of an attachment. A message in its ack would replace the alert."""
        await self._answer_click(payload.read_legacy_click(request.payload, request.address), request)

    async def _answer_click(self, click: payload.ButtonClick, request: Request) -> None:
        order = _read_order(click, request)
        if isinstance(order, Message):
            request.tasks.start(request.delivery.deliver(click.address, order))
        elif order.verb is Verb.END and not click.is_confirmed:
            ask = partial(self._window_of_end, order)
            request.start(self.views.ask(click.address, request.trigger, ask, end_window(ASKING_TO_END)))
        else:
            running = await self._start(order, click.address, request, is_in_list=click.is_in_list)
            if click.view is not None and running is not None:
                request.start(self._show_result(running, click.address, click.view))
                request.start(self.orders.announce([running]))

    async def _window_of_end(self, order: Order, origin: str) -> View:
        found = await self.lists.to_end(order)
        if isinstance(found, Session | None):
            return end_window(end_question(order.session_id, found, now=time.time()), origin)
        return end_window(outcome_message(order, found, now=time.time(), dashboard_url=self.dashboard_url), origin)

    async def _show_result(self, running: RunningOrder, address: ReplyAddress, view: ViewRef) -> None:
        """Show the result in the view with the button, beside the message: the view can be closed."""
        if (message := await self.orders.stored_result(running)) is not None:
            await self.views.refresh(address, view, note=message.text)

    async def _start(
        self, order: Order, address: ReplyAddress, request: Request, *, is_in_list: bool = False
    ) -> RunningOrder | None:
        """Return the order; None if Slack sent it before. If it could be lost, the ack is an error, which is shown."""
        running, is_repeated = self.orders.start(order, address)
        delivery = None if is_repeated else request.tasks.start(self.orders.deliver(running, address))
        if is_in_list and not is_repeated:
            request.start(self.views.updates.follow(running, address))
        if not await request.is_safe_in_time(running, delivery):
            request.ack.status = 503
        return None if is_repeated else running

    # --- shortcuts and their modals ---

    async def open_list(self, request: Request) -> None:
        """Open the modal with the sessions."""
        request.start(self.views.open(request.address, request.trigger))

    async def pause_from_message(self, request: Request) -> None:
        """Pause the only session of a message at once; docs/decisions has the reason why without a question."""
        found, address = payload.read_message_shortcut(request.payload, request.address)
        match found:
            case Mentions(found=(only,), is_complete=True):
                await self._start(_order_of_shortcut(only.session_id, address, request), address, request)
            case Mentions(found=(), is_complete=is_complete):
                note = pausing.no_id_note(is_complete=is_complete)
                request.start(self.views.open(address, request.trigger, note=note))
            case mentions:
                request.start(self.views.choose(address, request.trigger, mentions))

    async def pause_chosen(self, request: Request) -> None:
        """Pause the sessions that were chosen or pasted, each by an order of its own. The results follow."""
        origin = text_field(request.payload["view"], "private_metadata")
        address, (chosen, errors) = self.views.address(request.actor, origin), payload.read_choice(request.payload)
        if address is None:
            request.ack.view = answer_view(pausing.TITLE, pausing.OUT_OF_DATE)
        elif not chosen:
            request.ack.errors = errors
        else:
            orders = [_order_of_shortcut(one, address, request) for one in chosen]
            running = await asyncio.gather(*(self._start(order, address, request) for order in orders))
            if new := [one for one in running if one is not None]:
                request.start(self.orders.announce(new))

    # --- several sessions at once ---

    async def open_window(self, request: Request) -> None:
        """Open the window to pause several sessions."""
        choice = read_choice(text_field(request.payload["actions"][0], "value"))
        view = payload.read_view(request.payload)
        address = view and self.views.address(request.actor, view.origin)
        request.start(self.windows.open(address or request.address, request.trigger, choice))

    async def pause_several(self, request: Request) -> None:
        """Pause what the window shows. The ack closes it when that is recorded."""
        sent = payload.read_several(request.payload, request.age)

        async def show_late(answer: View | str) -> None:
            view = pausing.several_answer(answer or pausing.SEVERAL_BEGUN) if isinstance(answer, str) else answer
            await self.views.modals.update_after_ack(request.actor, sent.view_id, view)

        work = guarded(self.windows.submit(request.actor, sent), lambda broken: pausing.several_answer(broken.text))
        answer = await request.now_or_later(work, show_late)
        if isinstance(answer, str):
            request.ack.errors, request.ack.closes_all = {pausing.LEFT_OUT: answer} if answer else None, True
        else:
            request.ack.view = answer or pausing.several_answer(ONE_MOMENT)

    async def ask(self, request: Request) -> None:
        """Open the modal that asks about sessions, names them, or says why this person can't have them resumed."""
        batch_id = text_field(request.payload["actions"][0], "value")
        ask = partial(self.windows.batches.question, request.actor, batch_id)
        request.start(self.views.ask(request.address, request.trigger, ask))

    # --- what was paused at once ---

    async def resume_batch(self, request: Request) -> None:
        """Resume what the modal asked about. The result follows."""
        view = request.payload["view"]
        origin, _, batch_id = text_field(view, "private_metadata").partition(" ")
        address = self.views.address(request.actor, origin)
        if address is None:
            request.ack.view = resume_answer(pausing.OUT_OF_DATE)
        elif not await self.windows.batches.resume(address, batch_id, text_field(view, "id"), _least_age(request)):
            request.ack.view = resume_answer(NO_DATABASE)


def _order_of_command(verb: Verb, found: Found, request: Request) -> Order:
    return Order(verb, found.session_id, request.actor, found.rest, request.payload.get("trigger_id"), request.age)


def _order_of_search(verb: Verb, found: Found, request: Request) -> Order:
    """Return the order for a session that was found; it has become older since."""
    order = _order_of_command(verb, found, request)
    return replace(order, age=max(order.age, time.monotonic() - request.given_at))


def _read_order(click: payload.ButtonClick, request: Request) -> Order | Message:
    """Return the order, or the answer: an old resume is asked about, unless its version shows a later pause."""
    found = find_session_id(click.value)
    if not isinstance(found, Found) or (click.verb is Verb.END and found.rest):
        return broken_button_message(click.verb, click.value, is_legacy=click.is_legacy)
    version = read_version(found.rest) if click.verb is Verb.RESUME else None
    actor, trigger_id = click.address.actor, request.payload.get("trigger_id")
    order = Order(click.verb, found.session_id, actor, "", trigger_id, request.age, Source.BUTTON, version)
    if order.verb is Verb.END:
        return replace(order, age=_least_age(request))
    is_asked = click.is_confirmed and (version is not None or not request.may_be_old)
    return order if order.verb is Verb.PAUSE or is_asked else question_message(order, version or new_id())


def _least_age(request: Request) -> float:
    """Return the age of a request to resume or end something: one that may be old counts as late."""
    return max(request.age, LATE + 1.0) if request.may_be_old else request.age


def _order_of_shortcut(session_id: SessionId, address: ReplyAddress, request: Request) -> Order:
    """Return the order for a session. A trigger gives one order, so that of each session gets its part of it."""
    own = f"{request.trigger.id}/{session_id}" if request.trigger.id else None
    return Order(Verb.PAUSE, session_id, address.actor, "", own, request.age, Source.SHORTCUT)

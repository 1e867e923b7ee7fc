"""The listeners: for commands, buttons and shortcuts; for windows, Home and lists; and for uninstallations."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial

from bot.core.commands import Choice, read_choice, read_command, several_of, words_of
from bot.core.fields import text_field
from bot.core.orders import Actor, MessageContent, Order, ReplyAddress, Source, Submission, Verb, read_version
from bot.core.session_ids import Found, find_session_id
from bot.inbound.slack import request as payload
from bot.inbound.slack.app import Request, Router, guarded
from bot.messages import buttons
from bot.messages.batches import SHORTCUT, about_ids
from bot.messages.blocks import Message, Visibility, ephemeral
from bot.messages.help import HELP, REPEATED
from bot.messages.outcomes import COMMANDS
from bot.messages.results import broken_button_message, question_message, waiting_message
from bot.messages.sessions import REFRESH, reading_message
from bot.messages.settings import CHECKING, TITLES, Reply
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.outbound.workspaces import Workspaces
from bot.runtime import new_id
from bot.usecases.anchor_reads import SessionLists
from bot.usecases.batches import PauseWindow
from bot.usecases.orders import Orders
from bot.usecases.settings import Forms
from bot.usecases.views import HomeView

_CHECKING = Reply("Checking", CHECKING)
_VERBS = {command: verb for verb, command in COMMANDS.items()}


@dataclass(frozen=True, slots=True)
class OrderListeners:
    """Listeners for commands, for buttons that carry a session id, and for shortcuts."""

    orders: Orders
    window: PauseWindow
    home: HomeView

    def add_to(self, router: Router) -> None:
        """Register the listeners."""
        router.add("command", *_VERBS, listener=self.run)
        router.add("action", *buttons.VERBS, listener=self.click)
        router.add("attachment_action", buttons.LEGACY_PAUSE, listener=self.click_legacy)
        router.add("message_shortcut", buttons.PAUSE_FROM_MESSAGE, listener=self.pause_from_message)
        router.add("global_shortcut", SHORTCUT, listener=self.open_window)

    # --- commands ---

    async def run(self, request: Request) -> None:
        """Execute `<command> <session_id> [reason]`, or look for the session that is meant."""
        verb, found = _VERBS[request.payload["command"]], read_command(request.payload.get("text", ""))
        if found is None:
            request.ack.message = HELP
        elif isinstance(found, Found):
            request.ack.message = await self._send(_order_of_command(verb, found, request), request)
        elif verb is Verb.PAUSE and (choice := several_of(found)) is not None:
            request.start(self.window.open(request.address, request.trigger_id, choice))
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
        finding = guarded(self.window.lists.find(request.actor, words), lambda broken: broken)
        found = await request.now_or_later(finding, later)
        if isinstance(found, Found):
            return await self._send(_order_of_search(verb, found, request), request)
        request.ack.is_announcement = found is None
        return found or reading_message(words)

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
    ) -> Message:
        """Return the outcome for the ack; to the person alone if everybody has it from elsewhere."""
        if settled is None:  # Slack has sent it to another process, too, which tells the outcome, or has told it
            return REPEATED
        message = self.orders.message(running, settled)
        if is_repeated and message.visibility is Visibility.IN_CHANNEL:
            # Slack did not get the first ack, and may show no other
            request.tasks.start(request.delivery.deliver(request.address, message))
            return replace(message, visibility=Visibility.EPHEMERAL)
        request.ack.order = running
        return message

    # --- buttons ---

    async def click(self, request: Request) -> None:
        """Handle a click. Slack shows nothing of its ack but its absence, so the answer follows it."""
        await self._answer_click(payload.read_button_click(request.payload, request.address), request)

    async def click_legacy(self, request: Request) -> None:
        """Handle a click on a button of an attachment. A message in its ack would replace the alert."""
        await self._answer_click(payload.read_legacy_click(request.payload, request.address), request)

    async def _answer_click(self, click: payload.ButtonClick, request: Request) -> None:
        order = _read_order(click, request)
        if isinstance(order, Message):
            request.tasks.start(request.delivery.deliver(click.address, order))
            return
        running = await self._start(order, click.address, request)
        if running is not None and click.is_in_list:
            request.start(self.window.lists.follow(running, click.address))
        if running is not None and click.is_in_home:
            request.start(self._show_in_home(running))

    async def _show_in_home(self, running: RunningOrder) -> None:
        """Show the result in Home, beside the message."""
        if (settled := await asyncio.shield(running.result)) is not None:  # else another process tells it
            await self.home.publish(running.order.actor, notice=self.orders.message(running, settled).text)

    async def _start(self, order: Order, address: ReplyAddress, request: Request) -> RunningOrder | None:
        """Return the order; None if Slack sent it before. If it could be lost, the ack is an error, which is shown."""
        running, is_repeated = self.orders.start(order, address)
        delivery = None if is_repeated else request.tasks.start(self.orders.deliver(running, address))
        if not await request.is_safe_in_time(running, delivery):
            request.ack.status = 503
        return None if is_repeated else running

    # --- shortcuts ---

    async def open_window(self, request: Request) -> None:
        """Open the window in which a person chooses among all that run."""
        request.start(self.window.open(request.address, request.trigger_id, None))

    async def pause_from_message(self, request: Request) -> None:
        """Pause the only session of a message at once; docs/decisions has the reason why without a question."""
        mentions, address = payload.read_message_shortcut(request.payload, request.address)
        notes = about_ids(len(mentions.found), is_complete=mentions.is_complete)
        if len(mentions.found) == 1 and mentions.is_complete:
            trigger_id, age = request.payload.get("trigger_id"), request.age
            order = Order(Verb.PAUSE, mentions.found[0], address.actor, "", trigger_id, age, Source.SHORTCUT)
            await self._start(order, address, request)
        elif mentions.found:
            request.start(self.window.open(address, request.trigger_id, Choice(ids=mentions.found), notes))
        else:
            request.start(self.window.open(address, request.trigger_id, None, notes))


def _order_of_command(verb: Verb, found: Found, request: Request) -> Order:
    return Order(verb, found.session_id, request.actor, found.rest, request.payload.get("trigger_id"), request.age)


def _order_of_search(verb: Verb, found: Found, request: Request) -> Order:
    """Return the order for a session that was found; it has become older since."""
    order = _order_of_command(verb, found, request)
    return replace(order, age=max(order.age, time.monotonic() - request.given_at))


def _read_order(click: payload.ButtonClick, request: Request) -> Order | Message:
    """Return the order, or the answer: a resume is asked about, unless its button asks."""
    found = find_session_id(click.value)
    if not isinstance(found, Found) or (click.verb is Verb.END and found.rest):
        return broken_button_message(click.verb, click.value)
    version = read_version(found.rest) if click.verb is Verb.RESUME else None
    actor, trigger_id = click.address.actor, request.payload.get("trigger_id")
    order = Order(click.verb, found.session_id, actor, "", trigger_id, request.age, Source.BUTTON, version)
    needs_question = order.verb is Verb.RESUME and not click.is_confirmed
    return question_message(order, version or new_id()) if needs_question else order


@dataclass(frozen=True, slots=True)
class ViewListeners:
    """Listeners for windows, Home, and the lists that are read again."""

    home: HomeView
    workspaces: Workspaces
    lists: SessionLists
    window: PauseWindow
    forms: Forms

    def add_to(self, router: Router, *, has_settings: bool) -> None:
        """Register the listeners. Those of events can raise StoreError: Slack sends an unacknowledged event again.

        A bot of one workspace has its settings from `.env`, so nobody can change them here.
        """
        router.add("event", "app_home_opened", listener=self.home_opened)
        router.add("event", "app_uninstalled", "tokens_revoked", listener=self.uninstalled)
        router.add("action", REFRESH, buttons.READ_LIST, listener=self.refresh)
        router.add("action", buttons.PAUSE_SEVERAL, listener=self.open_window)
        router.add("action", buttons.RESUME_BATCH, listener=self.resume)
        router.add("action", buttons.HISTORY, listener=self.open)
        router.add("view", buttons.PAUSE_SEVERAL, listener=self.submit)
        if has_settings:
            controls, windows = self.forms.saves.keys() - TITLES.keys(), self.forms.saves.keys() & TITLES.keys()
            router.add("action", *controls, listener=self.change)
            router.add("action", *windows, listener=self.open)
            router.add("view", *windows, listener=self.submit)

    async def home_opened(self, request: Request) -> None:
        """Publish Home. The event also comes for the Messages tab, which shows nothing of ours, and without a tab."""
        # https://docs.slack.dev/reference/events/app_home_opened
        event, team_id = request.payload["event"], request.actor.team_id
        if event.get("tab", "home") == "home" and "user" in event:
            actor = Actor(team_id, "", event["user"], home_team_id=team_id)  # only members of it have its Home
            request.tasks.start(self.home.publish(actor))

    async def uninstalled(self, request: Request) -> None:
        """Delete the workspace's data if the app was uninstalled, or a bot token revoked."""
        event = request.payload["event"]
        bots = event.get("tokens", {}).get("bot")
        if event["type"] == "app_uninstalled" or bots:  # the bot has no tokens of people
            event_time = int(request.payload.get("event_time", 0))  # without one it is older than every installation
            await self.workspaces.delete_uninstalled(request.actor.team_id, event_time, bots or ())

    # --- lists ---

    async def refresh(self, request: Request) -> None:
        """Read the sessions again, in the message or Home with the button, or for the first time in a new message."""
        if request.payload.get("view"):
            request.tasks.start(self.home.publish(request.actor))
        else:
            request.start(self._answer_with_list(request))

    async def _answer_with_list(self, request: Request) -> None:
        action = request.payload["actions"][0]
        message = await guarded(self.lists.message(request.actor, text_field(action, "value")), lambda broken: broken)
        if action["action_id"] == buttons.READ_LIST:
            await request.delivery.deliver(request.address, message)
        else:
            content = MessageContent(message.text, message.blocks)
            await request.delivery.update_message(request.address, content, Visibility.EPHEMERAL)

    # --- windows ---

    async def open_window(self, request: Request) -> None:
        """Open the window to pause several sessions."""
        choice = read_choice(text_field(request.payload["actions"][0], "value"))
        request.start(self.window.open(request.address, request.trigger_id, choice))

    async def resume(self, request: Request) -> None:
        """Resume what was paused at once: the button has asked."""
        batch_id = text_field(request.payload["actions"][0], "value")
        request.start(self.window.batches.resume(request.address, batch_id, request.trigger_id, request.age))

    async def open(self, request: Request) -> None:
        """Open the window of a button."""
        action = request.payload["actions"][0]
        about = text_field(action, "value")
        request.start(self.forms.open(request.address, request.trigger_id, action["action_id"], about))

    async def submit(self, request: Request) -> None:
        """Ack with the outcome if it arrives before the ack deadline; otherwise with "Checking…", and update later."""
        sent = payload.read_submission(request.payload, request.age)
        later = partial(self._show_later, request, sent)
        request.ack.reply = (
            await request.now_or_later(guarded(self._reply(request, sent), _incident), later) or _CHECKING
        )
        request.ack.name = sent.name

    async def _reply(self, request: Request, sent: Submission) -> Reply:
        if sent.name == buttons.PAUSE_SEVERAL:
            return await self.window.submit(request.actor, sent)
        try:
            return await self.forms.submit(request.actor, sent)
        finally:
            request.tasks.start(self.home.publish(request.actor))

    async def _show_later(self, request: Request, sent: Submission, reply: Reply) -> None:
        actor, modals = request.actor, self.window.modals
        if not await modals.update_after_ack(actor, sent.view_id, reply.view(sent.name)) and not reply.closes:
            await request.delivery.send_dm(actor.team_id, actor.user_id, ephemeral(reply.dm_text or reply.text))

    async def change(self, request: Request) -> None:
        """Change what a control in Home shows."""
        request.start(self._change(request))

    async def _change(self, request: Request) -> None:
        actor = request.actor
        reply = await guarded(self.forms.submit(actor, payload.read_control(request.payload)), _incident)
        if not await self.home.publish(actor, notice=reply.text):
            await request.delivery.send_dm(actor.team_id, actor.user_id, ephemeral(reply.text))


def _incident(message: Message) -> Reply:
    return Reply("Incident", message.text)

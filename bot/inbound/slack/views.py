"""The listeners for windows and Home: what opens, refreshes, changes and submits them; and for uninstallations."""

from dataclasses import dataclass
from functools import partial

from bot.core.fields import text_field
from bot.core.requests import Actor, MessageContent, Submission, Verb
from bot.core.sessions import read_choice
from bot.core.workspace import Uninstall
from bot.inbound.slack.app import Request, Router, guarded
from bot.inbound.slack.request import read_control, read_submission
from bot.messages import buttons
from bot.messages.blocks import Message, Visibility, ephemeral
from bot.messages.sessions import REFRESH
from bot.messages.settings import CHECKING, TITLES, Reply
from bot.outbound.workspaces import Workspaces
from bot.usecases.home import HomeView
from bot.usecases.sessions import SessionLists
from bot.usecases.settings import Forms
from bot.usecases.several import PauseWindow

_CHECKING = Reply("Checking", CHECKING)


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
        router.add("action", buttons.RESUME_BATCH, listener=self.ask)
        router.add("action", buttons.HISTORY, listener=self.open)
        router.add("view", buttons.PAUSE_SEVERAL, buttons.RESUME_BATCH, listener=self.submit)
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
            view_hash = text_field(event.get("view"), "hash") or None  # None the first time
            request.tasks.start(self.home.publish(actor, view_hash=view_hash))

    async def uninstalled(self, request: Request) -> None:
        """Delete the workspace's data if the app was uninstalled, or a bot token revoked."""
        event = request.payload["event"]
        bots = event.get("tokens", {}).get("bot")
        if event["type"] == "app_uninstalled" or bots:  # the bot has no tokens of people
            event_time = int(request.payload.get("event_time", 0))  # without one it is older than every installation
            uninstall = Uninstall(request.actor.team_id, event_time, tuple(bots) if bots else None)
            await self.workspaces.delete_uninstalled(uninstall)

    # --- lists ---

    async def refresh(self, request: Request) -> None:
        """Read the sessions again, in the message or Home with the button, or for the first time in a new message."""
        if request.payload.get("view"):
            request.tasks.start(self.home.publish(request.actor))
        else:
            request.start(self._answer_with_list(request))

    async def _answer_with_list(self, request: Request) -> None:
        action = request.payload["actions"][0]
        name, _, words = text_field(action, "value").partition(" ")
        verb = Verb.RESUME if name == Verb.RESUME else Verb.PAUSE
        message = await guarded(self.lists.message(request.actor, verb, words), lambda broken: broken)
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

    async def ask(self, request: Request) -> None:
        """Open the window that asks whether to resume what was paused at once."""
        batch_id = text_field(request.payload["actions"][0], "value")
        request.start(self.window.ask_to_resume(request.address, request.trigger_id, batch_id))

    async def open(self, request: Request) -> None:
        """Open the window of a button."""
        action = request.payload["actions"][0]
        about = text_field(action, "value")
        request.start(self.forms.open(request.address, request.trigger_id, action["action_id"], about))

    async def submit(self, request: Request) -> None:
        """Ack with the outcome if it arrives before the ack deadline; otherwise with "Checking…", and update later."""
        sent = read_submission(request.payload, request.age)
        later = partial(self._show_later, request, sent)
        request.ack.reply = (
            await request.now_or_later(guarded(self._reply(request, sent), _incident), later) or _CHECKING
        )
        request.ack.name = sent.name

    async def _reply(self, request: Request, sent: Submission) -> Reply:
        if sent.name == buttons.PAUSE_SEVERAL:
            return await self.window.submit(request.actor, sent)
        if sent.name == buttons.RESUME_BATCH:
            return await self.window.resume(request.actor, sent)
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
        reply = await guarded(self.forms.submit(actor, read_control(request.payload)), _incident)
        if not await self.home.publish(actor, notice=reply.text):
            await request.delivery.send_dm(actor.team_id, actor.user_id, ephemeral(reply.text))


def _incident(message: Message) -> Reply:
    return Reply("Incident", message.text)

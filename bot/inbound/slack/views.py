"""The listeners for Home's opening, the views with sessions and past orders, and uninstallations."""

from dataclasses import dataclass

from bot.core.fields import text_field
from bot.core.requests import Actor, MessageContent, Verb
from bot.core.workspace import Uninstall
from bot.inbound.slack.payload import read_view
from bot.inbound.slack.router import Request, Router, guarded
from bot.messages.blocks import Visibility
from bot.messages.buttons import HISTORY
from bot.messages.sessions import REFRESH
from bot.outbound.workspaces import Workspaces
from bot.usecases.home import HomeView
from bot.usecases.modals import AdminModals
from bot.usecases.session_modals import SessionViews


@dataclass(frozen=True, slots=True)
class ViewListeners:
    """Listeners for what shows something."""

    home: HomeView
    workspaces: Workspaces
    views: SessionViews
    admin_modals: AdminModals

    def add_to(self, router: Router) -> None:
        """Register the listeners. Those of events can raise StoreError: Slack sends an unacknowledged event again."""
        router.add("event", "app_home_opened", listener=self.home_opened)
        router.add("event", "app_uninstalled", "tokens_revoked", listener=self.uninstalled)
        router.add("action", REFRESH, listener=self.refresh)
        router.add("action", HISTORY, listener=self.open_history)

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

    async def refresh(self, request: Request) -> None:
        """Read the sessions again, in the message, Home or modal that has the button."""
        address, view = request.address, read_view(request.payload)
        if view is None:
            request.start(self._replace(request))
        else:
            request.start(self.views.refresh(self.views.address(address.actor, view.origin) or address, view))

    async def open_history(self, request: Request) -> None:
        """Open the modal with the orders of the last 30 days."""
        request.start(self.admin_modals.open_history(request.address, request.trigger))

    async def _replace(self, request: Request) -> None:
        name, _, words = text_field(request.payload["actions"][0], "value").partition(" ")
        verb = Verb.RESUME if name == Verb.RESUME else Verb.PAUSE
        message = await guarded(self.views.message(request.actor, verb, words), lambda broken: broken)
        content = MessageContent(message.text, message.blocks)
        await request.delivery.update_message(request.address, content, Visibility.EPHEMERAL)

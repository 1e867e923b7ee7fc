"""The events: show the app's Home; delete the data of a workspace that has uninstalled the app.

Uninstall events come in any order, several times, and after the token is revoked, so nothing there calls Slack.
https://docs.slack.dev/reference/events/app_home_opened
https://docs.slack.dev/reference/events/app_uninstalled
https://docs.slack.dev/reference/events/tokens_revoked
"""

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.fields import text_field
from bot.core.installation import Uninstall
from bot.core.requests import Actor
from bot.inbound.slack.listener import Routes
from bot.outbound.workspaces import Workspaces
from bot.usecases.admin.home import HomeView


class EventListeners:
    """Listeners for events. They can raise StoreError: Slack sends an unacknowledged event again."""

    def __init__(self, home_view: HomeView, workspaces: Workspaces, tasks: Tasks) -> None:
        self._home_view = home_view
        self._workspaces = workspaces
        self._tasks = tasks
        self.routes = Routes(
            events={"app_home_opened": self.opened, "app_uninstalled": self.delete, "tokens_revoked": self.delete}
        )

    async def opened(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Publish Home. The event also comes for the Messages tab, which shows nothing of ours."""
        event = body["event"]
        if event.get("tab") != "home" or "user" not in event:
            return
        team_id = context["request"].address.actor.team_id
        actor = Actor(team_id, "", event["user"], home_team_id=team_id)  # only members of the workspace have its Home
        view_hash = text_field(event.get("view"), "hash") or None  # None the first time
        self._tasks.start(self._home_view.publish(actor, view_hash=view_hash))

    async def delete(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Delete the workspace's data if the app was uninstalled, or a bot token revoked."""
        event = body["event"]
        bots = event.get("tokens", {}).get("bot")
        if event["type"] == "tokens_revoked" and not bots:
            return  # the bot has no tokens of people
        event_time = int(body.get("event_time", 0))  # without a time the event is older than every installation
        team_id = context["request"].address.actor.team_id
        await self._workspaces.delete_uninstalled(Uninstall(team_id, event_time, tuple(bots) if bots else None))

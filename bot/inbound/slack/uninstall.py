"""Uninstall events: delete the workspace's data.

The two events come in any order, several times, and after the token is revoked, so nothing here calls Slack.
https://docs.slack.dev/reference/events/app_uninstalled
https://docs.slack.dev/reference/events/tokens_revoked
"""

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncBoltContext

from bot.core.installation import Uninstall
from bot.inbound.slack.listener import Routes
from bot.outbound.workspaces import Workspaces


class UninstallListeners:
    """Listeners for uninstall events. They can raise StoreError: Slack sends an unacknowledged event again."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def routes(self) -> Routes:
        """Return the listener of both events."""
        return Routes(events=dict.fromkeys(("app_uninstalled", "tokens_revoked"), self.delete))

    async def delete(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Delete the workspace's data if the app was uninstalled, or a bot token revoked."""
        event = body["event"]
        bots = event.get("tokens", {}).get("bot")
        if event["type"] == "tokens_revoked" and not bots:
            return  # the bot has no tokens of people
        event_time = int(body.get("event_time", 0))  # without a time the event is older than every installation
        team_id = context["request"].address.actor.team_id
        await self._workspaces.delete_uninstalled(Uninstall(team_id, event_time, tuple(bots) if bots else None))

"""The app leaves a workspace: nothing of it is kept.

The two events come in any order, several times, and when the token is dead already, so nothing here calls Slack.
https://docs.slack.dev/reference/events/app_uninstalled
https://docs.slack.dev/reference/events/tokens_revoked
"""

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.core.installation import Departure
from bot.inbound.installed_team import installed_team
from bot.outbound.workspaces import Workspaces


class Departures:
    """Listens to them. Its listeners may raise StoreError: Slack sends an event once more that is not acknowledged."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def register(self, bolt: AsyncApp) -> None:
        """Put the listeners on."""
        bolt.event("app_uninstalled")(self.uninstalled)
        bolt.event("tokens_revoked")(self.revoked)

    async def uninstalled(self, body: Mapping[str, Any]) -> None:
        """The app is gone, and with it every token."""
        await self._workspaces.forget(Departure(installed_team(body), _when(body)))

    async def revoked(self, body: Mapping[str, Any]) -> None:
        """Tokens died: those of bots, which matter, or those of people, of which the bot has none."""
        if bots := body["event"].get("tokens", {}).get("bot"):
            await self._workspaces.forget(Departure(installed_team(body), _when(body), tuple(bots)))


def _when(body: Mapping[str, Any]) -> int:
    """When it happened, in Unix seconds; without that, so long ago that it concerns no installation."""
    return int(body.get("event_time", 0))

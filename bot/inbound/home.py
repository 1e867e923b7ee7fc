"""Somebody opens the app's Home.

https://docs.slack.dev/reference/events/app_home_opened
"""

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.administration.homes import Homes
from bot.core.requests import Asker
from bot.inbound.installed_team import installed_team
from bot.tasks import Tasks


class HomeListener:
    """Listens to that."""

    def __init__(self, homes: Homes, tasks: Tasks) -> None:
        self._homes = homes
        self._tasks = tasks

    def register(self, bolt: AsyncApp) -> None:
        """Put the listener on."""
        bolt.event("app_home_opened")(self.opened)

    async def opened(self, body: Mapping[str, Any]) -> None:
        """Show it; the same event tells of the Messages tab, where there is nothing to show."""
        event = body["event"]
        if event.get("tab") != "home" or "user" not in event:
            return
        team_id = installed_team(body)
        asker = Asker(team_id, "", event["user"], own_team_id=team_id)  # only its members have the app's Home
        self._tasks.start(self._homes.show(asker, state=_state_of(event.get("view"))))


def _state_of(view: Mapping[str, Any] | None) -> str | None:
    """The hash of the view that somebody sees; None the first time."""
    state = view.get("hash") if view else None
    return state if isinstance(state, str) else None

"""Sends the app the events of a workspace to which its manifest subscribes.

https://docs.slack.dev/apis/events-api
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.sim.slack.dispatch import Dispatch, Request
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.platform import Platform
from bot.sim.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """One event, and the answer to it; Slack sends it once more where that is no 200."""

    request: Request
    answer: Answered


class Events:
    """Sends events, even if the app's token is invalid by then."""

    def __init__(self, platform: Platform, dispatch: Dispatch) -> None:
        self._platform = platform
        self._dispatch = dispatch
        self._numbers = itertools.count(1)

    async def send(
        self, workspace: Workspace, event: Mapping[str, object], *, event_time: int | None = None
    ) -> EventDelivery:
        """Send an event of now, or of `event_time` (Unix seconds)."""
        when = int(self._platform.clock.now()) if event_time is None else event_time
        envelope = self._envelope(workspace, event, when)
        return await self.again(self._dispatch.pack("events_api", envelope))

    async def uninstall(self, workspace: Workspace, *, revoked_first: bool) -> list[EventDelivery]:
        """Take the app out. Its token is dead before the app hears of it, by two events in either order."""
        app = workspace.installation
        app.refusal = "account_inactive"
        events = [{"type": "app_uninstalled"}, tokens_revoked(bot=[app.bot_user_id])]
        return [await self.send(workspace, event) for event in (reversed(events) if revoked_first else events)]

    async def again(self, request: Request) -> EventDelivery:
        """Send the very same event once more."""
        return EventDelivery(request, await self._dispatch.send(request))

    def _envelope(self, workspace: Workspace, event: Mapping[str, object], event_time: int) -> dict[str, object]:
        app, enterprise = workspace.installation, workspace.enterprise
        enterprise_id = enterprise.id if enterprise else None
        return {
            "token": app.verification_token,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": enterprise_id,
            "api_app_id": app.app_id,
            "event": {**event, "event_ts": f"{event_time}.000100"},
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):010}",
            "event_time": event_time,
            "authorizations": [
                {
                    "enterprise_id": enterprise_id,
                    "team_id": workspace.team_id,
                    "user_id": app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }


def tokens_revoked(*, bot: Sequence[str] = (), oauth: Sequence[str] = ()) -> Mapping[str, object]:
    """Return the event with the user ids of the bots and people whose tokens were revoked."""
    return {"type": "tokens_revoked", "tokens": {"oauth": list(oauth), "bot": list(bot)}}

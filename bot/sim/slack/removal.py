"""People take the app out of their workspace, or take tokens away."""

from collections.abc import Mapping, Sequence

from bot.sim.slack.events import EventDelivery, Events
from bot.sim.slack.workspace import Workspace

UNINSTALLED: Mapping[str, object] = {"type": "app_uninstalled"}


class Removal:
    """Uninstalls the app, and sends it the events."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def uninstall(self, workspace: Workspace, *, revoked_first: bool) -> list[EventDelivery]:
        """Take the app out. Its token is dead before the app hears of it, by two events in either order."""
        app = workspace.installation
        app.refusal = "account_inactive"
        events = [UNINSTALLED, tokens_revoked(bot=[app.bot_user_id])]
        return [await self._events.send(workspace, event) for event in (reversed(events) if revoked_first else events)]


def tokens_revoked(*, bot: Sequence[str] = (), oauth: Sequence[str] = ()) -> Mapping[str, object]:
    """Return the event with the user ids of the bots and people whose tokens were revoked."""
    return {"type": "tokens_revoked", "tokens": {"oauth": list(oauth), "bot": list(bot)}}

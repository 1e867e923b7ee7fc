"""People open the app's tabs.

https://docs.slack.dev/reference/events/app_home_opened
"""

from bot.sim.slack.content import Part
from bot.sim.slack.events import EventDelivery, Events
from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.views.payloads import view_json
from bot.sim.slack.views.persons import Persons
from bot.sim.slack.workspace import Workspace


class Homes:
    """Opens tabs on behalf of people, and tells the app."""

    def __init__(self, platform: Platform, events: Events, persons: Persons) -> None:
        self._platform = platform
        self._events = events
        self._persons = persons

    async def open(self, user_id: str, workspace: Workspace | None, tab: str, *, is_named: bool) -> EventDelivery:
        """Open a tab, home or messages, which the event names or not; NotPossibleError if this person has none."""
        there = workspace or self._persons.workspace_of(user_id)
        self._check(user_id, there, tab)
        event: Part = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": there.dm_with_bot(user_id).id,
            **({"tab": tab} if is_named else {}),
        }
        shown = self._persons.home(user_id, there)
        if tab == "home" and shown is not None:
            event["view"] = view_json(shown, there.installation, with_state=False)
        return await self._events.send(there, event)

    def _check(self, user_id: str, workspace: Workspace, tab: str) -> None:
        user, app = workspace.users[user_id], workspace.installation
        if user.deleted:
            raise NotPossibleError("a deactivated person can't log in")
        if not self._platform.is_colleague(workspace, user):
            raise NotPossibleError("people of other workspaces have no tab of the app")
        if not {"home": True, "messages": app.messages_tab}.get(tab):
            raise NotPossibleError(f"the app has no such tab: {tab}")

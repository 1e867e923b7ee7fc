"""Slack's state: the workspaces, what was said in them, and what apps did wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.sim.change_event import ChangeEvent
from bot.sim.faults import Faults
from bot.sim.slack.clock import Clock
from bot.sim.slack.history import History, Message
from bot.sim.slack.markup import plain
from bot.sim.slack.rate_limiter import RateLimiter
from bot.sim.slack.registration import Registration
from bot.sim.slack.rules import Violation
from bot.sim.slack.timing import Timing
from bot.sim.slack.triggers import Triggers
from bot.sim.slack.views.open_views import Views
from bot.sim.slack.workspace import Enterprise, User, Workspace

SLACKBOT = "USLACKBOT"  # speaks for the client itself


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message for later; `post_at` is in Unix seconds."""

    channel: str
    text: str
    post_at: int


class Platform:
    """Shared by everything that delivers to apps or serves them."""

    def __init__(self, now: Callable[[], float], timing: Timing, app_token: str, registration: Registration) -> None:
        self.app_token = app_token
        self.registration = registration
        self.timing = timing
        self.clock = Clock(now)
        self.change_event = ChangeEvent()
        self.history = History(self.clock, self.change_event)
        self.triggers = Triggers(self.clock)
        self.views = Views(self.clock, self.change_event)
        self.faults = Faults(self.clock.now)
        self.post_limiter = RateLimiter(burst=5, per_second=1.0)
        self.update_limiter = RateLimiter(burst=50, per_second=50 / 60)
        self.ack_delay = 0.0  # seconds between the ack of a modal and its effect on the modal
        self.unsent_view_fields: set[str] = set()  # what Slack leaves out of views when people use them
        self.shortcuts_keep_threads = False  # whether the response URL of a message shortcut can post in a thread
        self.scheduled: dict[str, Scheduled] = {}
        self.violations: list[Violation] = []
        self.workspaces: dict[str, Workspace] = {}

    def add(self, workspace: Workspace) -> None:
        """Add a workspace; commands, tokens and names are looked up in all of them."""
        self.workspaces[workspace.team_id] = workspace

    def record(self, violations: Iterable[Violation]) -> None:
        """Keep what an app did wrong."""
        self.violations.extend(violations)
        self.change_event.notify()

    def workspace_of_token(self, token: str | None) -> Workspace | None:
        """Find the workspace whose bot has this token."""
        for workspace in self.workspaces.values():
            if workspace.installation.bot_token == token:
                return workspace
        return None

    def workspace_of_channel(self, channel_id: str) -> Workspace:
        """Find the workspace that has this channel; KeyError if none has."""
        for workspace in self.workspaces.values():
            if channel_id in workspace.channels:
                return workspace
        raise KeyError(channel_id)

    def is_colleague(self, workspace: Workspace, user: User) -> bool:
        """Whether this person is of the workspace, or of another one of the same Grid organisation."""
        if user.team_id == workspace.team_id:
            return True
        home = self.workspaces.get(user.team_id)
        return home is not None and home.enterprise is not None and home.enterprise == workspace.enterprise

    def enterprise_of(self, workspace: Workspace, user: User) -> Enterprise | None:
        """Return the Grid organisation of a person in a workspace: for somebody of another company, their own."""
        if user.team_id == workspace.team_id:
            return workspace.enterprise
        home = self.workspaces.get(user.team_id)
        return home.enterprise if home else None

    def render(self, message: Message) -> str:
        """Return a message's text as a person reads it, with names for ids."""
        return plain(message.text, self._user_name, self._channel_name)

    def _user_name(self, user_id: str) -> str:
        users = (workspace.users.get(user_id) for workspace in self.workspaces.values())
        return next((user.name for user in users if user is not None), user_id)

    def _channel_name(self, channel_id: str) -> str:
        channels = (workspace.channels.get(channel_id) for workspace in self.workspaces.values())
        return next((channel.name for channel in channels if channel is not None), channel_id)

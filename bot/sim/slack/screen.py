"""The simulated Slack as people see it, and the record about the app."""

from collections.abc import Callable

from bot.sim.faults import Faults
from bot.sim.slack.clock import Clock
from bot.sim.slack.history import Message
from bot.sim.slack.platform import Platform
from bot.sim.slack.registration import Registration
from bot.sim.slack.rules import Violation
from bot.sim.slack.timing import Timing
from bot.sim.slack.workspace import Channel, User, Workspace, id_of


class Screen:
    """Looks at a Slack without changing anything but its clock, its timing, its faults and its workspaces."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    @property
    def app_token(self) -> str:
        """The app-level token, for Socket Mode."""
        return self.platform.app_token

    @property
    def registration(self) -> Registration:
        """Return the app's settings about its installation, which a test can change."""
        return self.platform.registration

    @property
    def clock(self) -> Clock:
        """Slack's time."""
        return self.platform.clock

    @property
    def timing(self) -> Timing:
        """Return the ack deadline, and the delays between Slack and the app."""
        return self.platform.timing

    @property
    def faults(self) -> Faults:
        """Return the faults by endpoint: "response_url", "handshake" (of websockets), or a Web API method."""
        return self.platform.faults

    @property
    def violations(self) -> list[Violation]:
        """Return the app's violations in order."""
        return self.platform.violations

    def add_workspace(self, workspace: Workspace) -> None:
        """Add another workspace in which the app is installed."""
        self.platform.add(workspace)

    def conversations_of(self, user: User | str) -> list[Channel]:
        """Return where this person can read and write, workspace by workspace, in the order they were added."""
        user_id = id_of(user)
        return [
            channel
            for workspace in self.platform.workspaces.values()
            for channel in workspace.channels.values()
            if user_id in channel.members and not channel.is_archived
        ]

    def channel_messages(self, channel: Channel | str) -> list[Message]:
        """Return what everyone in the channel sees, oldest first."""
        return self.platform.history.public(id_of(channel))

    def seen_by(self, user: User | str, channel: Channel | str) -> list[Message]:
        """Return the same with what only this person sees."""
        return self.platform.history.seen_by(id_of(user), id_of(channel))

    def current(self, message: Message) -> Message | None:
        """Return a message as it is now; None if it was deleted."""
        return self.platform.history.find(message.channel, message.ts)

    def render(self, message: Message) -> str:
        """Return a message's text as a person reads it: names for mentions, no escapes."""
        return self.platform.render(message)

    async def until(self, condition: Callable[[], object], *, within: float = 20.0) -> None:
        """Wait until `condition` is true, looked at whenever anything happened here; else TimeoutError."""
        await self.platform.change_event.wait_for(condition, within, self._seen)

    def _seen(self) -> str:
        """Return the newest messages and the violations, as lines."""
        lines = [
            f"{one.channel} for {one.ephemeral_to or 'all'}: {one.text}" for one in self.platform.history.newest(10)
        ]
        return "\n".join(["Slack shows:", *lines, *map(str, self.violations)])

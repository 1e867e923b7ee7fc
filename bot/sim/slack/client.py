"""A client of Slack: the screen of a person, and their clicks."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from bot.sim.slack.delivery import Delivery, Dispatch
from bot.sim.slack.history import Message
from bot.sim.slack.interactions import Interactions, find_button, find_legacy_button
from bot.sim.slack.people import Clicks, Commands, EventDelivery, Events, Shortcuts
from bot.sim.slack.people_in_views import Acts, Homes, Persons, Submissions, Target
from bot.sim.slack.platform import Platform
from bot.sim.slack.responses import ResponseUrls
from bot.sim.slack.views import View
from bot.sim.slack.workspace import Channel, User, Workspace, id_of


class Screen:
    """Looks at a Slack without changing anything but its clock, its timing, its faults and its workspaces.

    `app_token` is for Socket Mode. `faults` are by endpoint: "response_url", "handshake" (of websockets), a method
    of the Web API, or the token of its caller. `violations` are the app's, in order.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.app_token, self.registration = platform.app_token, platform.registration
        self.clock, self.timing = platform.clock, platform.timing
        self.faults, self.violations = platform.faults, platform.violations

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


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Client(Screen):
    """A Screen on which people act. What the client would not let a person do raises NotPossibleError: nothing is sent.

    Overrides change the fields of a payload: None is null (in a command it leaves the field out), ABSENT leaves it out.
    """

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        super().__init__(platform)
        self._commands = Commands(platform, response_urls, dispatch)
        self._clicks = Clicks(platform, response_urls, dispatch)
        self._shortcuts = Shortcuts(platform, response_urls, dispatch)
        self.events = Events(platform, dispatch)
        self._persons = Persons(platform)
        self._homes = Homes(platform, self.events, self._persons)
        interactions = Interactions(platform, dispatch)
        self._acts = Acts(platform, interactions, self._persons)
        self._submissions = Submissions(platform, interactions, self._persons)

    async def uninstall(self, workspace: Workspace, *, revoked_first: bool = False) -> list[EventDelivery]:
        """Take the app out of a workspace: its token dies, then two events tell it, in one order or the other."""
        self.platform.views.forget(workspace.team_id)
        return await self.events.uninstall(workspace, revoked_first=revoked_first)

    async def enter(self, user: User | str, channel: Channel | str, line: str, *, thread_ts: str | None = None) -> None:
        """Press Enter in a composer in which stands `line`, as it was typed: a command, a message, or nothing."""
        await self._commands.enter(id_of(user), id_of(channel), line, thread_ts)

    async def command(
        self,
        user: User | str,
        channel: Channel | str,
        text: str = "",
        *,
        command: str = "/anchor-pause",
        **field_overrides: str | None,
    ) -> Delivery:
        """Type a command and see it acknowledged. `text` is sent as it stands: escape it as Slack would."""
        return await self._commands.send(
            self._commands.typed(id_of(user), id_of(channel), command, text), field_overrides
        )

    async def click(
        self,
        user: User | str,
        message: Message,
        /,
        action_id: str = "anchor_pause",
        *,
        value: str | None = None,
        block_id: str | None = None,
        **payload_overrides: object,
    ) -> Delivery:
        """Click a button of a message, as that is now, confirm if asked to, and see it acknowledged.

        `value` and `block_id` say which, if there are several.
        """
        action = find_button(self._clicks.prepare(id_of(user), message), action_id, value, block_id)
        return await self._clicks.send(action, payload_overrides)

    async def use_global_shortcut(
        self,
        user: User | str,
        callback_id: str = "anchor_pause_an_agent",
        workspace: Workspace | None = None,
        **payload_overrides: object,
    ) -> Delivery:
        """Choose a global shortcut of the app, in the first workspace of which this person is a member."""
        there = workspace or self._persons.workspace_of(id_of(user))
        return await self._shortcuts.use(there, there.users[id_of(user)], callback_id, payload_overrides)

    async def press(
        self,
        user: User | str,
        message: Message,
        /,
        attachment_id: int = 1,
        action_id: str = "1",
        **payload_overrides: object,
    ) -> Delivery:
        """Press a legacy button of a message, as that is now, confirm if asked to, and see it acknowledged.

        Both ids count from 1: attachments in the message, and actions in the attachment.
        """
        action = find_legacy_button(self._clicks.prepare(id_of(user), message), attachment_id, action_id)
        return await self._clicks.send(action, payload_overrides)

    async def use_shortcut(
        self,
        user: User | str,
        message: Message,
        /,
        shortcut_id: str = "anchor_pause_from_message",
        **payload_overrides: object,
    ) -> Delivery:
        """Choose a shortcut of the app in the menu of a message, as that is now, and see it acknowledged.

        `shortcut_id` is its callback_id.
        """
        click = self._clicks.prepare(id_of(user), message)
        return await self._shortcuts.use_on_message(click, shortcut_id, payload_overrides)

    async def open_home(
        self, user: User | str, workspace: Workspace | None = None, *, tab: str = "home", is_named: bool = True
    ) -> EventDelivery:
        """Open the app's tab, "home" or "messages", in the first workspace of which this person is a member.

        Slack does not always name the tab in the event.
        """
        return await self._homes.open(id_of(user), workspace, tab, is_named=is_named)

    def home_of(self, user: User | str, workspace: Workspace | None = None) -> View | None:
        """Return what the Home tab shows to this person; None if the app has published nothing."""
        return self._persons.home(id_of(user), workspace)

    def modals_of(self, user: User | str, workspace: Workspace | None = None) -> tuple[View, ...]:
        """Return the modals that this person has before them, the visible one last."""
        return self._persons.modals(id_of(user), workspace)

    def modal_of(self, user: User | str, workspace: Workspace | None = None) -> View | None:
        """Return the visible modal."""
        modals = self.modals_of(user, workspace)
        return modals[-1] if modals else None

    async def act(  # noqa: PLR0913 - two more say which element
        self,
        user: User | str,
        view: View,
        action_id: str,
        choice: str | Sequence[str] | None = None,
        *,
        block_id: str | None = None,
        value: str | None = None,
        **payload_overrides: object,
    ) -> Delivery:
        """Click a button in a view as it is now, confirm if asked to, or choose in a menu or in boxes.

        A `choice` is an id or the value of an option, or several where several can be chosen.
        """
        present, target = self._persons.visible(id_of(user), view), Target(action_id, value, block_id)
        return await self._acts.act(present, target, choice, payload_overrides)

    def fill(self, user: User | str, view: View, block_id: str, value: str | Sequence[str]) -> View:
        """Type or choose in an input of a view as it is now; one that tells the app at once is for `act`."""
        return self._submissions.fill(self._persons.visible(id_of(user), view), block_id, value)

    async def submit(
        self,
        user: User | str,
        view: View | None = None,
        values: Mapping[str, str | Sequence[str]] = _NOTHING,
        **payload_overrides: object,
    ) -> Delivery:
        """Fill in `values` by block_id, and submit a modal as it is now: the visible one, unless said otherwise."""
        return await self._submissions.submit(self._persons.visible(id_of(user), view), values, payload_overrides)

    async def close(self, user: User | str, view: View | None = None, *, clear: bool = False) -> None:
        """Cancel the visible modal, or with `clear` (the × in its corner) all; nothing is sent."""  # noqa: RUF002 - as the client draws it
        self._submissions.close(self._persons.visible(id_of(user), view), clear=clear)

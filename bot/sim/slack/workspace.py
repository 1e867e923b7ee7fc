"""A workspace, its people and channels, the app in it, and an example."""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot, with the field names of users.info.

    On Grid `is_org_admin` and `is_org_owner` are the roles in the organisation.
    """

    id: str
    team_id: str
    name: str
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    deleted: bool = False
    is_org_admin: bool = False
    is_org_owner: bool = False


class ChannelKind(Enum):
    """The kind of a conversation; DM is one of two people."""

    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"


@dataclass(slots=True, eq=False)
class Channel:
    """A conversation; `members` are user ids, the bot's among them."""

    id: str
    team_id: str
    name: str
    kind: ChannelKind
    members: set[str]
    is_archived: bool = False

    @property
    def name_in_payloads(self) -> str:
        """Return the name in payloads: only public channels have theirs."""
        return _UNNAMED.get(self.kind, self.name)


def id_of(named: User | Channel | str) -> str:
    """Return the id of whatever is named by it or by itself."""
    return named if isinstance(named, str) else named.id


_UNNAMED = {ChannelKind.PRIVATE: "privategroup", ChannelKind.DM: "directmessage"}


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command of an app, as its manifest declares it."""

    name: str
    description: str
    usage_hint: str


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A shortcut in the menu of messages, or in the composer and in the search, as the app's manifest declares it."""

    name: str
    callback_id: str
    description: str


@dataclass(slots=True, eq=False)
class Installation:
    """The app in this workspace; `refusal` is what the Web API says to its token, such as token_revoked.

    `commands`, `shortcuts` and `global_shortcuts` are those that the client offers.
    """

    bot_token: str
    app_id: str = "A0ANCHOR001"
    bot_id: str = "B0ANCHOR001"
    bot_user_id: str = "U0ANCHORBOT"
    bot_name: str = "anchor"
    verification_token: str = "deprecatedVerificationToken"  # noqa: S105 - stands in payloads and proves nothing
    commands: tuple[SlashCommand, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    global_shortcuts: tuple[Shortcut, ...] = ()
    scopes: set[str] = field(default_factory=lambda: {"commands", "chat:write", "users:read"})
    messages_tab: bool = True
    messages_tab_is_read_only: bool = True
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Enterprise:
    """The Grid organisation of a workspace."""

    id: str
    name: str


class Workspace:
    """People and channels by id; a person with a foreign `team_id` is here through Slack Connect.

    `edit_window` is how many seconds old a message can be that is edited.
    """

    def __init__(
        self, team_id: str, domain: str, installation: Installation, enterprise: Enterprise | None = None
    ) -> None:
        self.team_id = team_id
        self.domain = domain
        self.installation = installation
        self.enterprise = enterprise
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.edit_window: float | None = None
        self.add_user(installation.bot_user_id, installation.bot_name, is_bot=True)

    def add_user(self, user_id: str, name: str, *, team_id: str | None = None, **fields: Any) -> User:  # noqa: ANN401 - any field of User
        """Add a person; `fields` are those of User, such as is_admin."""
        user = User(id=user_id, team_id=team_id or self.team_id, name=name, **fields)
        self.users[user_id] = user
        return user

    def change_user(self, user: User | str, **changes: Any) -> User:  # noqa: ANN401 - any field of User
        """Replace a person by one with other fields; commands and users.info go by the new one."""
        self.users[id_of(user)] = changed = replace(self.users[id_of(user)], **changes)
        return changed

    def add_channel(
        self,
        channel_id: str,
        name: str,
        *members: User | str,
        kind: ChannelKind = ChannelKind.PUBLIC,
        is_archived: bool = False,
    ) -> Channel:
        """Add a conversation of `members`; name the bot's user id among them to have the bot in it."""
        channel = Channel(channel_id, self.team_id, name, kind, set(map(id_of, members)), is_archived)
        self.channels[channel_id] = channel
        return channel

    def has_composer(self, channel: Channel) -> bool:
        """Whether people can type in a channel: not where the app only speaks."""
        with_bot = channel.kind is ChannelKind.DM and self.installation.bot_user_id in channel.members
        return not (with_bot and self.installation.messages_tab_is_read_only)

    def dm_with_bot(self, user: User | str) -> Channel:
        """Return the conversation of a person and the bot; opened if there was none."""
        pair = {id_of(user), self.installation.bot_user_id}
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and channel.members == pair:
                return channel
        return self.add_channel(f"D{id_of(user)[1:]}", "", *pair, kind=ChannelKind.DM)


class NotPossibleError(Exception):
    """The Slack client would not let this person do that here, so nothing was sent."""


def check_presence(user: User, channel: Channel) -> None:
    """Raise NotPossibleError for somebody who can't do anything in this channel."""
    if user.deleted:
        raise NotPossibleError("a deactivated person can't log in")
    if user.id not in channel.members:
        raise NotPossibleError("this person is not in the channel")
    if channel.is_archived:
        raise NotPossibleError("nobody can write in an archived channel")


# The workspace that every simulation starts with: Acme, where the bot is installed.

BOT_TOKEN = "xoxb-0123456789-SIMULATED-HOME"  # noqa: S105 - of the simulation only
APP_TOKEN = "xapp-1-A0ANCHOR001-0123456789-SIMULATED"  # noqa: S105 - simulated
CLIENT_ID, CLIENT_SECRET = "0123456789.9876543210", "simulated-client-secret"
COMMANDS = (
    SlashCommand("/anchor-pause", "Pause the AI agent of an Anchor session", "[session_id or words] [reason]"),
    SlashCommand(
        "/anchor-resume", "Let the paused AI agent of an Anchor session go on", "[session_id or words] [reason]"
    ),
)
SHORTCUTS = (
    Shortcut("Pause Anchor agent", "anchor_pause_from_message", "Pause the agent whose session id is in the message"),
)
GLOBAL_SHORTCUTS = (
    Shortcut("Pause an agent", "anchor_pause_an_agent", "Show the Anchor sessions that run, and pause one"),
)
"""As manifest.yml declares them."""


class Acme:
    """The workspace `home`, with names for those in it.

    Alice administers the workspace, Carol owns it. `outsider` is in `alerts` through Slack Connect. The bot is in
    `alerts` and in its conversation with Alice.
    """

    def __init__(self) -> None:
        app = Installation(BOT_TOKEN, commands=COMMANDS, shortcuts=SHORTCUTS, global_shortcuts=GLOBAL_SHORTCUTS)
        self.home = home = Workspace("T0HOME00001", "acme", app)
        self.alice = alice = home.add_user("U0ALICE0001", "alice", is_admin=True)
        self.bob = bob = home.add_user("U0BOB000001", "bob")
        self.carol = home.add_user("U0CAROL0001", "carol", is_admin=True, is_owner=True)
        self.guest = home.add_user("U0GUEST0001", "guest", is_restricted=True, is_ultra_restricted=True)
        self.outsider = home.add_user("U0MALLORY01", "mallory", team_id="T0PARTNER01")
        bot, everyone = app.bot_user_id, (alice, bob, self.carol, self.guest, self.outsider)
        self.alerts = home.add_channel("C0ALERTS001", "alerts", *everyone, bot)
        self.incidents = home.add_channel("C0INCIDENT1", "incidents", alice, bob)
        self.private = home.add_channel("C0PRIVATE01", "war-room", alice, bob, kind=ChannelKind.PRIVATE)
        self.archived = home.add_channel("C0ARCHIVED1", "old-alerts", alice, bob, bot, is_archived=True)
        self.alice_and_bob = home.add_channel("D0ALICEBOB1", "", alice, bob, kind=ChannelKind.DM)
        self.alice_and_bot = home.add_channel("D0ALICEBOT1", "", alice, bot, kind=ChannelKind.DM)


@dataclass(slots=True)
class Registration:
    """Its credentials, the URLs that people may be sent back to, and the scopes it may ask for.

    With `rotates_tokens`, what it gets dies within hours.
    """

    client_id: str
    client_secret: str
    redirect_urls: list[str] = field(default_factory=list)
    scopes: tuple[str, ...] = ("commands", "chat:write", "users:read")
    rotates_tokens: bool = False

    def knows(self, redirect_uri: str) -> bool:
        """Return whether a URL is equal to a registered one, or below it."""
        return any(redirect_uri == url or redirect_uri.startswith(f"{url.rstrip('/')}/") for url in self.redirect_urls)

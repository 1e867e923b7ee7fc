"""The workspace that every simulation starts with: Acme, where the bot is installed."""

from dataclasses import dataclass

from bot.sim.slack.workspace import (
    Channel,
    ChannelKind,
    GlobalShortcut,
    Installation,
    MessageShortcut,
    SlashCommand,
    User,
    Workspace,
)

BOT_TOKEN = "xoxb-0123456789-SIMULATED-HOME"  # noqa: S105 - of the simulation only
APP_TOKEN = "xapp-1-A0ANCHOR001-0123456789-SIMULATED"  # noqa: S105 - simulated
CLIENT_ID, CLIENT_SECRET = "0123456789.9876543210", "simulated-client-secret"
COMMANDS = (
    SlashCommand("/anchor-pause", "Pause the AI agent of an Anchor session", "[session_id or words] [reason]"),
    SlashCommand("/anchor-resume", "Let the paused AI agent of an Anchor session go on", "<session_id> [reason]"),
    SlashCommand("/anchor-end", "End an Anchor session, after a question", "<session_id>"),
    SlashCommand("/anchor-sessions", "Show which Anchor sessions run, and which are paused", "[help]"),
)
SHORTCUTS = (
    MessageShortcut(
        "Pause Anchor agent", "anchor_pause_from_message", "Pause the agent whose session id is in the message"
    ),
)
GLOBAL_SHORTCUTS = (
    GlobalShortcut("Pause an agent", "anchor_pause_an_agent", "Show the Anchor sessions that run, and pause one"),
)
"""As manifest.yml declares them."""


@dataclass(frozen=True, slots=True)
class Acme:
    """The workspace, with names for those in it.

    Alice administers the workspace, Carol owns it. `outsider` is in `alerts` through Slack Connect. The bot is in
    `alerts` and in its conversation with Alice.
    """

    workspace: Workspace
    alice: User
    bob: User
    carol: User
    guest: User
    outsider: User
    alerts: Channel
    incidents: Channel
    private: Channel
    archived: Channel
    alice_and_bob: Channel
    alice_and_bot: Channel


def acme() -> Acme:
    """Build a new one."""
    app = Installation(BOT_TOKEN, commands=COMMANDS, shortcuts=SHORTCUTS, global_shortcuts=GLOBAL_SHORTCUTS)
    home = Workspace("T0HOME00001", "acme", app)
    bot = home.installation.bot_user_id
    alice = home.add_user("U0ALICE0001", "alice", is_admin=True)
    bob = home.add_user("U0BOB000001", "bob")
    carol = home.add_user("U0CAROL0001", "carol", is_admin=True, is_owner=True)
    guest = home.add_user("U0GUEST0001", "guest", is_restricted=True, is_ultra_restricted=True)
    outsider = home.add_user("U0MALLORY01", "mallory", team_id="T0PARTNER01")
    everyone = (alice, bob, carol, guest, outsider)
    return Acme(
        workspace=home,
        alice=alice,
        bob=bob,
        carol=carol,
        guest=guest,
        outsider=outsider,
        alerts=home.add_channel("C0ALERTS001", "alerts", *everyone, bot),
        incidents=home.add_channel("C0INCIDENT1", "incidents", alice, bob),
        private=home.add_channel("C0PRIVATE01", "war-room", alice, bob, kind=ChannelKind.PRIVATE),
        archived=home.add_channel("C0ARCHIVED1", "old-alerts", alice, bob, bot, is_archived=True),
        alice_and_bob=home.add_channel("D0ALICEBOB1", "", alice, bob, kind=ChannelKind.DM),
        alice_and_bot=home.add_channel("D0ALICEBOT1", "", alice, bot, kind=ChannelKind.DM),
    )

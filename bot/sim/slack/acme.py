"""The workspace that every simulation starts with: Acme, where the bot is installed."""

from bot.sim.slack.workspace import ChannelKind, Installation, Shortcut, SlashCommand, Workspace

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

"""The settings of workspaces: tokens, keys, permissions and alerts."""

from bot.config.setting import Setting

ONE_WORKSPACE = (
    Setting(
        "SLACK_BOT_TOKEN",
        "The bot token: your Slack app > OAuth & Permissions > Bot User OAuth Token. It begins with xoxb-. The bot "
        "refuses a token that rotates (xoxe.xoxb-), because it expires within hours. Token rotation can't be turned "
        "off again: make another app, without it.",
        is_required=True,
        is_secret=True,
    ),
    Setting(
        "ANCHOR_API_KEY",
        "The API key of the workspace: Anchor's dashboard > API keys.",
        is_required=True,
        is_secret=True,
    ),
    Setting(
        "PAUSE_USERS",
        "Who can pause: the ids of people, separated by commas. In Slack: profile > More (⋮) > Copy member ID. If it "
        "is not set, every full member of the workspace can. Guests, bots and people of other companies never can, "
        "even if they are named. Without the scope users:read the app can't tell guests from members.",
    ),
    Setting("RESUME_USERS", "Who can resume, in the same form."),
    Setting(
        "ALLOWED_CHANNELS",
        "The channels in which people can pause and resume: ids, separated by commas. In Slack: channel details > "
        "About, at the end. If it is not set, people can pause and resume anywhere. If it is set, direct messages are "
        "excluded unless named.",
    ),
)
MANY_WORKSPACES = (
    Setting("SLACK_CLIENT_ID", "Your Slack app > Basic Information > App Credentials > Client ID.", is_required=True),
    Setting(
        "SLACK_CLIENT_SECRET",
        "Your Slack app > Basic Information > App Credentials > Client Secret.",
        is_required=True,
        is_secret=True,
    ),
    Setting(
        "BASE_URL",
        "The public URL of the bot, for browsers and Slack. It can have a path if a proxy removes that path. With one "
        "workspace over HTTP, only `anchor-bot doctor` reads it: it sends the bot a request there.",
        is_required=True,
    ),
    Setting(
        "ENCRYPTION_KEYS",
        "The key that encrypts tokens and Anchor keys in the database: `anchor-bot keys new` prints one. Keep a copy: "
        "without it the encrypted data is lost. While you rotate it, set the new one and the old one, separated by a "
        "comma. A bot of one workspace needs none: its key is derived from SLACK_BOT_TOKEN.",
        is_required=True,
        is_secret=True,
    ),
)
ALERTS = (
    Setting(
        "ALERTS_TOKEN",
        "One workspace: programs that send this token (Authorization: Bearer …) can post alerts. Without it /alerts "
        "does not exist. Make a long random one: openssl rand -hex 32. `anchor-bot alert` sends it. With many "
        "workspaces, do not set it for the bot: an admin makes a token in the app's Home, or you make one with "
        "`anchor-bot workspaces alert-token`.",
        is_secret=True,
    ),
    Setting(
        "ALERTS_CHANNEL",
        "One workspace: the id of the channel for alerts without a channel. In Slack: channel details > About, at the "
        "end.",
    ),
    Setting("ALERTS_WORKSPACE", "For `anchor-bot alert` only: the workspace's id, if the bot serves many."),
    Setting(
        "ANCHOR_BOT_URL",
        "For `anchor-bot alert` only: the URL of the bot. It can have a path, for example behind a proxy.",
        "http://127.0.0.1:3000",
    ),
)

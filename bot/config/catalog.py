"""The settings: names, defaults, kinds and descriptions, also of those that a workspace has in the app."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting. A `default` that depends on something is in the `description`.

    A secret can also be given as a file, by the variable `file_variable`.
    """

    name: str
    description: str
    default: str = ""
    is_required: bool = False
    is_secret: bool = False

    @property
    def file_variable(self) -> str:
        """Return the name of the variable that names a file with the value."""
        return f"{self.name}_FILE"

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the variables that can give the value."""
        return (self.name, self.file_variable) if self.is_secret else (self.name,)


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that belong together, and a note on all of them."""

    title: str
    settings: tuple[Setting, ...]
    note: str = ""


_secret = partial(Setting, is_secret=True)

ONE_WORKSPACE = (
    _secret(
        "SLACK_BOT_TOKEN",
        "The bot token: your Slack app > OAuth & Permissions > Bot User OAuth Token. It begins with xoxb-. The bot "
        "refuses a token that rotates (xoxe.xoxb-), because it expires within hours. Token rotation can't be turned "
        "off again: make another app, without it.",
        is_required=True,
    ),
    _secret("ANCHOR_API_KEY", "The API key of the workspace: Anchor's dashboard > API keys.", is_required=True),
    Setting(
        "PAUSE_USERS",
        "Who can pause: the ids of people, separated by commas. In Slack: profile > More (⋮) > Copy member ID. If it "
        "is not set, every full member of the workspace can. Guests, bots and people of other companies never can, "
        "even if they are named. Without the scope users:read the app can't tell guests from members.",
    ),
    Setting(
        "PAUSE_MANY_USERS",
        "Who of them can pause many sessions at once (/anchor-pause all), in the same form. If it is not set, all who "
        "can pause.",
    ),
    Setting(
        "RESUME_USERS",
        "Who can resume, in the same form. Without the scope users:read nobody else can resume in Slack, also if it is "
        "not set.",
    ),
    Setting(
        "ALLOWED_CHANNELS",
        "The channels in which people can pause and resume: ids, separated by commas. In Slack: channel details > "
        "About, at the end. If it is not set, people can pause and resume anywhere. If it is set, direct messages are "
        "excluded unless named.",
    ),
    Setting(
        "END_SESSION",
        "Whether people can end a session, which loses its browser, its pages and the agent's run: off or on. See "
        "[sessions.md](sessions.md#end-a-session). With many workspaces, an admin chooses it in the app's Home.",
        default="off",
    ),
    Setting(
        "END_USERS",
        "Who can end sessions, in the form of PAUSE_USERS, if END_SESSION is on. If it is not set, only admins can.",
    ),
)
MANY_WORKSPACES = (
    Setting("SLACK_CLIENT_ID", "Your Slack app > Basic Information > App Credentials > Client ID.", is_required=True),
    _secret(
        "SLACK_CLIENT_SECRET", "Your Slack app > Basic Information > App Credentials > Client Secret.", is_required=True
    ),
    Setting(
        "BASE_URL",
        "The public URL of the bot, for browsers and Slack. It can have a path if a proxy removes that path. With one "
        "workspace over HTTP, only `anchor-bot doctor` reads it: it sends the bot a request there.",
        is_required=True,
    ),
    _secret(
        "ENCRYPTION_KEYS",
        "The key that encrypts tokens and Anchor keys in the database: `anchor-bot keys new` prints one. Keep a copy: "
        "without it the encrypted data is lost. While you rotate it, set the new one and the old one, separated by a "
        "comma. A bot of one workspace needs none: its key is derived from SLACK_BOT_TOKEN.",
        is_required=True,
    ),
    Setting(
        "ALLOWED_WORKSPACES",
        "The ids of the workspaces that can install the app, separated by commas. If it is not set, all can. Those "
        "that have installed it are served, and can install it again. In a browser, the id is in the address of "
        "Slack: app.slack.com/client/T…",
    ),
)
ALERTS = (
    _secret(
        "ALERTS_TOKEN",
        "One workspace: programs that send this token (Authorization: Bearer …) can post alerts. Without it /alerts "
        "does not exist. Make a long random one: openssl rand -hex 32. With many "
        "workspaces, do not set it for the bot: an admin makes tokens in the app's Home.",
    ),
    _secret(
        "ALERTS_TOKENS",
        "One workspace: tokens of several programs, as name=token, separated by commas: at most 20, with ALERTS_TOKEN, "
        "whose name is default. Cards, the log and metrics name the program. A name has at most 30 of a-z, 0-9, - and "
        "_, and begins with a letter or digit. See docs/alerts.md#programs-and-their-tokens.",
    ),
    Setting(
        "ALERTS_CHANNEL",
        "One workspace: the id of the channel for alerts. In Slack: channel details > About, at the end.",
    ),
    Setting(
        "ALERTS_CHANNELS",
        "One workspace: the ids of other channels that alerts can name, separated by commas. An alert for any other "
        "goes to ALERTS_CHANNEL.",
    ),
    Setting(
        "ALERTS_GROUP",
        "One workspace: the id of the user group that critical alerts mention, at most once in 10 minutes and channel, "
        "and automatic pauses that failed. In Slack: More > People > User groups > ⋮ > Copy group ID. Without it, they "
        "mention nobody.",
    ),
    Setting(
        "AUTO_PAUSE",
        "One workspace: the effect of alerts that ask for a pause. off: none. observe: the bot records what it would "
        "pause. on: it pauses without asking anybody; PAUSE_USERS and ALLOWED_CHANNELS do not apply. With many "
        "workspaces, an admin chooses it in the app's Home. See docs/automatic-pause.md.",
        "off",
    ),
    Setting(
        "AUTO_PAUSE_TOKENS",
        "One workspace: the names of the tokens whose alerts can ask for a pause, separated by commas; default is "
        "ALERTS_TOKEN. Everybody who has one can pause every session while AUTO_PAUSE is on. Not set: no alert can.",
    ),
    Setting(
        "AUTO_PAUSE_LIMIT",
        "The sessions that alerts with one token can pause within 60 seconds: from 1 to 1000, also with many "
        "workspaces. More of this token are held back for 10 minutes, in which people pause them.",
        "20",
    ),
)


_DATABASE = (
    _secret(
        "DATABASE_URL",
        "sqlite:///a-file, relative to the directory in which you start the bot; sqlite:////an/absolute/path; or "
        "postgresql://user:password@host:5432/name, if needed with libpq parameters (?sslmode=require). If it is not "
        "set, it is the file anchor-bot.db in systemd's STATE_DIRECTORY, or in the directory in which you start the "
        "bot if that file exists or systemd sets no directory. One workspace: sqlite:// keeps nothing. See "
        "docs/backup.md#the-database.",
    ),
    Setting(
        "JOURNAL_DAYS",
        "Days for which finished pauses and resumes are kept in the database, with who gave them, where and why: from "
        "1 to 3650. See docs/journal.md.",
        "90",
    ),
)
_SLACK = (
    _secret(
        "SLACK_APP_TOKEN",
        "Turns Socket Mode on: Slack's requests come over connections that the bot opens, instead of to /slack/events. "
        "Your Slack app > Basic Information > App-Level Tokens, with the scope connections:write. It begins with "
        "xapp-.",
    ),
    _secret(
        "SLACK_SIGNING_SECRET",
        "Not needed if SLACK_APP_TOKEN is set. Your Slack app > Basic Information > App Credentials > Signing Secret. "
        "While you rotate it, set the new one and the old one, separated by a comma.",
        is_required=True,
    ),
    Setting(
        "SLACK_API_URL",
        "The URL of Slack's Web API. Change it for GovSlack (https://slack-gov.com/api/) or a simulated Slack.",
        "https://slack.com/api/",
    ),
)
_ANCHOR = (
    Setting("ANCHOR_API_URL", "The URL of Anchor's API.", "https://api.anchorbrowser.io"),
    Setting(
        "ANCHOR_DASHBOARD_URL",
        "The page of Anchor's dashboard that messages link to, for people who must stop an agent without the bot.",
        "https://app.anchorbrowser.io/sessions",
    ),
    Setting("ANCHOR_TIMEOUT", "The timeout of one attempt to pause or resume, and of the check of a new key.", "10"),
    Setting("ANCHOR_DEADLINE", "The timeout of all attempts of one command together.", "20"),
    Setting(
        "REMIND_BEFORE",
        "Minutes before Anchor ends a paused session, from which on people are reminded of it: from 0 (no reminders) "
        "to 60. See docs/sessions.md.",
        "5",
    ),
)
_NETWORK = (
    _secret(
        "HTTPS_PROXY",
        "The HTTP proxy through which the bot calls Slack and Anchor, by CONNECT: http://user:password@host:port. The "
        "user and the password can be left out. Also as https_proxy. Calls of http URLs, which are on this machine, "
        "go directly.",
    ),
    Setting(
        "NO_PROXY",
        "The hosts that the bot calls without the proxy, separated by commas: example.com is the host and all in the "
        "domain; a port can follow (example.com:8443); * is every host. Also as no_proxy.",
    ),
)
_SERVER = (
    Setting("HOST", "The address to listen on. 0.0.0.0 means all addresses, for example in a container.", "127.0.0.1"),
    Setting(
        "PORT",
        "The port to listen on. 0 means any free port; the log says which. In Socket Mode it needs to be open only for "
        "your own probes, for alerts and, with many workspaces, for installations.",
        "3000",
    ),
    Setting(
        "DRAIN_SECONDS",
        "Seconds after SIGTERM in which requests are still served while /readyz is 503, so that a load balancer can "
        "react; at most 3.5. Socket Mode and Ctrl-C skip them.",
        "3",
    ),
)
_METRICS = (
    Setting(
        "METRICS_PORT",
        "The port for GET /metrics, in Prometheus' format. If it is not set, there are none. See docs/metrics.md.",
    ),
    Setting("METRICS_HOST", "The address for METRICS_PORT, like HOST.", "127.0.0.1"),
    _secret(
        "METRICS_TOKEN",
        "What programs have to send for the metrics (Authorization: Bearer …). Anybody who sends it sees the reasons "
        "of /readyz, too. If it is not set, the metrics need none.",
    ),
)
_LOGS = (
    Setting("LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR.", "INFO"),
    Setting("LOG_FORMAT", "text is for people, json (one object per line) for programs.", "text"),
)

SECTIONS = (
    Section("One workspace", ONE_WORKSPACE),
    Section(
        "Many workspaces",
        MANY_WORKSPACES,
        "Instead of those for one workspace: each installs the app at BASE_URL/slack/install. See docs/workspaces.md.",
    ),
    Section("The database", _DATABASE),
    Section("Slack", _SLACK),
    Section("Anchor", _ANCHOR),
    Section("Outgoing calls", _NETWORK),
    Section("The bot's own server", _SERVER),
    Section("Alerts", ALERTS),
    Section("Metrics", _METRICS),
    Section("Logs", _LOGS, "They go to stderr."),
)

SETTINGS: Mapping[str, Setting] = {setting.name: setting for section in SECTIONS for setting in section.settings}

VARIABLES = {name for setting in SETTINGS.values() for name in setting.variables} | {"https_proxy", "no_proxy"}
"""The names of all variables that the bot reads, also those of files."""

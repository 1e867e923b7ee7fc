"""Every setting of the bot, by sections. `.env.example` and docs/settings.md are made from them."""

from collections.abc import Mapping

from bot.config.setting import Section, Setting
from bot.config.workspace_catalog import ALERTS, MANY_WORKSPACES, ONE_WORKSPACE

_DATABASE = (
    Setting(
        "DATABASE_URL",
        "sqlite:///a-file, relative to the directory in which you start the bot; sqlite:////an/absolute/path; or "
        "postgresql://user:password@host:5432/name, if needed with libpq parameters (?sslmode=require). If it is not "
        "set, it is the file anchor-bot.db in systemd's STATE_DIRECTORY, or in the directory in which you start the "
        "bot if that file exists or systemd sets no directory. One workspace: sqlite:// keeps nothing. See "
        "docs/operations.md#the-database.",
        is_secret=True,
    ),
    Setting(
        "JOURNAL_DAYS",
        "Days for which finished pauses and resumes are kept in the database, with who gave them, where and why: from "
        "1 to 3650. See docs/operations.md#the-journal.",
        "90",
    ),
)
_SLACK = (
    Setting(
        "SLACK_APP_TOKEN",
        "Turns Socket Mode on: Slack's requests come over connections that the bot opens, instead of to /slack/events. "
        "Your Slack app > Basic Information > App-Level Tokens, with the scope connections:write. It begins with "
        "xapp-.",
        is_secret=True,
    ),
    Setting(
        "SLACK_SIGNING_SECRET",
        "Not needed if SLACK_APP_TOKEN is set. Your Slack app > Basic Information > App Credentials > Signing Secret. "
        "While you rotate it, set the new one and the old one, separated by a comma.",
        is_required=True,
        is_secret=True,
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
)
_NETWORK = (
    Setting(
        "HTTPS_PROXY",
        "The HTTP proxy through which the bot calls Slack and Anchor, by CONNECT: http://user:password@host:port. The "
        "user and the password can be left out. Also as https_proxy. Calls of http URLs, which are on this machine, "
        "and those of `anchor-bot alert` go directly.",
        is_secret=True,
    ),
    Setting(
        "NO_PROXY",
        "The hosts that the bot calls without the proxy, separated by commas: example.com is the host and all in the "
        "domain; a port can follow (example.com:8443); * is every host. Also as no_proxy.",
    ),
)
_SERVER = (
    Setting(
        "HOST",
        "The address to listen on. 0.0.0.0 means all addresses, for example in a container.",
        "127.0.0.1",
    ),
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
        "The port for GET /metrics, in Prometheus' format, on the address HOST. If it is not set, there are none. See "
        "docs/operations.md#metrics.",
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

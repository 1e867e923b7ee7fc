"""Findings of the checks of `anchor-bot doctor`, the decisions about them, and a workspace's status by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from bot.core.requests import MOST_SKEW
from bot.messages.blocks import ephemeral
from bot.messages.markup import link, plain, printable

_PATCHED = {
    (3, 11): (3, 11, 16),
    (3, 12): (3, 12, 14),
    (3, 13): (3, 13, 14),
    (3, 14): (3, 14, 6),
    (3, 15): (3, 15, 0, "beta", 2),
}
"""The first releases in which `unicodedata.normalize` is not quadratic (CVE-2026-3276), by version."""

_NOTED_SKEW = 5.0  # seconds from which a request counts as late
_GOOD, _UNANSWERED, _WRONG = 0, 1, 2
_MOST_SHOWN = 500  # characters of a value
_TRY_AGAIN = "Check the network of this machine, and try again."
_NTP = "Let the machine set its clock by NTP."
_REINSTALL = "Reinstall the app in Slack (OAuth & Permissions), and copy its bot token to SLACK_BOT_TOKEN."
_INSTALL_AGAIN = "Install the app again at BASE_URL/slack/install."
_ALERTS = "The channel is ALERTS_CHANNEL, or the one that an admin chose in Home."

_OF_WEBHOOKS = "incoming-webhook"
"""The scope that Alertmanager's receiver needs, which is added by hand: docs/alerts.md."""

APP_SETTINGS_URL = "https://api.slack.com/apps"
"""The page with the settings of a Slack app."""

_IN_SETTINGS = (
    f"add what is missing in {link(APP_SETTINGS_URL, 'its settings at Slack')} under *OAuth &amp; Permissions*, and "
    "reinstall it there."
)
_ADDS = {
    "commands": "the slash commands and the shortcuts",
    "chat:write": "alerts, results in threads, and direct messages",
    "users:read": "people's roles, so that guests are refused, admins are known, and people can resume",
}


CHANNEL_PROBE = ephemeral(
    "Test message of the Anchor bot: it checked that it can post alerts here, and could not delete this message. "
    "It is no alert. There is nothing to do."
)
"""The message that shows only if it can't be deleted, or if the bot was killed before."""


class CheckName(StrEnum):
    """Names of the checks, as they are printed."""

    SETTINGS = "settings"
    PYTHON = "Python"
    SLACK = "Slack"
    ANCHOR = "Anchor"
    CLOCK = "clock"
    RUNNING_BOT = "running bot"
    SOCKET_MODE = "Socket Mode"
    PUBLIC_URL = "public URL"
    CLIENT_SECRET = "client secret"  # noqa: S105 - a name
    DATABASE = "database"
    NEWS = "news of other processes"
    ENCRYPTION = "encryption"
    WORKSPACES = "workspaces"
    BOT_TOKEN = "bot token"  # noqa: S105 - a name
    SCOPES = "scopes"
    ANCHOR_KEY = "Anchor key"
    ALERT_CHANNEL = "alert channel"
    AUTO_PAUSE = "automatic pause"
    END_SESSION = "End session"
    BLOCKS = "messages"
    OTHERS_LISTED = "sessions of other keys in all/status"
    OTHERS_PAUSED = "pause of a session of another key"
    IDLE_TIMEOUT = "idle timeout of a paused session"
    END_OF_ENDED = "DELETE of an ended session"
    END_OF_UNKNOWN = "DELETE of an unknown session"


class Kind(Enum):
    """The text of a finding and how to fix it, with the names of values in braces."""

    def __init__(self, text: str, fix: str = "") -> None:
        self.text, self.fix = text, fix

    @property
    def code(self) -> str:
        """Return the name for programs."""
        return self.name.lower().replace("_", "-")


class Good(Kind):
    """Findings that need nothing."""

    SETTINGS_VALID = "valid: {transport}, {tenancy}, permissions: {permissions}, database: {database}"
    PYTHON_PATCHED = "{version}"
    REACHED = "{host} answers"
    CLOCK_RIGHT = "agrees with Slack's within {seconds} s"
    BOT_READY = "ready at {url}"
    TOKEN_ACCEPTED = "accepted, for the workspace {name} ({team}), as @{bot}"  # noqa: S105 - a text
    SCOPES_GRANTED = "granted as in the manifest: {scopes}"
    SOCKET_OPENED = "a connection opened, and was closed again"
    SOCKET_IN_USE = "not tried: the running bot has a connection, and another one could get its requests"
    CHANNEL_OPEN = "the bot can post to {channel}"
    BLOCKS_VALID = "Slack's validator accepts {count} messages and windows of the app"
    AUTO_PAUSE = "{mode}. Tokens whose alerts can ask for it: {tokens}"
    END_SESSION = "on, for {who}. If Slack does not know /anchor-end, update the app from `anchor-bot manifest`"
    URL_VERIFIED = "a signed request to {url} came to the bot, and its answer came back"
    CLIENT_NOT_REFUSED = "Slack does not refuse it, nor SLACK_CLIENT_ID"
    KEY_ACCEPTED = "Anchor accepts it"
    DATABASE_CURRENT = "answers, and its tables are current (revision {revision})"
    DATABASE_NEW = "has no tables yet: the bot makes them when it starts"
    DATABASE_IN_MEMORY = "in memory, as DATABASE_URL says: a restart loses it"
    NEWS_COME = "PostgreSQL's notifications arrive, so it takes up to 2 s"
    KEYS_FIT = "the keys decrypt the database"
    YES = "yes"
    NO = "no"
    KEPT_AWAKE = "it does not end one: this one still ran {minutes} min after the pause"
    ENDED_IDLE = "it ends one: this one ended within {minutes} min after the pause"
    ANSWERED = "HTTP {status}"


class Questionable(Kind):
    """Findings about what works, and is probably not meant."""

    SETTINGS_ODD = "valid, but probably not meant: {warnings}"
    PYTHON_UNPATCHED = (
        "{version} normalizes text in quadratic time (CVE-2026-3276), unless your distribution has patched it",
        "Use Python {patched} or newer, or a patched build of your distribution.",
    )
    CLOCK_OFF = "differs from Slack's by {seconds} s. The bot allows for it", _NTP
    BOT_DEGRADED = "ready at {url}, but degraded: {reasons}"
    BOT_OVER_HTTP = (
        "ready at {url}, but over HTTP, and the settings are for Socket Mode",
        "If it is this bot, restart it. If it is another one, set another PORT.",
    )
    SOCKET_DOUBTED = (
        "a connection opened, but Slack says that it is switched off. It has said so while it worked",
        "If no command reaches the bot, switch it on in the app's settings (Settings > Socket Mode).",
    )
    SCOPES_EXTRA = (
        "more than in the manifest: {scopes}",
        "To drop them, remove them in the app's settings, uninstall the app, and install it again.",
    )
    AUTO_PAUSE_IN_VAIN = "on, but no token can ask for it, so alerts pause nothing", "Choose one, here or in Home."
    MESSAGE_LEFT = "the bot can post to {channel}. Its scheduled message could not be deleted, and will show in an hour"
    NOT_NAMED = "installed, and not named in ALLOWED_WORKSPACES: {teams}. They are served"
    NEWS_LATE = (
        "PostgreSQL's notifications do not arrive, so it takes up to 10 s. Orders take no longer",
        "A pooler in transaction mode drops them. To have them, use its session mode, or connect without it.",
    )
    RESULTS_LOST = (
        "addresses of results that are not told yet can't be decrypted, because SLACK_BOT_TOKEN or ENCRYPTION_KEYS has "
        "changed. The results are in the journal"
    )


class Wrong(Kind):
    """Findings for which somebody has to change a setting, the Slack app or the machine."""

    SETTINGS_INVALID = (
        "invalid, so the bot does not start: {problems}",
        "Correct them in .env, or in the environment. `anchor-bot init` asks for those that are required.",
    )
    CLOCK_WRONG = "differs from Slack's by {seconds} s. Over HTTP the bot rejects every request", _NTP
    CANNOT_LISTEN = (
        "none at {url}, and none can start. {problems}",
        "Let HOST be an address of this machine, and use ports that no other program uses.",
    )
    NOT_SLACK = (
        "something else than Slack's Web API answers ({why})",
        "Check SLACK_API_URL: it normally ends in /api/. If it is right, a proxy answers in Slack's place.",
    )
    NOT_ANCHOR = (
        "something else than Anchor's API answers ({why})",
        "Check ANCHOR_API_URL. If it is right, a proxy answers in Anchor's place.",
    )
    TOKEN_REFUSED = "Slack refuses SLACK_BOT_TOKEN ({code})", _REINSTALL
    INSTALLATION_REFUSED = (
        "Slack refuses the token of this workspace ({code})",
        f"{_INSTALL_AGAIN} If the workspace has left, delete it: `anchor-bot workspaces delete`.",
    )
    SCOPES_MISSING = (
        "missing: {scopes}",
        (
            "Add them in the app's settings (OAuth & Permissions; `anchor-bot manifest` has all), and install the app "
            "again in the workspace."
        ),
    )
    SOCKET_OFF = (
        "Slack says that it is switched off",
        "Switch it on in the app's settings (Settings > Socket Mode).",
    )
    APP_TOKEN_REFUSED = (
        "Slack refuses SLACK_APP_TOKEN ({code})",
        "Generate an app-level token with the scope connections:write (Basic Information > App-Level Tokens).",
    )
    BLOCKS_REFUSED = "Slack's validator refuses a message of the app: {errors}", "Report this."
    CHANNEL_REFUSED = (
        "Slack takes no message for {channel} ({code})",
        f"{_ALERTS} Check its id, and invite the bot there: /invite @anchor.",
    )
    CLIENT_REFUSED = (
        "Slack refuses SLACK_CLIENT_ID or SLACK_CLIENT_SECRET ({code}), so nobody can install the app",
        "Copy both from the app's settings (Basic Information > App Credentials).",
    )
    URL_INVALID = "{problem}", "Set it to the bot's public URL, like https://bot.example.com."
    URL_REJECTS = (
        "the bot at {url} rejects a request that is signed with SLACK_SIGNING_SECRET ({status}): {why}",
        (
            "Give the bot and this command the same signing secret and a right clock, and let proxies forward the body "
            "and the headers X-Slack-… unchanged."
        ),
    )
    URL_FOREIGN = (
        "{url} is not this bot ({status})",
        (
            "Let BASE_URL be the bot's public URL, and let the proxy forward /slack/events to it. In Socket Mode the "
            "bot does not serve it."
        ),
    )
    KEY_REFUSED = (
        "Anchor refuses it (HTTP {status})",
        "Make a new key in Anchor's dashboard. Set it as ANCHOR_API_KEY or, with many workspaces, in the app's Home.",
    )
    KEY_UNSET = "none is set, so nobody can pause", "An admin sets it in the app's Home."
    DATABASE_OLD = (
        "its tables are of an older version (revision {revision}, not {head})",
        "Start this version of the bot: it copies a SQLite file, and migrates the tables. Back PostgreSQL up before.",
    )
    DATABASE_NEWER = (
        "its tables are of a newer version (revision {revision}, not {head})",
        "Run that version, or restore the copy from before the migration.",
    )
    DATABASE_UNUSABLE = "{sentence}"
    KEYS_UNFIT = (
        "no key of ENCRYPTION_KEYS decrypts the database",
        "Add the key that it was created with. Without it the secrets are lost, and you need a new database.",
    )
    ROW_UNREADABLE = "can't be read: {why}", _INSTALL_AGAIN
    NOT_INSTALLED = "not installed", "`anchor-bot workspaces list` prints those that are."


class Unanswered(Kind):
    """Findings about what gives no answer, or is not ready."""

    PROXY_FAILED = (
        "the proxy of HTTPS_PROXY gives no connection to {host} ({why})",
        (
            "Check the proxy's URL, its user and password, and that it allows this host. NO_PROXY names hosts to call "
            "without it."
        ),
    )
    NAME_UNKNOWN = (
        "the name {host} can't be resolved ({why})",
        "Check the URL, and the DNS of this machine.",
    )
    NOT_CONNECTED = (
        "no connection to {host} ({why})",
        "Check the URL and its port, and that a firewall lets the bot connect.",
    )
    TIMED_OUT = "{host} does not answer in time ({why})", _TRY_AGAIN
    CERTIFICATE_REFUSED = (
        "TLS with {host} fails ({why})",
        (
            "Check the host's certificate. If a proxy replaces certificates, name a file with its authority in "
            "SSL_CERT_FILE, in the environment: it is not read from .env."
        ),
    )
    CONNECTION_BROKE = "{host} broke the connection ({why})", _TRY_AGAIN
    NO_CONNECTION = (
        "no connection to {who}",
        "Check {setting}, and the network of this machine. The line about {who} of `anchor-bot doctor` says why.",
    )
    NO_ANSWER = "{who} gave no usable answer ({why})", "Try again in a moment."
    BOT_NOT_READY = "not ready at {url}: {reasons}", "Look into the bot's log."
    URL_UNAVAILABLE = (
        "the proxy at {url} can't reach the bot ({status})",
        "Start the bot, and let the proxy forward to HOST and PORT.",
    )
    DATABASE_DOWN = "{sentence}"


class Skipped(Kind):
    """Findings of checks that make no sense here, or could not be made."""

    CLOCK_UNKNOWN = "not compared: neither Slack nor Anchor answers"
    BOT_NOT_RUNNING = "none at {url}"
    BOT_NOT_STARTED = "not checked before the bot runs", "Start it, and run `anchor-bot doctor`."
    SCOPES_UNKNOWN = "Slack did not say which ones are granted"
    CHANNEL_UNSET = "none is set, so each alert has to name one"
    URL_UNSET = "not checked", "Set BASE_URL to the bot's public URL."
    NO_WORKSPACES = "none has installed the app yet", "Install it at BASE_URL/slack/install."
    NOT_CHECKED = "not checked: see {first}"
    NO_OTHER_KEY = (
        "unknown: only one key was tried, and it may have made this session",
        "Set PROBE_KEY, in the environment, to another key of the same team.",
    )
    IDLE_UNKNOWN = (
        "unknown: Anchor does not say that this session has an idle timeout of at most {minutes} min and ends later",
        "Try a session with an idle timeout of 1 minute.",
    )
    NO_FACT = "unknown: Anchor refused the request, or gave no usable answer"
    STILL_RUNS = "unknown: after DELETE (HTTP {status}) it is not listed as ended", "End it in Anchor's dashboard."


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, and the values of its texts, none of which is secret."""

    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return what was found, for the operator."""
        return self._fill(self.kind.text)

    @property
    def fix(self) -> str:
        """Return how to fix it; "" if there is nothing to do."""
        return self._fill(self.kind.fix)

    def _fill(self, text: str) -> str:
        """Fill the values in. They come from other systems: none may steer a terminal."""
        return text.format_map({name: printable(value, limit=_MOST_SHOWN) for name, value in self.values.items()})


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made; `team_id` is "" if it is not about one of many workspaces."""

    name: CheckName
    finding: Finding
    team_id: str = ""


def exit_code(checks: Iterable[Checked]) -> int:
    """Return the exit code of the worst check: 0 nothing to do, 1 no answer, 2 something has to be changed."""
    kinds = [check.finding.kind for check in checks]
    if any(isinstance(kind, Wrong) for kind in kinds):
        return _WRONG
    return _UNANSWERED if any(isinstance(kind, Unanswered) for kind in kinds) else _GOOD


def judge_python(version: tuple[int, int, int, str, int]) -> Finding:
    """Return the finding about a Python of this `sys.version_info`. A distribution can have patched an older number."""
    patched = _PATCHED.get(version[:2], ())
    kind = Good.PYTHON_PATCHED if version >= patched else Questionable.PYTHON_UNPATCHED
    return Finding(kind, {"version": _release(version), "patched": _release(patched)})


def _release(version: tuple[int | str, ...]) -> str:
    """Return a version as CPython writes it, like 3.13.14 or 3.15.0b2."""
    number = ".".join(map(str, version[:3]))
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(str(version[3])) if version[3:] else None
    return f"{number}{level}{version[4]}" if level else number


def about_others(*, is_so: bool | None, is_answered: bool) -> Finding:
    """Return the finding about sessions of other keys."""
    unknown = Skipped.NO_OTHER_KEY if is_answered else Skipped.NO_FACT
    return Finding({True: Good.YES, False: Good.NO, None: unknown}[is_so])


def judge_clock(skews: Iterable[float | None]) -> Finding:
    """Return the finding about this machine's clock.

    `skews` are the seconds by which those of other hosts are ahead, the most trusted first; None: it did not say.
    """
    seconds = next((abs(skew) for skew in skews if skew is not None), None)
    if seconds is None:
        return Finding(Skipped.CLOCK_UNKNOWN)
    noted = Questionable.CLOCK_OFF if seconds > _NOTED_SKEW else Good.CLOCK_RIGHT
    return Finding(Wrong.CLOCK_WRONG if seconds > MOST_SKEW else noted, {"seconds": f"{seconds:.0f}"})


def judge_scopes(granted: frozenset[str] | None, needed: Iterable[str]) -> Finding:
    """Compare the granted scopes (None: unknown) with those of the manifest, and that of Alertmanager's receiver."""
    if granted is None:
        return Finding(Skipped.SCOPES_UNKNOWN)
    wanted = list(needed)
    if missing := [scope for scope in wanted if scope not in granted]:
        return Finding(Wrong.SCOPES_MISSING, {"scopes": ", ".join(missing)})
    if extra := sorted(granted - {*wanted, _OF_WEBHOOKS}):
        return Finding(Questionable.SCOPES_EXTRA, {"scopes": ", ".join(extra)})
    return Finding(Good.SCOPES_GRANTED, {"scopes": ", ".join(wanted)})


_STATUS: Mapping[type[Kind], tuple[str, str]] = {
    Good: ("ok", "✓"),
    Questionable: ("warning", "!"),
    Wrong: ("failed", "✗"),
    Unanswered: ("failed", "✗"),
    Skipped: ("skipped", "–"),  # noqa: RUF001 - the dash of a list
}
"""The status for programs, and its symbol."""


def check_line(check: Checked) -> str:
    """Return a check on one line."""
    finding = check.finding
    name = f"{check.name} of {check.team_id}" if check.team_id else check.name
    end = "" if finding.text.endswith((".", "?")) else "."
    fix = f" Fix: {finding.fix}" if finding.fix else ""
    return f"{_STATUS[type(finding.kind)][1]} {name}: {finding.text}{end}{fix}"


def check_record(check: Checked) -> dict[str, str]:
    """Return a check for programs."""
    return {
        "check": check.name,
        "workspace": check.team_id,
        "status": _STATUS[type(check.finding.kind)][0],
        "code": check.finding.kind.code,
        "found": check.finding.text,
        "fix": check.finding.fix,
    }


def home_status(checks: Iterable[Checked], *, install_url: str) -> str | None:
    """Return the status for admins in Home, in mrkdwn; None if nothing is known. For `install_url` see below."""
    findings = {check.name: check.finding for check in checks}
    failures = {name: finding for name, finding in findings.items() if isinstance(finding.kind, Wrong)}
    if failures:
        lines = [f"• {name}: {_failure(finding, install_url)}" for name, finding in failures.items()]
        return "\n".join(["⚠️ *Something in Slack has to be fixed:*", *lines])
    if findings.get(CheckName.SCOPES, Finding(Skipped.SCOPES_UNKNOWN)).kind is not Good.SCOPES_GRANTED:
        return None
    can_post = findings[CheckName.ALERT_CHANNEL].kind is Good.CHANNEL_OPEN
    return f"Slack grants all that this app needs.{' The bot can post alerts to their channel.' if can_post else ''}"


def reinstall_advice(missing: Iterable[str], *, install_url: str) -> str:
    """Return what a reinstall adds and how it is done, in mrkdwn; `install_url` is "" for a bot without OAuth."""
    adds = "; ".join(_ADDS[scope] for scope in missing)
    how = f"open {link(install_url, 'the page that installs it')}." if install_url else _IN_SETTINGS
    return f"Installing the app again adds {adds}. Everything else stays. To install it, {how}"


def _failure(finding: Finding, install_url: str) -> str:
    if finding.kind is not Wrong.SCOPES_MISSING:
        return plain(f"{finding.text}. {finding.fix}")
    advice = reinstall_advice(finding.values["scopes"].split(", "), install_url=install_url)
    return f"{plain(finding.text)}. What worked until now goes on working. {advice}"

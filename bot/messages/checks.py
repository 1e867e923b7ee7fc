"""Findings of the checks of `anchor-bot doctor`, and the decisions about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from bot.core.requests import MOST_SKEW
from bot.messages.blocks import ephemeral
from bot.messages.markup import printable

_NOTED_SKEW = 5.0  # seconds from which a request counts as late
_MOST_SHOWN = 500  # characters of a value
_NTP = "Let the machine set its clock by NTP."
_INSTALL_AGAIN = "Install the app again at BASE_URL/slack/install."
_REINSTALL = (
    "Reinstall the app in Slack (OAuth & Permissions), and copy its bot token to SLACK_BOT_TOKEN. With many "
    f"workspaces: {_INSTALL_AGAIN} If the workspace has left, delete it: `anchor-bot workspaces delete`."
)
_IN_APP = "in the app's settings ("

CHANNEL_PROBE = ephemeral(
    "Test message of the Anchor bot: it checked that it can post alerts here, and could not delete this message. "
    "It is no alert. There is nothing to do."
)
"""The message of the check, which shows only if it can't be deleted, or if the process is killed before."""


class CheckName(StrEnum):
    """Names of the checks, as they are printed."""

    SETTINGS = "settings"
    SLACK = "Slack"
    ANCHOR = "Anchor"
    CLOCK = "clock"
    SOCKET_MODE = "Socket Mode"
    DATABASE = "database"
    PROCESSES = "processes"
    WORKSPACES = "workspaces"
    BOT_TOKEN = "bot token"  # noqa: S105 - a name
    SCOPES = "scopes"
    ANCHOR_KEY = "Anchor key"
    ALERT_CHANNEL = "alert channel"
    OTHER_CHANNEL = "other alert channel"


class Kind(Enum):
    """The text of a finding and how to fix it, with the names of values in braces."""

    def __init__(self, text: str, fix: str = "") -> None:
        self.text, self.fix = text, fix


class Good(Kind):
    """Findings that need nothing."""

    SETTINGS_VALID = "valid: {transport}, {tenancy}, permissions: {permissions}, database: {database}"
    REACHED = "{host} answers"
    CLOCK_RIGHT = "agrees with Slack's within {seconds} s"
    TOKEN_ACCEPTED = "accepted, for the workspace {name} ({team}), as @{bot}"  # noqa: S105 - a text
    SCOPES_GRANTED = "granted as in the manifest: {scopes}"
    SOCKET_OFFERED = "Slack accepts SLACK_APP_TOKEN"
    CHANNEL_OPEN = "the bot can post to {channel}, where it mentions {group}"
    NO_ALERTS = "none is set, and no program has a token"
    KEY_ACCEPTED = "Anchor accepts it"
    DATABASE_CURRENT = "answers, and its tables are current (version {version})"
    DATABASE_NEW = "has no tables yet: the bot makes them when it starts"
    DATABASE_IN_MEMORY = "in memory, as DATABASE_URL says: a restart loses it"
    SETTINGS_SAME = "{number} on this database, all with the workspace of these settings"


class Questionable(Kind):
    """Findings about what works, and is probably not meant."""

    SETTINGS_ODD = "valid, but probably not meant: {warnings}"
    CLOCK_OFF = "differs from Slack's by {seconds} s. The bot allows for it", _NTP
    SETTINGS_DIFFER = (
        "{number} on this database have another workspace, key or permissions in .env than this command",
        "Let their settings agree, and restart them.",
    )
    CHANNEL_CLOSED = (
        "Slack takes no message for {channel} ({code}), so its alerts are posted in the channel for alerts",
        "Invite the bot there: /invite @anchor.",
    )


class Wrong(Kind):
    """Findings for which somebody has to change a setting, the Slack app or the machine."""

    SETTINGS_INVALID = "invalid, so the bot does not start: {problems}", "Correct them in .env or in the environment."
    CLOCK_WRONG = "differs from Slack's by {seconds} s. Over HTTP the bot rejects every request", _NTP
    NOT_API = "something else than {who}'s API answers ({why})", "Check {setting}, and whether a proxy answers."
    TOKEN_REFUSED = "Slack refuses the bot token ({code})", _REINSTALL
    SCOPES_MISSING = "missing: {scopes}", f"Add them {_IN_APP}OAuth & Permissions), and install the app again."
    SOCKET_REFUSED = (
        "Slack opens no connection for SLACK_APP_TOKEN ({code})",
        f"Switch Socket Mode on, and generate an app-level token with connections:write {_IN_APP}Basic Information).",
    )
    CHANNEL_REFUSED = (
        "Slack takes no message for {channel} ({code})",
        "Check ALERTS_CHANNEL, or the channel chosen in Home, and invite the bot there: /invite @anchor.",
    )
    KEY_REFUSED = (
        "Anchor refuses it (HTTP {status})",
        "Make a new key in Anchor's dashboard. Set it as ANCHOR_API_KEY or, with many workspaces, in the app's Home.",
    )
    KEY_UNSET = "none is set, so nobody can pause", "An admin sets it in the app's Home."
    DATABASE_OTHER = "its tables are of another version ({version}, not {own})", "Start with a new database."
    DATABASE_UNUSABLE = "{sentence}"
    KEYS_UNFIT = (
        "no key of ENCRYPTION_KEYS decrypts the database",
        "Add the key that it was created with. Without it the secrets are lost, and you need a new database.",
    )
    ROW_UNREADABLE = "can't be read: {why}", _INSTALL_AGAIN


class Unanswered(Kind):
    """Findings about what gives no answer, or is not ready."""

    PROXY_FAILED = (
        "the proxy of HTTPS_PROXY gives no connection to {host} ({why})",
        "Check the proxy's URL, user and password, and that it allows this host.",
    )
    CERTIFICATE_REFUSED = (
        "TLS with {host} fails ({why})",
        "Check the host's certificate. If a proxy replaces it, export SSL_CERT_FILE with its authority (not in .env).",
    )
    NOT_REACHED = "no connection to {host} ({why})", "Check the URL, its port, the DNS, and the firewall."
    NO_ANSWER = "{who} gave no usable answer ({why})", "Try again in a moment."
    DATABASE_DOWN = "{sentence}"


class Skipped(Kind):
    """Findings of checks that make no sense here, or could not be made."""

    CHANNEL_UNSET = "none is set, so each alert has to name one"
    NO_WORKSPACES = "none has installed the app yet", "Install it at BASE_URL/slack/install."
    NOT_CHECKED = "not checked: {why}"


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
    kinds = {type(check.finding.kind) for check in checks}
    return 2 if Wrong in kinds else int(Unanswered in kinds)


def not_checked(why: str) -> Finding:
    """Return the finding of a check that was not made, and why."""
    return Finding(Skipped.NOT_CHECKED, {"why": why})


def judge_clock(skews: Iterable[float | None]) -> Finding:
    """Judge this machine's clock by the seconds that hosts are ahead, the most trusted first; None: it did not say."""
    seconds = next((abs(skew) for skew in skews if skew is not None), None)
    if seconds is None:
        return not_checked("neither Slack nor Anchor answers")
    noted = Questionable.CLOCK_OFF if seconds > _NOTED_SKEW else Good.CLOCK_RIGHT
    return Finding(Wrong.CLOCK_WRONG if seconds > MOST_SKEW else noted, {"seconds": f"{seconds:.0f}"})


def judge_scopes(granted: frozenset[str] | None, needed: Iterable[str]) -> Finding:
    """Compare the granted scopes (None: unknown) with those of the manifest."""
    if granted is None:
        return not_checked("Slack did not say which ones are granted")
    wanted = list(needed)
    if missing := [scope for scope in wanted if scope not in granted]:
        return Finding(Wrong.SCOPES_MISSING, {"scopes": ", ".join(missing)})
    return Finding(Good.SCOPES_GRANTED, {"scopes": ", ".join(wanted)})


_SIGNS: Mapping[type[Kind], str] = {
    Good: "✓",
    Questionable: "!",
    Wrong: "✗",
    Unanswered: "✗",
    Skipped: "–",  # noqa: RUF001 - the dash of a list
}


def check_line(check: Checked) -> str:
    """Return a check on one line."""
    finding = check.finding
    name = f"{check.name} of {check.team_id}" if check.team_id else check.name
    end = "" if finding.text.endswith((".", "?")) else "."
    fix = f" Fix: {finding.fix}" if finding.fix else ""
    return f"{_SIGNS[type(finding.kind)]} {name}: {finding.text}{end}{fix}"

"""Findings of the checks of `anchor-bot doctor`, and the decisions about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MOST_SKEW = 300.0
"""Seconds by which clocks can differ until Slack's signatures are rejected."""

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
    ENCRYPTION = "encryption"
    WORKSPACES = "workspaces"
    BOT_TOKEN = "bot token"  # noqa: S105 - a name
    SCOPES = "scopes"
    ANCHOR_KEY = "Anchor key"
    ALERT_CHANNEL = "alert channel"


class Good(StrEnum):
    """Findings that need nothing."""

    SETTINGS_VALID = "settings-valid"
    PYTHON_PATCHED = "python-patched"
    REACHED = "reached"
    CLOCK_RIGHT = "clock-right"
    BOT_READY = "bot-ready"
    TOKEN_ACCEPTED = "token-accepted"  # noqa: S105 - a name
    SCOPES_GRANTED = "scopes-granted"
    SOCKET_OPENED = "socket-opened"
    SOCKET_IN_USE = "socket-in-use"
    CHANNEL_OPEN = "channel-open"
    URL_VERIFIED = "url-verified"
    CLIENT_NOT_REFUSED = "client-not-refused"
    KEY_ACCEPTED = "key-accepted"
    DATABASE_CURRENT = "database-current"
    DATABASE_NEW = "database-new"
    DATABASE_IN_MEMORY = "database-in-memory"
    KEYS_FIT = "keys-fit"


class Questionable(StrEnum):
    """Findings about what works, and is probably not meant."""

    SETTINGS_ODD = "settings-odd"
    PYTHON_UNPATCHED = "python-unpatched"
    CLOCK_OFF = "clock-off"
    BOT_DEGRADED = "bot-degraded"
    BOT_OVER_HTTP = "bot-over-http"
    SCOPES_EXTRA = "scopes-extra"
    MESSAGE_LEFT = "message-left"
    RESULTS_LOST = "results-lost"


class Wrong(StrEnum):
    """Findings for which somebody has to change a setting, the Slack app or the machine."""

    SETTINGS_INVALID = "settings-invalid"
    CLOCK_WRONG = "clock-wrong"
    CANNOT_LISTEN = "cannot-listen"
    NOT_SLACK = "not-slack"
    NOT_ANCHOR = "not-anchor"
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - a name
    INSTALLATION_REFUSED = "installation-refused"
    SCOPES_MISSING = "scopes-missing"
    SOCKET_OFF = "socket-off"
    APP_TOKEN_REFUSED = "app-token-refused"  # noqa: S105 - a name
    CHANNEL_REFUSED = "channel-refused"
    CLIENT_REFUSED = "client-refused"
    URL_INVALID = "url-invalid"
    URL_REJECTS = "url-rejects"
    URL_FOREIGN = "url-foreign"
    KEY_REFUSED = "key-refused"
    KEY_UNSET = "key-unset"
    DATABASE_OLD = "database-old"
    DATABASE_NEWER = "database-newer"
    DATABASE_UNUSABLE = "database-unusable"
    KEYS_UNFIT = "keys-unfit"
    ROW_UNREADABLE = "row-unreadable"
    NOT_INSTALLED = "not-installed"


class Unanswered(StrEnum):
    """Findings about what gives no answer, or is not ready."""

    PROXY_FAILED = "proxy-failed"
    NAME_UNKNOWN = "name-unknown"
    NOT_CONNECTED = "not-connected"
    TIMED_OUT = "timed-out"
    CERTIFICATE_REFUSED = "certificate-refused"
    CONNECTION_BROKE = "connection-broke"
    NO_CONNECTION = "no-connection"
    NO_ANSWER = "no-answer"
    BOT_NOT_READY = "bot-not-ready"
    URL_UNAVAILABLE = "url-unavailable"
    DATABASE_DOWN = "database-down"


class Skipped(StrEnum):
    """Findings of checks that make no sense here, or could not be made."""

    CLOCK_UNKNOWN = "clock-unknown"
    BOT_NOT_RUNNING = "bot-not-running"
    BOT_NOT_STARTED = "bot-not-started"
    SCOPES_UNKNOWN = "scopes-unknown"
    CHANNEL_UNSET = "channel-unset"
    URL_UNSET = "url-unset"
    NO_WORKSPACES = "no-workspaces"
    NOT_CHECKED = "not-checked"


Kind = Good | Questionable | Wrong | Unanswered | Skipped


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, and the values of its text, none of which is secret."""

    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made; `team_id` is "" if it is not about one of many workspaces."""

    name: CheckName
    finding: Finding
    team_id: str = ""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """Slack's answer about a bot token; `scopes` is None if Slack did not say."""

    team_id: str
    enterprise_id: str
    team_name: str
    bot_name: str
    scopes: frozenset[str] | None


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
    """Compare the granted scopes (None: unknown) with those of the manifest."""
    if granted is None:
        return Finding(Skipped.SCOPES_UNKNOWN)
    wanted = list(needed)
    if missing := [scope for scope in wanted if scope not in granted]:
        return Finding(Wrong.SCOPES_MISSING, {"scopes": ", ".join(missing)})
    if extra := sorted(granted - set(wanted)):
        return Finding(Questionable.SCOPES_EXTRA, {"scopes": ", ".join(extra)})
    return Finding(Good.SCOPES_GRANTED, {"scopes": ", ".join(wanted)})

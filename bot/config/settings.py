"""The settings, one table: name, reader, default, limits, text. The pages about them are made from it.

A reader gets a text and the limits, and returns the typed value. In its sentences, `{default}` stands for the default.
"""

import ipaddress
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from bot.core.alert_tokens import DEFAULT_SENDER, LEAST_TOKEN_LENGTH, SENDER_NAME
from bot.core.fields import CHANNEL_ID, TEAM_ID, USER_ID, Proxy, Secret
from bot.core.workspace import AutoPause, is_key

MOST_DAYS = 3_650
MOST_MINUTES = 60  # before the end of a session
MOST_PAUSES = 1_000  # sessions of a workspace that alerts can pause within 60 seconds
_LONGEST = 600.0  # seconds

_Choice = TypeVar("_Choice", bound=str)

_BAD_KEY = "contains spaces or characters that no key has. Copy it again"
_ALERT_TOKEN = re.compile(rf"(?:({SENDER_NAME.pattern})=)?([!-+\--<>-~]+=*)", re.ASCII)
_ABOUT_NAMES = "A name has at most 30 of a-z, 0-9, - and _, and begins with a letter or digit."
_SHORT = (
    f"has a token of under {LEAST_TOKEN_LENGTH} characters, which can be guessed. Make a new one with: "
    "openssl rand -hex 32"
)
_ENCRYPTION_KEY = re.compile(r"[A-Za-z0-9_-]{43}=", re.ASCII)
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)
_HTTP_PORT = 80  # as httpx and curl understand a proxy without a port


class InvalidValueError(Exception):
    """An unusable value. The text ends a sentence that begins with the name of the setting, and repeats no value."""


def matching(value: str, problem: str, is_valid: Callable[[str], object], make: Callable[[str], Any] = str) -> Any:  # noqa: ANN401 - what is made
    """Read what `is_valid`."""
    if not is_valid(value):
        raise InvalidValueError(problem)
    return make(value)


def items(value: str) -> tuple[str, ...]:
    """Read texts separated by commas."""
    return tuple(text for item in value.split(",") if (text := item.strip()))


def ids(value: str, pattern: re.Pattern[str], example: str) -> frozenset[str]:
    """Read ids separated by commas. Commas alone are an error, since they do not mean "no restriction"."""
    found = items(value)
    if not found or (wrong := _numbers(found, pattern.fullmatch)):
        where = f" (item {wrong})" if found else ""
        raise InvalidValueError(f"contains an invalid id{where}. Use ids like {example}, separated by commas.")
    return frozenset(found)


def _numbers(found: Iterable[str], is_valid: Callable[[str], object]) -> str:
    return ", ".join(str(number) for number, text in enumerate(found, 1) if not is_valid(text))


def secret(value: str, description: str, prefix: str = "") -> Secret:
    """Read a key or token that begins with `prefix`."""
    if not is_key(value):
        raise InvalidValueError(f"{_BAD_KEY}: {description}.")
    if not value.startswith(prefix):
        raise InvalidValueError(f"does not begin with {prefix}. Set it to {description}.")
    return Secret(value)


def secrets(value: str, description: str) -> tuple[Secret, ...]:
    """Read keys separated by commas."""
    return tuple(secret(text, description) for text in items(value) or ("",))


def alert_tokens(value: str) -> tuple[tuple[str, Secret], ...]:
    """Read tokens like `name=token`, or without a name, with their names."""
    if wrong := _numbers(items(value), _ALERT_TOKEN.fullmatch):
        raise InvalidValueError(f"has an item that is no token and no name=token (item {wrong}). {_ABOUT_NAMES}")
    found = filter(None, map(_ALERT_TOKEN.fullmatch, items(value)))
    tokens = tuple((match[1] or DEFAULT_SENDER, Secret(match[2])) for match in found)
    if any(len(token.reveal()) < LEAST_TOKEN_LENGTH for _, token in tokens):
        raise InvalidValueError(_SHORT)
    return tokens


def encryption_keys(value: str, _: str) -> tuple[Secret, ...]:
    """Read keys of 32 bytes in base64, separated by commas."""
    if not items(value) or _numbers(items(value), _ENCRYPTION_KEY.fullmatch):
        raise InvalidValueError("contains an invalid key. Use only keys from `anchor-bot keys new`.")
    return tuple(map(Secret, items(value)))


def url(value: str, example: str = "a URL like {default}", end: str = "") -> str:
    """Read a URL that keys can be sent to, without `end`."""
    if not is_safe_url(value):
        raise InvalidValueError(f"is not a valid https URL. Use {example}.")
    return value.rstrip(end)


def number(value: str, of: str, least: int, most: int, factor: float = 1) -> float:
    """Read a whole number of something, which is less than 10,000, and multiply it."""
    if not (_NUMBER.fullmatch(value) and least <= int(value) <= most):
        raise InvalidValueError(f"is not a whole number of {of} from {least} to {most}, like {{default}}.")
    return int(value) * factor


def seconds(value: str, least: float, most: float) -> float:
    """Read a time in seconds."""
    with suppress(ValueError):
        if least <= (found := float(value)) <= most:  # also false for NaN
            return found
    raise InvalidValueError(f"is not a number of seconds from {least:g} to {most:g}. Use one like {{default}}.")


def choice(value: str, *choices: _Choice) -> _Choice:
    """Read one of `choices`, in any case."""
    for one in choices:
        if value.casefold() == one.casefold():
            return one
    raise InvalidValueError(f"is not one of {', '.join(choices)}. Use one, or remove it for {{default}}.")


def is_port(text: str) -> bool:
    """Return whether `text` is a port number, or 0 for any free port."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535  # noqa: PLR2004


def is_safe_url(value: str) -> bool:
    """Return whether `value` is https, or http on this machine, so that keys are never sent unencrypted."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return is_safe and _is_host(host) and is_key(value) and not (parts.username or set("?#") & set(value))


def is_public_url(value: str) -> bool:
    """Return whether `value` is an https URL, as Slack needs it, to which the bot's paths can be added."""
    is_of_requests = value.rstrip("/").endswith("/slack/events")
    return is_safe_url(value) and value.startswith("https://") and not is_of_requests


def parse_proxy(value: str) -> Proxy | None:
    """Return the proxy at a URL, or at a host and port; None if it is invalid."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port or _HTTP_PORT
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme != "http" or not _is_host(host) or parts.path not in {"", "/"} or set("?#") & set(value):
        return None
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = Secret(f"Basic {b64encode(pair.encode()).decode()}")
    return Proxy(http_url(host, port), authorization)


def http_url(host: str, port: int) -> str:
    """Return the URL of a server; `host` is a name or an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_UNSET = {ids: frozenset[str](), **dict.fromkeys((items, secrets, alert_tokens, encryption_keys), ())}
"""The values that readers have for a setting that is not set; None for other readers."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting. A `default` that depends on something is in the `text`.

    `limits` are what its reader needs; a required one has first what to set it to. It is not required with the setting
    `unless`. A secret can also be given as a file, by the variable `file_variable`.
    """

    name: str
    reader: Callable[..., Any]
    default: str
    limits: tuple[Any, ...]
    text: str
    is_required: bool = False
    is_secret: bool = False
    unless: str = ""

    @property
    def file_variable(self) -> str:
        """Return the name of the variable that names a file with the value."""
        return f"{self.name}_FILE"

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the variables that can give the value."""
        return (self.name, self.file_variable) if self.is_secret else (self.name,)

    def read(self, text: str) -> Any:  # noqa: ANN401 - as the reader says
        """Return the value of a text; "" stands for the default. Raises InvalidValueError."""
        if text or self.default:
            return self.reader(text or self.default, *self.limits)
        return Secret("") if self.is_required and self.reader is secret else _UNSET.get(self.reader)


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that belong together, and a note on all of them."""

    title: str
    settings: tuple[Setting, ...]
    note: str = ""


_secret = partial(Setting, is_secret=True)
_PEOPLE, _CHANNELS = (USER_ID, "U0123456789"), (CHANNEL_ID, "C0123456789")
_CHANNEL = "is not a channel id. Copy it from the channel's details, like C0123456789."

_PORT = "is not a port. Use a number from 0 (any free port) to 65535, like"
_PROXY = "is not the URL of an HTTP proxy. Use one like http://user:password@proxy.example.com:3128."
_DATABASE_URL = re.compile(r"sqlite://(?:/(?!:memory:)[^?#\0]+)?|postgres(?:ql)?://[^\s\0]*")
BAD_DATABASE = (
    "is not a supported database URL. Use sqlite:///anchor-bot.db or postgresql://user:password@host:5432/name, or, "
    "with one workspace, sqlite:// to keep nothing."
)

# fmt: off
_ONE_WORKSPACE = (
    _secret("SLACK_BOT_TOKEN", secret, "", ("the bot token from OAuth & Permissions of your Slack app", "xoxb-"),
        "The bot token: your Slack app > OAuth & Permissions > Bot User OAuth Token. It begins with xoxb-. The bot "
        "refuses a token that rotates (xoxe.xoxb-), because it expires within hours. Token rotation can't be turned "
        "off again: make another app, without it.", is_required=True),
    _secret("ANCHOR_API_KEY", secret, "", ("the workspace's API key from Anchor's dashboard",),
        "The API key of the workspace: Anchor's dashboard > API keys.", is_required=True),
    Setting("PAUSE_USERS", ids, "", _PEOPLE,
        "Who can pause: the ids of people, separated by commas. In Slack: profile > More (⋮) > Copy member ID. If it "
        "is not set, every full member of the workspace can. Guests, bots and people of other companies never can, "
        "even if they are named."),
    Setting("PAUSE_SEVERAL_USERS", ids, "", _PEOPLE,
        "Who of them can pause several sessions at once (/anchor-pause all), in the same form. If it is not set, all "
        "who can pause."),
    Setting("RESUME_USERS", ids, "", _PEOPLE,
        "Who can resume, in the same form."),
    Setting("ALLOWED_CHANNELS", ids, "", _CHANNELS,
        "The channels in which people can pause and resume: ids, separated by commas. In Slack: channel details > "
        "About, at the end. If it is not set, people can pause and resume anywhere. If it is set, direct messages are "
        "excluded unless named."),
    Setting("END_SESSION", choice, "off", ("off", "on"),
        "Whether people can end a session, which loses its browser, its pages and the agent's run: off or on. See "
        "docs/pause.md#end-a-session. With many workspaces, an admin chooses it in the app's Home."),
    Setting("END_USERS", ids, "", _PEOPLE,
        "Who can end sessions, in the form of PAUSE_USERS, if END_SESSION is on. If it is not set, only admins can."),
)
_MANY_WORKSPACES = (
    Setting("SLACK_CLIENT_ID", secret, "", ("the client ID from Basic Information of your Slack app",),
        "Your Slack app > Basic Information > App Credentials > Client ID.", is_required=True),
    _secret("SLACK_CLIENT_SECRET", secret, "", ("the client secret from Basic Information of your Slack app",),
        "Your Slack app > Basic Information > App Credentials > Client Secret.", is_required=True),
    Setting("BASE_URL", url, "", ("a URL like https://bot.example.com", "/"),
        "The public URL of the bot, for browsers. It can have a path if a proxy removes that path.", is_required=True),
    _secret("ENCRYPTION_KEYS", encryption_keys, "", ("a key from `anchor-bot keys new`",),
        "The key that encrypts tokens and Anchor keys in the database: `anchor-bot keys new` prints one. Keep a copy: "
        "without it the encrypted data is lost. While you rotate it, set the new one and the old one, separated by a "
        "comma. A bot of one workspace needs none: its key is derived from SLACK_BOT_TOKEN.", is_required=True),
    Setting("ALLOWED_WORKSPACES", ids, "", (TEAM_ID, "T0123456789"),
        "The ids of the workspaces that can install the app, separated by commas. If it is not set, all can. Those "
        "that have installed it are served, and can install it again; the token of another one is revoked at once. In "
        "a browser, the id is in the address of Slack: app.slack.com/client/T…"),
)
_ALERTS = (
    _secret("ALERTS_TOKEN", alert_tokens, "", (),
        "One workspace: programs that send this token (Authorization: Bearer …) can post alerts. Without it /alerts "
        "does not exist. Make a long random one: openssl rand -hex 32. For several programs: at most 20 tokens, "
        "separated by commas, each as name=token. Cards and the log name the program; default is the name of "
        "a token without one. A name has at most 30 of a-z, 0-9, - and _, and begins with a letter or digit. With "
        "many workspaces, do not set it for the bot: an admin makes tokens in the app's Home. See "
        "docs/alerts.md#programs-and-their-tokens."),
    Setting("ALERTS_CHANNEL", matching, "", (_CHANNEL, CHANNEL_ID.fullmatch),
        "One workspace: the id of the alert channel; without it an alert has to name another one. In Slack: "
        "channel details > About, at the end."),
    Setting("ALERTS_CHANNELS", ids, "", _CHANNELS,
        "One workspace: the ids of other channels that alerts can name, separated by commas. An alert for any other "
        "goes to ALERTS_CHANNEL."),
    Setting("ALERTS_GROUP", str, "", (),
        "One workspace: the id of the user group that critical alerts mention, at most once in 10 minutes and "
        "channel, and what docs/alerts.md#who-is-mentioned lists. In Slack: More > People > User groups > ⋮ > Copy "
        "group ID. Without it, nobody is mentioned. C1=S1,C2=S2,S3 has a group for each of two channels, and one for "
        "all others: at most 20 in all."),
    Setting("AUTO_PAUSE", choice, "off", (*AutoPause,),
        "One workspace: the effect of alerts that ask for a pause. off: none. observe: the bot records what it would "
        "pause. on: it pauses without asking anybody; PAUSE_USERS and ALLOWED_CHANNELS do not apply. With many "
        "workspaces, an admin chooses it in the app's Home. See docs/automatic-pause.md."),
    Setting("AUTO_PAUSE_TOKENS", items, "", (),
        "One workspace: the names of the tokens whose alerts can ask for a pause, separated by commas; default is "
        "one without a name. Everybody who has one can pause every session while AUTO_PAUSE is on. Not set: no alert "
        "can."),
    Setting("AUTO_PAUSE_LIMIT", number, "20", ("sessions", 1, MOST_PAUSES),
        "The sessions that alerts with one token can pause within 60 seconds: from 1 to 1000, also with many "
        "workspaces. More of this token are held back for 10 minutes, in which people pause them."),
)
_DATABASE = (
    _secret("DATABASE_URL", matching, "", (BAD_DATABASE, _DATABASE_URL.fullmatch, Secret),
        "sqlite:///a-file, relative to the directory in which you start the bot; sqlite:////an/absolute/path; or "
        "postgresql://user:password@host:5432/name, if needed with libpq parameters (?sslmode=require). If it is not "
        "set, it is the file anchor-bot.db in systemd's STATE_DIRECTORY, or in the directory in which you start the "
        "bot if that file exists or systemd sets no directory. One workspace: sqlite:// keeps nothing. See "
        "docs/backup.md#the-database."),
    Setting("JOURNAL_DAYS", number, "90", ("days", 1, MOST_DAYS),
        "Days for which finished pauses and resumes are kept in the database, with who gave them, where and why: from "
        "1 to 3650. See docs/privacy.md#the-journal."),
)
_SLACK = (
    _secret("SLACK_APP_TOKEN", secret, "",
        ("an app-level token from Basic Information of your Slack app", "xapp-"),
        "Turns Socket Mode on: Slack's requests come over connections that the bot opens, instead of to "
        "/slack/events. Your Slack app > Basic Information > App-Level Tokens, with the scope connections:write. It "
        "begins with xapp-."),
    _secret("SLACK_SIGNING_SECRET", secrets, "", ("the signing secret from Basic Information of your Slack app",),
        "Not needed if SLACK_APP_TOKEN is set. Your Slack app > Basic Information > App Credentials > Signing Secret. "
        "While you rotate it, set the new one and the old one, separated by a comma.",
        is_required=True, unless="SLACK_APP_TOKEN"),
    Setting("SLACK_API_URL", url, "https://slack.com/api/", (),
        "The URL of Slack's Web API. Change it for GovSlack (https://slack-gov.com/api/) or a simulated Slack."),
)
_ANCHOR = (
    Setting("ANCHOR_API_URL", url, "https://api.anchorbrowser.io", (),
        "The URL of Anchor's API."),
    Setting("ANCHOR_TIMEOUT", seconds, "10", (0.001, _LONGEST),
        "The timeout of one attempt to pause or resume, and of the check of a new key."),
    Setting("ANCHOR_DEADLINE", seconds, "20", (0.001, _LONGEST),
        "The timeout of all attempts of one command together."),
    Setting("REMIND_BEFORE", number, "5", ("minutes", 0, MOST_MINUTES, 60.0),
        "Minutes before Anchor ends a paused session, from which on people are reminded of it: from 0 (no reminders) "
        "to 60. See docs/pause.md."),
)
_NETWORK = (
    _secret("HTTPS_PROXY", matching, "", (_PROXY, parse_proxy, parse_proxy),
        "The HTTP proxy through which the bot calls Slack and Anchor, by CONNECT: http://user:password@host:port. The "
        "user and the password can be left out. Also as https_proxy. Calls of http URLs, which are on this machine, "
        "go directly. NO_PROXY has no effect: set HTTPS_PROXY to nothing if the bot needs no proxy."),
)
_SERVER = (
    Setting("HOST", str, "127.0.0.1", (),
        "The address to listen on. 0.0.0.0 means all addresses, for example in a container."),
    Setting("PORT", matching, "3000", (f"{_PORT} 3000.", is_port, int),
        "The port to listen on. 0 means any free port; the log says which. In Socket Mode it needs to be open only "
        "for your own probes, for alerts and, with many workspaces, for installations."),
)
_METRICS = (
    Setting("METRICS_PORT", matching, "", (f"{_PORT} 9464.", is_port, int),
        "The port for GET /metrics, in Prometheus' format, at HOST. Not set: there are none. See docs/metrics.md."),
    _secret("METRICS_TOKEN", secret, "", ("the token for reading metrics",),
        "What programs have to send for the metrics (Authorization: Bearer …). Anybody who sends it sees the reasons "
        "of /readyz, too. If it is not set, the metrics need none."),
)
_LOGS = (
    Setting("LOG_LEVEL", choice, "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"),
        "DEBUG, INFO, WARNING or ERROR."),
    Setting("LOG_FORMAT", choice, "text", ("text", "json"),
        "text is for people, json (one object per line) for programs."),
)
# fmt: on

SECTIONS = (
    Section("One workspace", _ONE_WORKSPACE),
    Section(
        "Many workspaces",
        _MANY_WORKSPACES,
        "Instead of those for one workspace: each installs the app at BASE_URL/slack/install. See docs/workspaces.md.",
    ),
    Section("The database", _DATABASE),
    Section("Slack", _SLACK),
    Section("Anchor", _ANCHOR),
    Section("Outgoing calls", _NETWORK),
    Section("The bot's own server", _SERVER),
    Section("Alerts", _ALERTS),
    Section("Metrics", _METRICS),
    Section("Logs", _LOGS, "They go to stderr."),
)

SETTINGS: Mapping[str, Setting] = {setting.name: setting for section in SECTIONS for setting in section.settings}

OF_ONE = [setting.name for setting in (*_ONE_WORKSPACE, *_ALERTS) if setting.name != "AUTO_PAUSE_LIMIT"]
OF_MANY = [setting.name for setting in _MANY_WORKSPACES]
"""The names of the settings of a bot of one workspace, and of many."""

IN_LOWER_CASE = "HTTPS_PROXY"  # other programs use lower case as well

VARIABLES = {name for one in SETTINGS.values() for name in one.variables} | {IN_LOWER_CASE.lower()}
"""The names of all variables that the bot reads, also those of files."""

"""The settings of the bot, read from the environment and from `.env`, checked, and the report about them at startup."""

import base64
import io
import json
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv.parser import parse_stream

from bot.config.settings import (
    BAD_DATABASE,
    IN_LOWER_CASE,
    OF_MANY,
    OF_ONE,
    SETTINGS,
    VARIABLES,
    InvalidValueError,
    Setting,
    is_loopback,
)
from bot.core.alert_tokens import DEFAULT_SENDER, MOST_ALERT_TOKENS, AlertToken
from bot.core.fields import Proxy, Secret, derive_key, digest
from bot.core.mentions import read_groups
from bot.core.permissions import EVERYBODY, Policy, Rule
from bot.core.workspace import AnchorKey, AutoPause, Workspace

_PURPOSE = "anchor-bot: encryption of the database"  # of the key that is derived from the bot token
_FIELDS = {"slack_signing_secrets": "SLACK_SIGNING_SECRET", "proxy": "HTTPS_PROXY"}
"""The settings of fields that do not have their names in lower case."""

_DATABASE_FILE, _MEMORY = "anchor-bot.db", "sqlite://"
_SSLMODE = (
    "DATABASE_URL is on another machine and has no sslmode, so what is stored can cross the network unencrypted. Add "
    "?sslmode=verify-full, with sslrootcert, or ?sslmode=disable if nobody else is on that network."
)

OF_ORDERS = (
    *("ANCHOR_API_KEY", "ANCHOR_API_URL", "ANCHOR_TIMEOUT", "ANCHOR_DEADLINE"),
    *("DATABASE_URL", "ENCRYPTION_KEYS", "SLACK_API_URL", "HTTPS_PROXY"),
)
"""The settings that orders of the command line need; an emergency is no time to repair others."""
OF_OPERATORS = (
    *("DATABASE_URL", "ENCRYPTION_KEYS", "ANCHOR_API_URL", "ANCHOR_TIMEOUT", "HTTPS_PROXY", "SLACK_BOT_TOKEN"),
    *("PAUSE_USERS", "PAUSE_SEVERAL_USERS", "RESUME_USERS", "END_USERS"),
)
"""The same of the commands for operators."""

_ONLY_MANY = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "ALLOWED_WORKSPACES")
_VERSION_LENGTH, _MARK_LENGTH = 7, 8  # hexadecimal digits
SECRET_LENGTH = 32
_NONE_PAUSES = "AUTO_PAUSE is {mode}, but no alert can ask for a pause. Name tokens in AUTO_PAUSE_TOKENS."
_ABOUT_GROUPS = "Use ids like S0123456789 or C0123456789=S0123456789, separated by commas, each channel once."
_OF_OTHERS = {"HTTP_PROXY", "http_proxy"}  # similar, and often set beside HTTPS_PROXY
_SIMILARITY = 0.84  # ALERT_TOKEN is similar; ANCHOR_BOT_PORT, which Kubernetes sets, is not

_MAX_BYTES = 64 * 1024


def _find_misspelled(names: Iterable[str]) -> Iterator[str]:
    """Yield sentences about the names that are similar to that of a variable."""
    for name in sorted(set(names) - VARIABLES - _OF_OTHERS):
        for known in get_close_matches(name.upper(), VARIABLES, n=1, cutoff=_SIMILARITY):
            yield f"{name} is no setting of the bot. Did you mean {known}?"


class SettingsError(Exception):
    """Unusable settings; `problems` has a sentence for each, which begins with the variable's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Reading:
    """The values of all settings, by name, from the environment, and the first problem of each. None repeats a value.

    A setting with a problem has the value of one that is not set: `finish` raises, unless it is not `needed`.
    """

    def __init__(self, environ: Mapping[str, str], needed: Collection[str] = VARIABLES) -> None:
        self._environ, self.needed = environ, frozenset(needed)
        self._problems: dict[str, str] = {}
        self.values: dict[str, Any] = {name: self._read(setting) for name, setting in SETTINGS.items()}

    def finish(self) -> None:
        """Raise SettingsError if there is a problem."""
        if problems := tuple(problem for name, problem in self._problems.items() if name in self.needed):
            raise SettingsError((*problems, *_find_misspelled(self._environ)))

    def is_set(self, name: str) -> bool:
        """Return whether a setting has another value than its default, or names a file."""
        return any(self._text(one) not in {"", SETTINGS[name].default} for one in SETTINGS[name].variables)

    def report(self, name: str, problem: str) -> None:
        """Record the problem of a setting, as the end of a sentence that begins with its name."""
        self._problems.setdefault(name, f"{name} {problem}")

    def require(self, name: str) -> None:
        """Report a required setting that is not set."""
        setting = SETTINGS[name]
        if setting.read("") != self.values[name] or (setting.unless and self.is_set(setting.unless)):
            return
        remedy = f"Set it to {setting.limits[0]}"
        if setting.unless:
            remedy += f", or set {setting.unless} to {SETTINGS[setting.unless].limits[0]} for Socket Mode"
        self.report(name, f"is not set. {remedy}.")

    def _read(self, setting: Setting) -> Any:  # noqa: ANN401 - as its reader says
        try:
            names = (setting.name, setting.name.lower()) if setting.name == IN_LOWER_CASE else (setting.name,)
            text = next(filter(None, map(self._text, names)), "")
            if setting.is_secret and (path := self._text(setting.file_variable)):
                text = self._read_file(setting, path, text)
            return setting.read(text)
        except InvalidValueError as error:
            self.report(setting.name, str(error).replace("{default}", setting.default))
        except SettingsError as error:
            self._problems[setting.name] = str(error)
        return setting.read("")

    def _text(self, variable: str) -> str:
        return self._environ.get(variable, "").strip()

    def _read_file(self, setting: Setting, path: str, text: str) -> str:
        """Return the content of a file. No problem has the path: it may be a secret. Raises SettingsError."""
        variable = setting.file_variable
        if text:
            raise SettingsError((f"{setting.name} and {variable} are both set. Remove one of them.",))
        try:
            with Path(path).open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            text = content.decode().strip()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path, or a file that is not UTF-8
            why = getattr(error, "strerror", None) or "it is not text"
            problem = f"{variable} names a file that can't be read ({why}). Name one the bot can read."
            raise SettingsError((problem,)) from None
        if text and len(content) <= _MAX_BYTES:
            return text
        problem = f"a file of over {_MAX_BYTES} bytes" if text else "an empty file"
        raise SettingsError((f"{variable} names {problem}. Name a file that has nothing but the value.",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the bot; `.env.example` explains each. Times are in seconds, URLs are unchanged.

    A bot of one workspace has a `workspace`, whose team Slack knows. Without it, workspaces install the app by OAuth.
    """

    workspace: Workspace | None
    slack_client_id: Secret
    slack_client_secret: Secret
    allowed_workspaces: frozenset[str]
    database_url: Secret
    encryption_keys: tuple[Secret, ...]
    base_url: str | None  # the public URL
    slack_app_token: Secret | None  # set: Socket Mode
    slack_signing_secrets: tuple[Secret, ...]
    slack_api_url: str
    anchor_api_url: str
    anchor_timeout: float
    anchor_deadline: float
    proxy: Proxy | None
    journal_days: int
    auto_pause_limit: int
    remind_before: float
    host: str
    port: int
    metrics_port: int | None
    metrics_token: Secret | None
    log_level: str
    log_format: str

    @property
    def store_keys(self) -> tuple[Secret, ...]:
        """Return the keys of the database: the first encrypts, all decrypt."""
        one = self.workspace
        return self.encryption_keys if one is None else keys_of_one(self.encryption_keys, one.bot_token)

    @property
    def mark(self) -> str:
        """Return a text that differs between processes with another workspace in `.env`, and says nothing of it."""
        values = None if self.workspace is None else asdict(self.workspace)
        return digest(json.dumps(values, default=sorted))[:_MARK_LENGTH]

    @classmethod
    def from_env(cls, environ: Mapping[str, str], needed: Collection[str] = VARIABLES) -> "Settings":
        """Read the settings; a blank variable counts as not set. Raises SettingsError with all problems of `needed`."""
        read = _Reading(environ, needed)
        values, is_many = read.values, _serves_many(read)
        for name, setting in SETTINGS.items():
            if setting.is_required and name not in (OF_ONE if is_many else OF_MANY):
                read.require(name)
        url = values["DATABASE_URL"] = values["DATABASE_URL"] or _default_database(environ)
        if is_many and url.reveal() == _MEMORY:
            read.report("DATABASE_URL", BAD_DATABASE)
        if values["METRICS_PORT"] and values["METRICS_PORT"] == values["PORT"]:
            read.report("METRICS_PORT", "is the same as PORT. Use another port, like 9464.")
        tokens = _alert_tokens(read)
        try:
            read_groups(values["ALERTS_GROUP"] or "")
        except ValueError as error:
            read.report("ALERTS_GROUP", f"has an entry that is invalid or repeated (item {error}). {_ABOUT_GROUPS}")
        read.finish()
        workspace = None if is_many else _workspace(values, tokens)
        named = [one.name for one in fields(cls) if one.name != "workspace"]
        return cls(workspace=workspace, **{name: values[_FIELDS.get(name, name.upper())] for name in named})


def keys_of_one(given: tuple[Secret, ...], bot_token: Secret) -> tuple[Secret, ...]:
    """Return the encryption keys of a bot of one workspace: those of its settings, or one derived from its token."""
    return given or (Secret(base64.urlsafe_b64encode(derive_key(bot_token, _PURPOSE)).decode()),)


def _workspace(values: Mapping[str, Any], tokens: Mapping[str, Secret]) -> Workspace:
    """Return the workspace. Another key has another version."""
    channels, key = values["ALLOWED_CHANNELS"], values["ANCHOR_API_KEY"]
    return Workspace(
        team_id="",
        bot_token=values["SLACK_BOT_TOKEN"],
        anchor_key=AnchorKey(key),
        policy=Policy(
            pause=Rule(values["PAUSE_USERS"], channels),
            resume=Rule(values["RESUME_USERS"], channels),
            pause_several=values["PAUSE_SEVERAL_USERS"],
            end=Rule(values["END_USERS"]) if values["END_SESSION"] == "on" else None,
        ),
        alert_tokens=tuple(
            AlertToken(
                name,
                digest(token.reveal()),
                channels=values["ALERTS_CHANNELS"],
                may_pause=name in values["AUTO_PAUSE_TOKENS"],
            )
            for name, token in tokens.items()
        ),
        alerts_channel=values["ALERTS_CHANNEL"],
        alerts_groups=values["ALERTS_GROUP"] or "",
        auto_pause=values["AUTO_PAUSE"],
        key_version=int(digest(key.reveal())[:_VERSION_LENGTH], 16),
    )


def _default_database(environ: Mapping[str, str]) -> Secret:
    # https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=
    state = environ.get("STATE_DIRECTORY", "").strip().partition(":")[0]
    return Secret(f"sqlite:///{Path('' if Path(_DATABASE_FILE).exists() else state, _DATABASE_FILE)}")


def _alert_tokens(read: _Reading) -> dict[str, Secret]:
    """Return the alert tokens by name, and check the names of those that can ask for a pause."""
    tokens = read.values["ALERTS_TOKEN"]
    if len(dict(tokens)) < len(tokens) or len({token for _, token in tokens}) < len(tokens):
        problem = f"has a name or a token twice; one without a name has the name {DEFAULT_SENDER}. Remove one."
        read.report("ALERTS_TOKEN", problem)
    elif len(tokens) > MOST_ALERT_TOKENS:
        read.report("ALERTS_TOKEN", f"has over {MOST_ALERT_TOKENS} tokens. Remove some.")
    known, names = dict(tokens), read.values["AUTO_PAUSE_TOKENS"]
    if unknown := ", ".join(str(number) for number, one in enumerate(names, 1) if one not in known):
        remedy = f"Use names of ALERTS_TOKEN, or {DEFAULT_SENDER} for one without a name, separated by commas."
        read.report("AUTO_PAUSE_TOKENS", f"has a name that no token has (item {unknown}). {remedy}")
    return known


def _serves_many(read: _Reading) -> bool:
    """Raise SettingsError at once if settings of both are mixed: other problems depend on what is meant.

    A command that needs none of the bot's own settings uses the key that it is given.
    """
    one, many = (list(filter(read.is_set, names)) for names in (OF_ONE, _ONLY_MANY))
    if one and many and read.needed.issuperset(many):
        problem = (
            f"{', '.join(one)} can't be combined with {' and '.join(many)}. "
            "The former are for a bot of one workspace, the latter for a bot of many (OAuth). Remove one of them."
        )
        raise SettingsError((problem,))
    if many:
        return not (read.is_set("ANCHOR_API_KEY") and "ANCHOR_API_KEY" in read.needed)
    return read.is_set("ENCRYPTION_KEYS") and not one


def summarize(settings: Settings) -> dict[str, str]:
    """Return what an operator needs to recognize the bot by."""
    one = settings.workspace
    return {
        "transport": "Socket Mode" if settings.slack_app_token else "HTTP",
        "tenancy": "one workspace" if one else "many workspaces",
        "permissions": "set by admins" if one is None else "everybody" if one.policy == EVERYBODY else "restricted",
        "auto_pause": "set by admins" if one is None else one.auto_pause,
        "anchor": settings.anchor_api_url,
        "proxy": settings.proxy.url if settings.proxy else "none",
        "database": _kind_of(settings.database_url),
    }


def _kind_of(database_url: Secret) -> str:
    """Return the file of SQLite, or the kind of another database, whose URL can contain a password."""
    scheme, _, path = database_url.reveal().partition("://")
    if scheme != "sqlite":
        return "PostgreSQL"
    return str(Path(path.removeprefix("/")).absolute()) if path else "in memory"


def find_warnings(environ: Mapping[str, str], settings: Settings, env_file: Path) -> Iterator[str]:
    """Yield a sentence for each setting that is probably not meant."""
    yield from _find_misspelled(environ)
    if any(len(secret.reveal()) != SECRET_LENGTH for secret in settings.slack_signing_secrets):
        yield f"SLACK_SIGNING_SECRET is not {SECRET_LENGTH} characters long. Copy it again."
    one = settings.workspace
    if one and one.auto_pause is not AutoPause.OFF and not any(token.may_pause for token in one.alert_tokens):
        yield _NONE_PAUSES.format(mode=one.auto_pause)
    for name in _open_files(environ, env_file):
        yield f"Every user of this machine can read {name}. Run: chmod 600 {name}"
    if _is_far_without_sslmode(settings.database_url, environ):
        yield _SSLMODE


def _open_files(environ: Mapping[str, str], env_file: Path) -> list[str]:
    """Return the files with secrets that all can read, as `"$SLACK_BOT_TOKEN_FILE"`: a path can be a secret."""
    variables = [setting.file_variable for setting in SETTINGS.values() if setting.is_secret]
    named = {f'"${name}"': Path(path) for name in variables if (path := environ.get(name, "").strip())}
    files = {str(env_file): env_file, **named}.items()
    return [name for name, file in files if file.is_file() and file.stat().st_mode & stat.S_IROTH]


def _is_far_without_sslmode(database_url: Secret, environ: Mapping[str, str]) -> bool:
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    try:
        url = urlsplit(database_url.reveal())
        host = url.hostname or ""
    except ValueError:
        return False
    is_near = host[:1] in {"", "%"} or is_loopback(host)  # the directory of a socket begins with %2F
    is_said = "sslmode=" in url.query or "PGSSLMODE" in environ
    return url.scheme.startswith("postgres") and not (is_near or is_said)


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """Return the file's variables, which the environment overrides, also with blank ones. Raises SettingsError."""
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}). Run this as the bot's user.",)) from None
    bindings = list(parse_stream(io.StringIO(text)))
    if wrong := [one.original.line for one in bindings if one.error]:
        raise SettingsError(tuple(f"{env_file}, line {line} is invalid. Write NAME=value." for line in wrong))
    return {one.key: one.value for one in bindings if one.key and one.value is not None} | dict(environ)

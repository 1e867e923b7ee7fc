"""The settings of the bot and of its store, checked, and the report about them at startup."""

import logging
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from bot.config.addresses import is_loopback
from bot.config.catalog import SETTINGS, VARIABLES
from bot.config.environment import EnvReader, SettingsError, find_misspelled
from bot.core.fields import CHANNEL_ID, GROUP_ID, TEAM_ID, USER_ID, Proxy, Secret, digest
from bot.core.policy import EVERYBODY, Policy, Rule
from bot.core.workspace import LEAST_TOKEN_LENGTH, AlertToken, AnchorKey, AutoPause, Workspace

BASE_URL = "https://bot.example.com"  # an example of a bot's public URL
_ONE = (
    "This bot serves one workspace, in its settings: SLACK_BOT_TOKEN is set, SLACK_CLIENT_ID is not. This command is "
    "for a bot of many workspaces, or one with ENCRYPTION_KEYS."
)
_DATABASE_FILE = "anchor-bot.db"

_CHANNEL = "a channel id. Copy it from the channel's details, like C0123456789."
_GROUP = "the id of a user group. Copy it from the group's menu, like S0123456789."
_ALERTS_TOKEN = "the token for sending alerts to the bot"  # noqa: S105 - a description
_BOT_TOKEN = "the bot token from OAuth & Permissions of your Slack app"  # noqa: S105 - a description
_SIGNING_SECRET = "the signing secret from Basic Information of your Slack app"  # noqa: S105 - a description
_APP_TOKEN = "an app-level token from Basic Information of your Slack app"  # noqa: S105 - a description
MOST_DAYS = 3_650
MOST_MINUTES = 60  # before the end of a session
MOST_PAUSES = 1_000  # sessions of a workspace that alerts can pause within 60 seconds
LONGEST_DRAIN = 3.5  # the most seconds that requests are served after SIGTERM: a stop takes less than 10 in all
_METRICS_HOST = (
    "METRICS_PORT listens on this machine only, although HOST does not. If another machine reads the metrics, set "
    "METRICS_HOST, and METRICS_TOKEN; else set METRICS_HOST=127.0.0.1."
)
_SSLMODE = (
    "DATABASE_URL is on another machine and has no sslmode, so what is stored can cross the network unencrypted. Add "
    "?sslmode=verify-full, with sslrootcert, or ?sslmode=disable if nobody else is on that network."
)

_ONE_WORKSPACE = (
    *("SLACK_BOT_TOKEN", "ANCHOR_API_KEY"),
    *("ALERTS_TOKEN", "ALERTS_TOKENS", "ALERTS_CHANNEL", "ALERTS_CHANNELS", "ALERTS_GROUP"),
    *("AUTO_PAUSE", "AUTO_PAUSE_TOKENS"),
    *("PAUSE_USERS", "PAUSE_MANY_USERS", "RESUME_USERS", "ALLOWED_CHANNELS", "END_SESSION", "END_USERS"),
)
OF_ORDERS = (
    *("ANCHOR_API_KEY", "ANCHOR_API_URL", "ANCHOR_DASHBOARD_URL", "ANCHOR_TIMEOUT", "ANCHOR_DEADLINE"),
    *("DATABASE_URL", "ENCRYPTION_KEYS", "SLACK_API_URL", "HTTPS_PROXY"),
)
"""The settings that orders of the command line need; an emergency is no time to repair others."""
_MANY_WORKSPACES = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "ALLOWED_WORKSPACES")

_VERSION_LENGTH = 7  # hexadecimal digits
SECRET_LENGTH = 32
PAUSING_TOKEN_LENGTH = 32
_SHORT = (
    f"ALERTS_TOKEN or ALERTS_TOKENS: the token {{name}} has under {LEAST_TOKEN_LENGTH} characters and can be guessed: "
    "its alerts are refused. Make a new one with: openssl rand -hex 32"
)
_WEAK = (
    f"AUTO_PAUSE is on, and the token {{name}} can pause every session, but has under {PAUSING_TOKEN_LENGTH} "
    "characters. Make a longer one with: openssl rand -hex 32"
)
_NONE_PAUSES = "AUTO_PAUSE is {mode}, but no alert can ask for a pause. Name tokens in AUTO_PAUSE_TOKENS."


class OneWorkspaceError(SettingsError):
    """The command is for a bot of many workspaces, and the settings are those of a bot of one."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database and its encryption keys: the first encrypts, all decrypt. A bot of one workspace can have none."""

    database_url: Secret
    encryption_keys: tuple[Secret, ...]


def _read_store(read: EnvReader, *, is_one: bool = False) -> StoreSettings:
    return StoreSettings(
        database_url=_read_database_url(read, can_be_memory=is_one),
        encryption_keys=read.encryption_keys("ENCRYPTION_KEYS", is_required=not is_one),
    )


def _read_database_url(read: EnvReader, *, can_be_memory: bool) -> Secret:
    # https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=
    directory = "" if Path(_DATABASE_FILE).exists() else read.text("STATE_DIRECTORY", "").partition(":")[0]
    default = f"sqlite:///{Path(directory, _DATABASE_FILE)}"
    return read.database_url("DATABASE_URL", default, can_be_memory=can_be_memory)


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Settings of the commands for operators. A key is tried at `anchor_api_url`, within `anchor_timeout` seconds."""

    store: StoreSettings
    base_url: str
    anchor_api_url: str
    anchor_timeout: float
    proxy: Proxy | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "OperatorSettings":
        """Read the settings. Raises SettingsError. A bot of one workspace can have ENCRYPTION_KEYS to rotate, too."""
        read = EnvReader(environ)
        is_one = read.is_set("SLACK_BOT_TOKEN") and not read.is_set("SLACK_CLIENT_ID")
        if is_one and not read.is_set("ENCRYPTION_KEYS"):
            raise OneWorkspaceError((_ONE,))
        settings = cls(
            store=_read_store(read),
            base_url=read.url("BASE_URL", "http://127.0.0.1:3000", example=BASE_URL).rstrip("/"),
            anchor_api_url=read.url("ANCHOR_API_URL"),
            anchor_timeout=read.seconds("ANCHOR_TIMEOUT"),
            proxy=read.proxy("HTTPS_PROXY", "NO_PROXY"),
        )
        read.finish()
        return settings


def read_database_url(environ: Mapping[str, str]) -> Secret:
    """Read the only setting of `anchor-bot journal`, which decrypts nothing. Raises SettingsError."""
    read = EnvReader(environ)
    database_url = _read_database_url(read, can_be_memory=True)
    read.finish()
    return database_url


@dataclass(frozen=True, slots=True)
class OneWorkspace:
    """Settings of a bot of one workspace. Its `alert_tokens` are by name; those of `auto_pause_tokens` can pause."""

    bot_token: Secret
    anchor_api_key: Secret
    store: StoreSettings
    alert_tokens: Mapping[str, Secret] = field(default_factory=dict)
    alerts_channel: str | None = None
    alerts_channels: frozenset[str] = frozenset()
    alerts_group: str | None = None
    auto_pause: AutoPause = AutoPause.OFF
    auto_pause_tokens: frozenset[str] = frozenset()
    policy: Policy = EVERYBODY

    @property
    def short_tokens(self) -> list[str]:
        """Return a sentence for each alert token that is not accepted."""
        short = [name for name, token in self.alert_tokens.items() if len(token.reveal()) < LEAST_TOKEN_LENGTH]
        return [_SHORT.format(name=name) for name in short]

    @property
    def warnings(self) -> Iterator[tuple[int, str]]:
        """Yield a sentence for each token or mode that is probably not meant, with its level."""
        for sentence in self.short_tokens:
            yield logging.ERROR, sentence
        if self.auto_pause is not AutoPause.OFF and not self.auto_pause_tokens:
            yield logging.WARNING, _NONE_PAUSES.format(mode=self.auto_pause)
        for name in sorted(self.auto_pause_tokens) if self.auto_pause is AutoPause.ON else ():
            if len(self.alert_tokens[name].reveal()) < PAUSING_TOKEN_LENGTH:
                yield logging.WARNING, _WEAK.format(name=name)

    @property
    def workspace(self) -> Workspace:
        """Return the workspace, whose team Slack knows. Another key has another version."""
        pausing = self.auto_pause_tokens
        return Workspace(
            team_id="",
            bot_token=self.bot_token,
            anchor_key=AnchorKey(self.anchor_api_key),
            policy=self.policy,
            alert_tokens=tuple(
                AlertToken(name, digest(token.reveal()), channels=self.alerts_channels, may_pause=name in pausing)
                for name, token in self.alert_tokens.items()
            ),
            alerts_channel=self.alerts_channel,
            alerts_group=self.alerts_group,
            auto_pause=self.auto_pause,
            key_version=int(digest(self.anchor_api_key.reveal())[:_VERSION_LENGTH], 16),
        )


def _read_one(read: EnvReader) -> OneWorkspace:
    tokens = read.alert_tokens("ALERTS_TOKENS", read.optional_secret("ALERTS_TOKEN", _ALERTS_TOKEN))
    return OneWorkspace(
        bot_token=read.secret("SLACK_BOT_TOKEN", _BOT_TOKEN, "xoxb-"),  # a rotating token expires within hours
        anchor_api_key=read.secret("ANCHOR_API_KEY", "the workspace's API key from Anchor's dashboard"),
        store=_read_store(read, is_one=True),
        alert_tokens=tokens,
        alerts_channel=read.optional_id("ALERTS_CHANNEL", CHANNEL_ID, _CHANNEL),
        alerts_channels=read.ids("ALERTS_CHANNELS", CHANNEL_ID, "C0123456789"),
        alerts_group=read.optional_id("ALERTS_GROUP", GROUP_ID, _GROUP),
        auto_pause=read.choice("AUTO_PAUSE", tuple(AutoPause)),
        auto_pause_tokens=read.names_of(tokens, "AUTO_PAUSE_TOKENS"),
        policy=_read_policy(read),
    )


def _read_policy(read: EnvReader) -> Policy:
    channels = read.ids("ALLOWED_CHANNELS", CHANNEL_ID, "C0123456789")
    can_end, enders = read.choice("END_SESSION", ("off", "on")), Rule(read.ids("END_USERS", USER_ID, "U0123456789"))
    return Policy(
        pause=Rule(read.ids("PAUSE_USERS", USER_ID, "U0123456789"), channels),
        resume=Rule(read.ids("RESUME_USERS", USER_ID, "U0123456789"), channels),
        pause_many=read.ids("PAUSE_MANY_USERS", USER_ID, "U0123456789"),
        end=enders if can_end == "on" else None,
    )


@dataclass(frozen=True, slots=True)
class ManyWorkspaces:
    """Settings of a bot that workspaces install by OAuth at `base_url`: all, or those `allowed` if there are any."""

    client_id: Secret
    client_secret: Secret
    base_url: str
    store: StoreSettings
    allowed: frozenset[str] = frozenset()


def _read_many(read: EnvReader) -> ManyWorkspaces:
    """Raise SettingsError at once if settings of one workspace are mixed in: other problems depend on what is meant."""
    if unexpected := [name for name in _ONE_WORKSPACE if read.is_set(name)]:
        problem = (
            f"{', '.join(unexpected)} can't be combined with {' and '.join(filter(read.is_set, _MANY_WORKSPACES))}. "
            "The former are for a bot of one workspace, the latter for a bot of many (OAuth). Remove one of them."
        )
        raise SettingsError((problem,))
    return ManyWorkspaces(
        client_id=read.secret("SLACK_CLIENT_ID", "the client ID from Basic Information of your Slack app"),
        client_secret=read.secret("SLACK_CLIENT_SECRET", "the client secret from Basic Information of your Slack app"),
        base_url=read.url("BASE_URL", example=BASE_URL).rstrip("/"),
        store=_read_store(read),
        allowed=read.ids("ALLOWED_WORKSPACES", TEAM_ID, "T0123456789"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the bot; `.env.example` explains each. Times are in seconds, URLs are unchanged."""

    workspaces: OneWorkspace | ManyWorkspaces
    slack_app_token: Secret | None  # set: Socket Mode
    slack_signing_secrets: tuple[Secret, ...]
    slack_api_url: str
    anchor_api_url: str
    anchor_dashboard_url: str
    anchor_timeout: float
    anchor_deadline: float
    proxy: Proxy | None
    journal_days: int
    auto_pause_limit: int
    remind_before: float
    drain_seconds: float
    host: str
    port: int
    metrics_host: str
    metrics_port: int | None
    metrics_token: Secret | None
    log_level: str
    log_format: str

    @property
    def one(self) -> OneWorkspace | None:
        """Return the settings of the only workspace; None with many."""
        return self.workspaces if isinstance(self.workspaces, OneWorkspace) else None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], needed: Collection[str] = VARIABLES) -> "Settings":
        """Read the settings; a blank variable counts as not set. Raises SettingsError with all problems of `needed`."""
        read = EnvReader(environ, needed)
        settings = cls(
            workspaces=_read_many(read) if _serves_many(read) else _read_one(read),
            slack_app_token=read.optional_secret("SLACK_APP_TOKEN", _APP_TOKEN, "xapp-"),
            slack_signing_secrets=read.secrets(
                "SLACK_SIGNING_SECRET", _SIGNING_SECRET, unless="SLACK_APP_TOKEN", alternative=_APP_TOKEN
            ),
            slack_api_url=read.url("SLACK_API_URL"),
            anchor_api_url=read.url("ANCHOR_API_URL"),
            anchor_dashboard_url=read.url("ANCHOR_DASHBOARD_URL"),
            anchor_timeout=read.seconds("ANCHOR_TIMEOUT"),
            anchor_deadline=read.seconds("ANCHOR_DEADLINE"),
            proxy=read.proxy("HTTPS_PROXY", "NO_PROXY"),
            journal_days=read.number("JOURNAL_DAYS", "days", MOST_DAYS),
            auto_pause_limit=read.number("AUTO_PAUSE_LIMIT", "sessions", MOST_PAUSES),
            remind_before=60.0 * read.number("REMIND_BEFORE", "minutes", MOST_MINUTES, least=0),
            drain_seconds=read.seconds("DRAIN_SECONDS", least=0.0, most=LONGEST_DRAIN),
            host=read.text("HOST"),
            port=(port := read.port("PORT")),
            metrics_host=read.text("METRICS_HOST"),
            metrics_port=read.optional_port("METRICS_PORT", example="9464", unlike=port),
            metrics_token=read.optional_secret("METRICS_TOKEN", "the token for reading metrics"),
            log_level=read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=read.choice("LOG_FORMAT", ("text", "json")),
        )
        read.finish()
        return settings


def _serves_many(read: EnvReader) -> bool:
    is_one = any(map(read.is_set, _ONE_WORKSPACE))
    return any(map(read.is_set, _MANY_WORKSPACES)) or (read.is_set("ENCRYPTION_KEYS") and not is_one)


def summarize(settings: Settings) -> dict[str, str]:
    """Return what an operator needs to recognize the bot by."""
    one = settings.one
    return {
        **transport_and_tenancy(settings),
        "permissions": "set by admins" if one is None else "everybody" if one.policy == EVERYBODY else "restricted",
        "auto_pause": "set by admins" if one is None else one.auto_pause,
        "anchor": settings.anchor_api_url,
        "proxy": settings.proxy.url if settings.proxy else "none",
        "database": _kind_of(settings.workspaces.store.database_url),
    }


def transport_and_tenancy(settings: Settings) -> dict[str, str]:
    """Return how the bot is connected to Slack, and whom it serves."""
    return {
        "transport": "Socket Mode" if settings.slack_app_token else "HTTP",
        "tenancy": "one workspace" if settings.one else "many workspaces",
    }


def _kind_of(database_url: Secret) -> str:
    """Return the file of SQLite, or the kind of another database, whose URL can contain a password."""
    scheme, _, path = database_url.reveal().partition("://")
    if scheme != "sqlite":
        return "PostgreSQL"
    return str(Path(path.removeprefix("/")).absolute()) if path else "in memory"


def find_warnings(environ: Mapping[str, str], settings: Settings, env_file: Path) -> Iterator[tuple[int, str]]:
    """Yield a sentence for each setting that is probably not meant, with its level."""
    for _, sentences in find_misspelled(environ):
        yield logging.WARNING, sentences
    if any(len(secret.reveal()) != SECRET_LENGTH for secret in settings.slack_signing_secrets):
        yield logging.WARNING, f"SLACK_SIGNING_SECRET is not {SECRET_LENGTH} characters long. Copy it again."
    if settings.anchor_timeout > settings.anchor_deadline:
        yield logging.WARNING, "ANCHOR_TIMEOUT is longer than ANCHOR_DEADLINE, so the deadline cuts each attempt off."
    yield from settings.one.warnings if settings.one else ()
    for name, file in {str(env_file): env_file, **_files_of_secrets(environ)}.items():
        if _is_open_to_all(file):
            yield logging.WARNING, f"Every user of this machine can read {name}. Run: chmod 600 {name}"
    if env_file.is_dir():
        yield logging.WARNING, f"{env_file} is a directory, so nothing is read from it. Put the settings into a file."
    if settings.metrics_port is not None and not (is_loopback(settings.host) or environ.get("METRICS_HOST")):
        yield logging.WARNING, _METRICS_HOST
    if _is_far_without_sslmode(settings.workspaces.store.database_url, environ):
        yield logging.WARNING, _SSLMODE


def _files_of_secrets(environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the files with secrets by their variables, as in `"$SLACK_BOT_TOKEN_FILE"`: a path can be a secret."""
    variables = [setting.file_variable for setting in SETTINGS.values() if setting.is_secret]
    return {f'"${name}"': Path(path) for name in variables if (path := environ.get(name, "").strip())}


def _is_open_to_all(file: Path) -> bool:
    return file.is_file() and bool(file.stat().st_mode & stat.S_IROTH)


def _is_far_without_sslmode(database_url: Secret, environ: Mapping[str, str]) -> bool:
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    try:
        url = urlsplit(database_url.reveal())
        hosts = [unquote(urlsplit(f"//{one}").hostname or "") for one in url.netloc.rpartition("@")[2].split(",")]
        parameters = parse_qs(url.query)
    except ValueError:
        return False
    hosts += ",".join([*parameters.get("host", ()), *parameters.get("hostaddr", ())]).split(",")
    is_near = all(not host or host.startswith(("/", "@")) or is_loopback(host) for host in hosts)
    return url.scheme.startswith("postgres") and not (is_near or "sslmode" in parameters or "PGSSLMODE" in environ)

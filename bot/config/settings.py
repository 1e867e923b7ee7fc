"""Every setting of the bot: names, defaults, and required combinations."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.config.catalog import SETTINGS
from bot.config.env_reader import EnvReader, SettingsError
from bot.config.store_settings import BASE_URL, StoreSettings, read_store
from bot.core.alert import alerts_url
from bot.core.policy import EVERYBODY, Policy, Rule
from bot.core.proxy import Proxy
from bot.core.secret import Secret
from bot.core.slack_ids import CHANNEL_ID, USER_ID

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOG_FORMATS = ("text", "json")
_ALERTS_TOKEN = "the token for sending alerts to the bot"  # noqa: S105 - a description
_BOT_TOKEN = "the bot token from OAuth & Permissions of your Slack app"  # noqa: S105 - a description
_APP_TOKEN = "an app-level token from Basic Information of your Slack app"  # noqa: S105 - a description
_CLIENT_ID = "the client ID from Basic Information of your Slack app"
_CLIENT_SECRET = "the client secret from Basic Information of your Slack app"  # noqa: S105 - a description
_SIGNING_SECRET = "the signing secret from Basic Information of your Slack app"  # noqa: S105 - a description
DASHBOARD_URL = SETTINGS["ANCHOR_DASHBOARD_URL"].default
"""The default of ANCHOR_DASHBOARD_URL."""

LONGEST_DRAIN = 3.5
"""The most seconds that requests are served after SIGTERM: a stop takes less than 10 in all."""

_ONE_WORKSPACE = (
    *("SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "ALERTS_TOKEN", "ALERTS_CHANNEL"),
    *("PAUSE_USERS", "RESUME_USERS", "ALLOWED_CHANNELS"),
)
_MANY_WORKSPACES = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")


@dataclass(frozen=True, slots=True)
class OneWorkspace:
    """Settings of a bot of one workspace. Without `alerts_token` alerts are off."""

    bot_token: Secret
    anchor_api_key: Secret
    store: StoreSettings
    alerts_token: Secret | None = None
    alerts_channel: str | None = None
    policy: Policy = EVERYBODY


def _read_one(read: EnvReader) -> OneWorkspace:
    return OneWorkspace(
        bot_token=read.secret("SLACK_BOT_TOKEN", _BOT_TOKEN, "xoxb-"),  # a rotating token expires within hours
        anchor_api_key=read.secret("ANCHOR_API_KEY", "the workspace's API key from Anchor's dashboard"),
        store=read_store(read, is_one=True),
        alerts_token=read.optional_secret("ALERTS_TOKEN", _ALERTS_TOKEN),
        alerts_channel=read.channel("ALERTS_CHANNEL"),
        policy=_read_policy(read),
    )


def _read_policy(read: EnvReader) -> Policy:
    channels = read.ids("ALLOWED_CHANNELS", CHANNEL_ID, "C0123456789")
    return Policy(
        pause=Rule(read.ids("PAUSE_USERS", USER_ID, "U0123456789"), channels),
        resume=Rule(read.ids("RESUME_USERS", USER_ID, "U0123456789"), channels),
    )


@dataclass(frozen=True, slots=True)
class ManyWorkspaces:
    """Settings of a bot of every workspace that installs the app by OAuth; `base_url` is its public URL."""

    client_id: Secret
    client_secret: Secret
    base_url: str
    store: StoreSettings


def _read_many(read: EnvReader) -> ManyWorkspaces:
    """Read the settings. Raises SettingsError at once if settings of one workspace are mixed in.

    The other problems depend on which of the two the operator wants.
    """
    if unexpected := [name for name in _ONE_WORKSPACE if read.is_set(name)]:
        problem = (
            f"{', '.join(unexpected)} can't be combined with {' and '.join(filter(read.is_set, _MANY_WORKSPACES))}. "
            "The former are for a bot of one workspace, the latter for a bot of many (OAuth). Remove one of them."
        )
        raise SettingsError((problem,))
    return ManyWorkspaces(
        client_id=read.secret("SLACK_CLIENT_ID", _CLIENT_ID),
        client_secret=read.secret("SLACK_CLIENT_SECRET", _CLIENT_SECRET),
        base_url=read.url("BASE_URL", example=BASE_URL).rstrip("/"),
        store=read_store(read),
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
    drain_seconds: float
    host: str
    port: int
    metrics_port: int | None
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; a blank variable counts as not set. Raises SettingsError with all problems."""
        read = EnvReader(environ)
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
            journal_days=read.days("JOURNAL_DAYS"),
            drain_seconds=read.seconds("DRAIN_SECONDS", least=0.0, most=LONGEST_DRAIN),
            host=read.text("HOST"),
            port=read.port("PORT"),
            metrics_port=read.optional_port("METRICS_PORT", unlike="PORT"),
            log_level=read.choice("LOG_LEVEL", _LOG_LEVELS),
            log_format=read.choice("LOG_FORMAT", _LOG_FORMATS),
        )
        read.finish()
        return settings


def _serves_many(read: EnvReader) -> bool:
    """Return whether the bot serves many workspaces. ENCRYPTION_KEYS counts only without settings of one workspace."""
    is_one = any(map(read.is_set, _ONE_WORKSPACE))
    return any(map(read.is_set, _MANY_WORKSPACES)) or (read.is_set("ENCRYPTION_KEYS") and not is_one)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertClientSettings:
    """Settings of `anchor-bot alert`: the bot's URL, the alerts token, and the workspace if the bot serves many."""

    bot_url: str
    alerts_token: Secret
    workspace: str = ""

    @property
    def url(self) -> str:
        """Return the URL of the alerts."""
        return alerts_url(self.bot_url, self.workspace)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "AlertClientSettings":
        """Read the settings. Raises SettingsError."""
        read = EnvReader(environ)
        settings = cls(
            bot_url=read.url("ANCHOR_BOT_URL", example=BASE_URL),
            alerts_token=read.secret("ALERTS_TOKEN", _ALERTS_TOKEN),
            workspace=read.team("ALERTS_WORKSPACE"),
        )
        read.finish()
        return settings

"""Every setting of the bot: its name, its default, and which belong together."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.alert import CHANNEL_ID, alerts_url
from bot.core.policy import EVERYBODY, Policy, Rule
from bot.core.secret import Secret
from bot.core.slack_id import USER_ID
from bot.variables import Reader, SettingsError

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOG_FORMATS = ("text", "json")
_ALERTS_TOKEN = "the token that the bot takes alerts with"  # noqa: S105 - a description
_BOT_TOKEN = "the bot token from OAuth & Permissions of your Slack app"  # noqa: S105 - says where to find it
_APP_TOKEN = "an app-level token from Basic Information of your Slack app"  # noqa: S105 - says where to find it
_BASE_URL = "https://bot.example.com"
_OF_ONE = (
    *("SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "ALERTS_TOKEN", "ALERTS_CHANNEL"),
    *("PAUSE_USERS", "RESUME_USERS", "ALLOWED_CHANNELS"),
)
_OF_MANY = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")


@dataclass(frozen=True, slots=True)
class OneWorkspace:
    """The bot serves one workspace, by its bot token and its key. Without a token for alerts there are none."""

    bot_token: Secret
    anchor_api_key: Secret
    alerts_token: Secret | None = None
    alerts_channel: str | None = None
    policy: Policy = EVERYBODY

    @classmethod
    def read(cls, read: Reader) -> "OneWorkspace":
        """Read its variables."""
        return cls(
            bot_token=read.secret("SLACK_BOT_TOKEN", _BOT_TOKEN, "xoxb-"),  # one that rotates dies within hours
            anchor_api_key=read.secret("ANCHOR_API_KEY", "the workspace's API key from Anchor's dashboard"),
            alerts_token=read.optional_secret("ALERTS_TOKEN", _ALERTS_TOKEN),
            alerts_channel=read.channel("ALERTS_CHANNEL"),
            policy=_read_policy(read),
        )


def _read_policy(read: Reader) -> Policy:
    channels = read.ids("ALLOWED_CHANNELS", CHANNEL_ID, "C0123456789")
    return Policy(
        pause=Rule(read.ids("PAUSE_USERS", USER_ID, "U0123456789"), channels),
        resume=Rule(read.ids("RESUME_USERS", USER_ID, "U0123456789"), channels),
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the workspaces are kept, and the keys for what is secret there: the first encrypts, all decrypt."""

    database_url: Secret
    encryption_keys: tuple[Secret, ...]

    @classmethod
    def read(cls, read: Reader) -> "StoreSettings":
        """Read its variables."""
        return cls(
            database_url=read.database_url("DATABASE_URL", "sqlite:///anchor-bot.db"),
            encryption_keys=read.encryption_keys("ENCRYPTION_KEYS"),
        )


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What `anchor-bot workspaces` and `anchor-bot keys` need; the bot is reached at `base_url`."""

    store: StoreSettings
    base_url: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "OperatorSettings":
        """Read the settings, as `Settings.from_env` does."""
        read = Reader(environ)
        settings = cls(
            store=StoreSettings.read(read),
            base_url=read.url("BASE_URL", "http://127.0.0.1:3000", like=_BASE_URL).rstrip("/"),
        )
        read.finish()
        return settings


@dataclass(frozen=True, slots=True)
class ManyWorkspaces:
    """The bot serves every workspace that installs the Slack app by OAuth; browsers reach it at `base_url`."""

    client_id: Secret
    client_secret: Secret
    base_url: str
    store: StoreSettings

    @classmethod
    def read(cls, read: Reader) -> "ManyWorkspaces":
        """Read its variables. Raises SettingsError where something of one workspace alone is set beside them.

        That is told first and by itself: what else is wrong depends on which of the two is meant.
        """
        if astray := [name for name in _OF_ONE if read.text(name)]:
            mixed_up = (
                f"{', '.join(astray)} can't be set beside {' and '.join(filter(read.text, _OF_MANY))}: those are for a "
                "bot of one workspace, these for one of many, installed by OAuth. Take the ones or the others out."
            )
            raise SettingsError((mixed_up,))
        return cls(
            client_id=read.secret("SLACK_CLIENT_ID", "the client ID from Basic Information of your Slack app"),
            client_secret=read.secret(
                "SLACK_CLIENT_SECRET", "the client secret from Basic Information of your Slack app"
            ),
            base_url=read.url("BASE_URL", "", like=_BASE_URL).rstrip("/"),
            store=StoreSettings.read(read),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; `.env.example` explains each. Times are in seconds, URLs are as they were written."""

    workspaces: OneWorkspace | ManyWorkspaces
    slack_app_token: Secret | None  # set: Socket Mode
    slack_signing_secrets: tuple[Secret, ...]
    slack_api_url: str
    anchor_api_url: str
    anchor_timeout: float
    anchor_deadline: float
    host: str
    port: int
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises SettingsError, which names every bad one. A blank variable counts as not set."""
        read = Reader(environ)
        settings = cls(
            workspaces=ManyWorkspaces.read(read) if _serves_many(read) else OneWorkspace.read(read),
            slack_app_token=read.optional_secret("SLACK_APP_TOKEN", _APP_TOKEN, "xapp-"),
            slack_signing_secrets=read.secrets(
                "SLACK_SIGNING_SECRET",
                "the signing secret from Basic Information of your Slack app",
                unless="SLACK_APP_TOKEN",
                or_else=_APP_TOKEN,
            ),
            slack_api_url=read.url("SLACK_API_URL", "https://slack.com/api/"),
            anchor_api_url=read.url("ANCHOR_API_URL", "https://api.anchorbrowser.io"),
            anchor_timeout=read.seconds("ANCHOR_TIMEOUT", 10.0),
            anchor_deadline=read.seconds("ANCHOR_DEADLINE", 20.0),
            host=read.text("HOST", "127.0.0.1"),
            port=read.port("PORT", 3000),
            log_level=read.choice("LOG_LEVEL", _LOG_LEVELS, "INFO"),
            log_format=read.choice("LOG_FORMAT", _LOG_FORMATS, "text"),
        )
        read.finish()
        return settings


def _serves_many(read: Reader) -> bool:
    """Whether the bot is one of many workspaces: its keys for a database say so too, if nothing speaks for one."""
    return any(map(read.text, _OF_MANY)) or bool(read.text("ENCRYPTION_KEYS") and not any(map(read.text, _OF_ONE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """What `anchor-bot alert` needs: where a bot runs, as it was written, and the token for its alerts.

    `workspace` is the last part of the URL, where the bot serves many.
    """

    bot_url: str
    alerts_token: Secret
    workspace: str = ""

    @property
    def url(self) -> str:
        """Where the alerts go."""
        return alerts_url(self.bot_url, self.workspace)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "SenderSettings":
        """Read the settings, as `Settings.from_env` does."""
        read = Reader(environ)
        settings = cls(
            bot_url=read.url("ANCHOR_BOT_URL", "http://127.0.0.1:3000", like=_BASE_URL),
            alerts_token=read.secret("ALERTS_TOKEN", _ALERTS_TOKEN),
            workspace=read.team("ALERTS_WORKSPACE"),
        )
        read.finish()
        return settings

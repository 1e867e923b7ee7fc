"""Settings of the database, also for the commands that read it beside a bot."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.config.env_reader import EnvReader, SettingsError
from bot.core.proxy import Proxy
from bot.core.secret import Secret

BASE_URL = "https://bot.example.com"
"""An example of a bot's public URL."""

_ONE = (
    "This bot serves one workspace, in its settings: SLACK_BOT_TOKEN is set, SLACK_CLIENT_ID is not. This command is "
    "for a bot of many workspaces, or one with ENCRYPTION_KEYS."
)
_DATABASE_FILE = "anchor-bot.db"


class OneWorkspaceError(SettingsError):
    """The command is for a bot of many workspaces, and the settings are those of a bot of one."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database and its encryption keys: the first encrypts, all decrypt. A bot of one workspace can do without."""

    database_url: Secret
    encryption_keys: tuple[Secret, ...]


def read_store(read: EnvReader, *, is_one: bool = False) -> StoreSettings:
    """Read the settings of the database."""
    return StoreSettings(
        database_url=_read_database_url(read, can_be_memory=is_one),
        encryption_keys=read.encryption_keys("ENCRYPTION_KEYS", is_required=not is_one),
    )


def _read_database_url(read: EnvReader, *, can_be_memory: bool) -> Secret:
    """Read the URL. The default is the file in the working directory if it exists, else in that of systemd.

    https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=
    """
    directory = "" if Path(_DATABASE_FILE).exists() else read.text("STATE_DIRECTORY", "").partition(":")[0]
    default = f"sqlite:///{Path(directory, _DATABASE_FILE)}"
    return read.database_url("DATABASE_URL", default, can_be_memory=can_be_memory)


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Settings of `anchor-bot workspaces` and `anchor-bot keys`.

    `base_url` is the bot's public URL. A new key is tried at `anchor_api_url`, within `anchor_timeout` seconds.
    """

    store: StoreSettings
    base_url: str
    anchor_api_url: str
    anchor_timeout: float
    proxy: Proxy | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "OperatorSettings":
        """Read the settings. Raises SettingsError.

        A bot of one workspace can have ENCRYPTION_KEYS, too, which can be rotated.
        """
        read = EnvReader(environ)
        is_one = read.is_set("SLACK_BOT_TOKEN") and not read.is_set("SLACK_CLIENT_ID")
        if is_one and not read.is_set("ENCRYPTION_KEYS"):
            raise OneWorkspaceError((_ONE,))
        settings = cls(
            store=read_store(read),
            base_url=read.url("BASE_URL", "http://127.0.0.1:3000", example=BASE_URL).rstrip("/"),
            anchor_api_url=read.url("ANCHOR_API_URL"),
            anchor_timeout=read.seconds("ANCHOR_TIMEOUT"),
            proxy=read.proxy("HTTPS_PROXY", "NO_PROXY"),
        )
        read.finish()
        return settings


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Settings of `anchor-bot journal`. It decrypts nothing, so it needs no keys."""

    database_url: Secret

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "JournalSettings":
        """Read the settings. Raises SettingsError."""
        read = EnvReader(environ)
        settings = cls(_read_database_url(read, can_be_memory=True))
        read.finish()
        return settings

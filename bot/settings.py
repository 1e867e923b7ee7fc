"""Every setting of the bot: its name, its default, and what is wrong with a bad one."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.core.alert import CHANNEL_ID
from bot.core.secret import Secret

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOG_FORMATS = ("text", "json")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)
_NO_KEY = "has spaces or characters that no key has: copy it again"
_ALERTS_TOKEN = "the token that the bot takes alerts with"  # noqa: S105 - a description
_BOT_TOKEN_PREFIXES = ("xoxb-", "xoxe.xoxb-")
_APP_TOKEN = "an app-level token from Basic Information of your Slack app"  # noqa: S105 - says where to find it


class SettingsError(Exception):
    """Settings that the bot can't start with; `problems` has one sentence each, with the variable's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; `.env.example` explains each. Times are in seconds, URLs are as they were written."""

    slack_bot_token: Secret
    slack_app_token: Secret | None  # set: Socket Mode
    slack_signing_secrets: tuple[Secret, ...]
    slack_api_url: str
    anchor_api_key: Secret
    anchor_api_url: str
    anchor_timeout: float
    anchor_deadline: float
    host: str
    port: int
    log_level: str
    log_format: str
    alerts_token: Secret | None = None
    alerts_channel: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises SettingsError, which names every bad one. A blank variable counts as not set."""
        read = _Reader(environ)
        settings = cls(
            slack_bot_token=read.secret(
                "SLACK_BOT_TOKEN", "the bot token from OAuth & Permissions of your Slack app", _BOT_TOKEN_PREFIXES
            ),
            slack_app_token=read.optional_secret("SLACK_APP_TOKEN", _APP_TOKEN, ("xapp-",)),
            slack_signing_secrets=read.secrets(
                "SLACK_SIGNING_SECRET",
                "the signing secret from Basic Information of your Slack app",
                unless="SLACK_APP_TOKEN",
                or_else=_APP_TOKEN,
            ),
            slack_api_url=read.url("SLACK_API_URL", "https://slack.com/api/"),
            anchor_api_key=read.secret("ANCHOR_API_KEY", "the workspace's API key from Anchor's dashboard"),
            anchor_api_url=read.url("ANCHOR_API_URL", "https://api.anchorbrowser.io"),
            anchor_timeout=read.seconds("ANCHOR_TIMEOUT", 10.0),
            anchor_deadline=read.seconds("ANCHOR_DEADLINE", 20.0),
            host=read.text("HOST", "127.0.0.1"),
            port=read.port("PORT", 3000),
            log_level=read.choice("LOG_LEVEL", _LOG_LEVELS, "INFO"),
            log_format=read.choice("LOG_FORMAT", _LOG_FORMATS, "text"),
            alerts_token=read.optional_secret("ALERTS_TOKEN", _ALERTS_TOKEN),
            alerts_channel=read.channel("ALERTS_CHANNEL"),
        )
        read.finish()
        return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """What `anchor-bot alert` needs: where a bot runs, as it was written, and the token for its alerts."""

    bot_url: str
    alerts_token: Secret

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "SenderSettings":
        """Read the settings, as `Settings.from_env` does."""
        read = _Reader(environ)
        settings = cls(
            bot_url=read.url("ANCHOR_BOT_URL", "http://127.0.0.1:3000", like="https://bot.example.com"),
            alerts_token=read.secret("ALERTS_TOKEN", _ALERTS_TOKEN),
        )
        read.finish()
        return settings


@dataclass(slots=True)
class _Reader:
    """Reads one variable at a time, and gathers what is wrong instead of stopping at the first."""

    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """Raise SettingsError if there was a problem."""
        if self.problems:
            raise SettingsError(tuple(self.problems))

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def secret(self, name: str, what: str, prefixes: tuple[str, ...] = ("",)) -> Secret:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is not set: put {what} there.")
        elif not _is_key(value):
            self.problems.append(f"{name} {_NO_KEY} ({what}).")
        elif not value.startswith(prefixes):
            self.problems.append(f"{name} does not begin with {prefixes[0]}: it must be {what}.")
        return Secret(value)

    def optional_secret(self, name: str, what: str, prefixes: tuple[str, ...] = ("",)) -> Secret | None:
        return self.secret(name, what, prefixes) if self.text(name) else None

    def channel(self, name: str) -> str | None:
        value = self.text(name)
        if value and not CHANNEL_ID.fullmatch(value):
            self.problems.append(
                f"{name} is not a channel's id: write it like C0123456789, from the channel's details in Slack."
            )
        return value or None

    def secrets(self, name: str, what: str, *, unless: str, or_else: str) -> tuple[Secret, ...]:
        """One or several, required unless the variable `unless` is set, where `or_else` would do instead."""
        values = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        if not values and not self.text(unless):
            self.problems.append(f"{name} is not set: put {what} there, or {or_else} in {unless} for Socket Mode.")
        elif not all(map(_is_key, values)):
            self.problems.append(f"{name} {_NO_KEY} ({what}).")
        return tuple(map(Secret, values))

    def url(self, name: str, default: str, *, like: str = "") -> str:
        value = self.text(name, default)
        if not _is_url(value):
            self.problems.append(f"{name} is not a URL that can be called: write it like {like or default} (https).")
        return value

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name)
        try:
            seconds = float(value or default)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= 600:  # noqa: PLR2004 - also refuses what is no number
            self.problems.append(f"{name} is not a number of seconds from above 0 to 600: write it like {default:g}.")
        return seconds

    def port(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not is_port(value):
            self.problems.append(
                f"{name} is not a port: write a number from 0 (any free one) to 65535, like {default}."
            )
            return default
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        for choice in choices:
            if value.casefold() == choice.casefold():
                return choice
        self.problems.append(f"{name} is none of {', '.join(choices)}: choose one, or leave it out for {default}.")
        return default


def is_port(text: str) -> bool:
    """Whether `text` is the number of a port, or 0 for any free one."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535  # noqa: PLR2004


def _is_key(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


def _is_url(value: str) -> bool:
    """Whether `value` is https with a host, or http on this machine: keys don't travel unencrypted."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    known = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    return known and _is_host(host) and _is_key(value) and not (parts.username or parts.query or parts.fragment)


def _is_host(host: str) -> bool:
    """Whether `host` is an IP address, or a name that can be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

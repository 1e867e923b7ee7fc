"""Read one variable at a time, and gather what is wrong instead of stopping at the first."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.core.alert import CHANNEL_ID
from bot.core.anchor_key import is_key
from bot.core.secret import Secret
from bot.core.slack_id import SLACK_ID

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)
_NO_KEY = "has spaces or characters that no key has: copy it again"
_ENCRYPTION_KEY = re.compile(r"[A-Za-z0-9_-]{43}=", re.ASCII)
_DATABASE_URL = re.compile(r"sqlite:///(?!:memory:)[^?#\0]+|postgres(?:ql)?://[^\s\0]*")


class SettingsError(Exception):
    """Settings that the bot can't start with; `problems` has one sentence each, with the variable's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(slots=True)
class Reader:
    """The variables of `environ`, each checked when it is read; `problems` has a sentence for each bad one."""

    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """Raise SettingsError if there was a problem."""
        if self.problems:
            raise SettingsError(tuple(self.problems))

    def text(self, name: str, default: str = "") -> str:
        """The value without blanks around it, or `default` where it is blank or not set."""
        return self.environ.get(name, "").strip() or default

    def secret(self, name: str, what: str, prefix: str = "") -> Secret:
        """A secret that is needed; `what` says what it is, and `prefix` how it begins."""
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is not set: put {what} there.")
        elif not is_key(value):
            self.problems.append(f"{name} {_NO_KEY} ({what}).")
        elif not value.startswith(prefix):
            self.problems.append(f"{name} does not begin with {prefix}: it must be {what}.")
        return Secret(value)

    def optional_secret(self, name: str, what: str, prefix: str = "") -> Secret | None:
        """The same, where it may be left out."""
        return self.secret(name, what, prefix) if self.text(name) else None

    def channel(self, name: str) -> str | None:
        """The id of a channel, if there is one."""
        value = self.text(name)
        if value and not CHANNEL_ID.fullmatch(value):
            self.problems.append(
                f"{name} is not a channel's id: write it like C0123456789, from the channel's details in Slack."
            )
        return value or None

    def ids(self, name: str, pattern: re.Pattern[str], like: str) -> frozenset[str]:
        """Ids separated by commas; `like` is an example of one. Commas alone are a mistake, not the same as none."""
        text = self.text(name)
        values = [part.strip() for part in text.split(",") if part.strip()]
        strange = [str(number) for number, value in enumerate(values, 1) if not pattern.fullmatch(value)]
        if strange or (text and not values):
            which = f" (number {', '.join(strange)})" if strange else ""
            self.problems.append(f"{name} has what is no id{which}: write ids like {like}, with commas between.")
        return frozenset(values)

    def team(self, name: str) -> str:
        """The id of a workspace, or ""."""
        value = self.text(name)
        if value and not SLACK_ID.fullmatch(value):
            self.problems.append(f"{name} is not a workspace's id: write it like T0123456789.")
        return value

    def secrets(self, name: str, what: str, *, unless: str, or_else: str) -> tuple[Secret, ...]:
        """One or several, required unless the variable `unless` is set, where `or_else` would do instead."""
        values = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        if not values and not self.text(unless):
            self.problems.append(f"{name} is not set: put {what} there, or {or_else} in {unless} for Socket Mode.")
        elif not all(map(is_key, values)):
            self.problems.append(f"{name} {_NO_KEY} ({what}).")
        return tuple(map(Secret, values))

    def encryption_keys(self, name: str) -> tuple[Secret, ...]:
        """Keys of the shape that Fernet takes, at least one: https://cryptography.io/en/latest/fernet/."""
        values = [part.strip() for part in self.text(name).split(",") if part.strip()]
        if not values:
            self.problems.append(f"{name} is not set: put a key there that `anchor-bot keys new` prints.")
        elif not all(map(_ENCRYPTION_KEY.fullmatch, values)):
            self.problems.append(
                f"{name} has what is no key: put there what `anchor-bot keys new` prints, and nothing else."
            )
        return tuple(map(Secret, values))

    def database_url(self, name: str, default: str) -> Secret:
        """Where a database is; it may have a password in it."""
        value = self.text(name, default)
        if not _DATABASE_URL.fullmatch(value):
            self.problems.append(
                f"{name} is no database that the bot can use: write it like {default} or "
                "postgresql://user:password@host:5432/name."
            )
        return Secret(value)

    def url(self, name: str, default: str, *, like: str = "") -> str:
        """A URL that keys may be sent to; `like` is an example, if the default is none."""
        value = self.text(name, default)
        if not value:
            self.problems.append(f"{name} is not set: write it like {like}.")
        elif not _is_url(value):
            self.problems.append(f"{name} is not a URL that can be called: write it like {like or default} (https).")
        return value

    def seconds(self, name: str, default: float) -> float:
        """A time."""
        value = self.text(name)
        try:
            seconds = float(value or default)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= 600:  # noqa: PLR2004 - also refuses what is no number
            self.problems.append(f"{name} is not a number of seconds from above 0 to 600: write it like {default:g}.")
        return seconds

    def port(self, name: str, default: int) -> int:
        """A port, or 0 for any free one."""
        value = self.text(name, str(default))
        if not is_port(value):
            self.problems.append(
                f"{name} is not a port: write a number from 0 (any free one) to 65535, like {default}."
            )
            return default
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of several words, in any case."""
        value = self.text(name, default)
        for choice in choices:
            if value.casefold() == choice.casefold():
                return choice
        self.problems.append(f"{name} is none of {', '.join(choices)}: choose one, or leave it out for {default}.")
        return default


def is_port(text: str) -> bool:
    """Whether `text` is the number of a port, or 0 for any free one."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535  # noqa: PLR2004


def _is_url(value: str) -> bool:
    """Whether `value` is https with a host, or http on this machine: keys don't travel unencrypted."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    known = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    return known and _is_host(host) and is_key(value) and not (parts.username or parts.query or parts.fragment)


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

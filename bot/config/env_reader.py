"""Read and validate variables one by one, and collect all problems."""

import math
import re

from bot.config.addresses import is_port, is_safe_url, parse_proxy
from bot.config.catalog import SETTINGS
from bot.config.env_values import EnvValues
from bot.core.proxy import Proxy
from bot.core.secret import Secret
from bot.core.slack_ids import CHANNEL_ID, SLACK_ID
from bot.core.workspace import is_key

_BAD_KEY = "contains spaces or characters that no key has. Copy it again"
_ROTATING = "xoxe."
_ROTATES = (
    "expires within hours: token rotation is on in your Slack app, which cannot be undone. Make "
    "another app without it (`anchor-bot manifest` prints the link), and set the token of that one"
)
"""https://docs.slack.dev/authentication/using-token-rotation"""

_ENCRYPTION_KEY = re.compile(r"[A-Za-z0-9_-]{43}=", re.ASCII)
_DATABASE_URL = re.compile(r"sqlite:///(?!:memory:)[^?#\0]+|postgres(?:ql)?://[^\s\0]*")
_MEMORY = "sqlite://"
_DAYS = re.compile(r"\d{1,4}", re.ASCII)
MOST_DAYS = 3650


class SettingsError(Exception):
    """Unusable settings; `problems` has a sentence for each, which begins with the variable's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EnvReader(EnvValues):
    """Reader that validates each variable and collects their problems, which never repeat a value."""

    def finish(self) -> None:
        """Raise SettingsError if there is a problem."""
        if self.problems:
            raise SettingsError(tuple(self.problems.values()))

    def text(self, name: str, default: str | None = None) -> str:
        """Return the stripped value; if it is blank or not set, `default`, or else that of the catalog."""
        return self.get(name) or (SETTINGS[name].default if default is None else default)

    def secret(self, name: str, description: str, prefix: str = "") -> Secret:
        """Read a required secret that begins with `prefix`."""
        value = self.text(name)
        if not value:
            self.report_unset(name, f"Set it to {description}.")
        elif not is_key(value):
            self.report(name, f"{_BAD_KEY}: {description}.")
        elif prefix and value.startswith(f"{_ROTATING}{prefix}"):
            self.report(name, f"{_ROTATES}.")
        elif not value.startswith(prefix):
            self.report(name, f"does not begin with {prefix}. Set it to {description}.")
        return Secret(value)

    def optional_secret(self, name: str, description: str, prefix: str = "") -> Secret | None:
        """Read a secret that can be left out."""
        return self.secret(name, description, prefix) if self.text(name) else None

    def secrets(self, name: str, description: str, *, unless: str, alternative: str) -> tuple[Secret, ...]:
        """Read secrets; at least one, unless the variable `unless` is set, which takes `alternative`."""
        values = self._items(name)
        if not values and not self.is_set(unless):
            remedy = f"Set it to {description}, or set {unless} to {alternative} for Socket Mode."
            self.report_unset(name, remedy, unless)
        elif not all(map(is_key, values)):
            self.report(name, f"{_BAD_KEY}: {description}.")
        return tuple(map(Secret, values))

    def _items(self, name: str) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def channel(self, name: str) -> str | None:
        """Read an optional channel id."""
        value = self.text(name)
        if value and not CHANNEL_ID.fullmatch(value):
            self.report(name, "is not a channel id. Copy it from the channel's details, like C0123456789.")
        return value or None

    def ids(self, name: str, pattern: re.Pattern[str], example: str) -> frozenset[str]:
        """Read ids separated by commas. Commas alone are an error, since they do not mean "no restriction"."""
        values = self._items(name)
        invalid = [str(number) for number, value in enumerate(values, 1) if not pattern.fullmatch(value)]
        if invalid or (self.text(name) and not values):
            items = f" (item {', '.join(invalid)})" if invalid else ""
            self.report(name, f"contains an invalid id{items}. Use ids like {example}, separated by commas.")
        return frozenset(values)

    def team(self, name: str) -> str:
        """Read a workspace id; "" if it is not set."""
        value = self.text(name)
        if value and not SLACK_ID.fullmatch(value):
            self.report(name, "is not a workspace id. Use an id like T0123456789.")
        return value

    def encryption_keys(self, name: str, *, is_required: bool) -> tuple[Secret, ...]:
        """Read Fernet keys. https://cryptography.io/en/latest/fernet/."""
        values = self._items(name)
        if is_required and not values:
            self.report_unset(name, "Set it to a key from `anchor-bot keys new`.")
        elif not all(map(_ENCRYPTION_KEY.fullmatch, values)):
            self.report(name, "contains an invalid key. Use only keys from `anchor-bot keys new`.")
        return tuple(map(Secret, values))

    def database_url(self, name: str, default: str, *, can_be_memory: bool) -> Secret:
        """Read a database URL, which can contain a password. `can_be_memory` allows `sqlite://`."""
        value = self.text(name, default)
        if not (_DATABASE_URL.fullmatch(value) or (can_be_memory and value == _MEMORY)):
            memory = f", or {_MEMORY} to keep nothing" if can_be_memory else ""
            self.report(
                name,
                f"is not a supported database URL. "
                f"Use sqlite:///anchor-bot.db or postgresql://user:password@host:5432/name{memory}.",
            )
        return Secret(value)

    def url(self, name: str, default: str | None = None, *, example: str = "") -> str:
        """Read a URL that keys can be sent to. `example` is needed if there is no default."""
        value = self.text(name, default)
        if not value:
            self.report_unset(name, f"Set it to a URL like {example}.")
        elif not is_safe_url(value):
            example = example or SETTINGS[name].default
            self.report(name, f"is not a valid https URL. Use a URL like {example}.")
        return value

    def proxy(self, name: str, exceptions: str) -> Proxy | None:
        """Read an optional proxy, and the hosts that are called without it. Other programs use lower case as well."""
        value, direct = (self.text(one) or self.plain(one.lower()) for one in (name, exceptions))
        if not value:
            return None
        proxy = parse_proxy(value, direct)
        if proxy is None:
            self.report(
                name, "is not the URL of an HTTP proxy. Use one like http://user:password@proxy.example.com:3128."
            )
        return proxy

    def seconds(self, name: str, *, least: float = 0.001, most: float = 600.0) -> float:
        """Read a time in seconds."""
        try:
            seconds = float(self.text(name))
        except ValueError:
            seconds = math.nan
        if not least <= seconds <= most:  # also false for NaN
            limits, default = f"from {least:g} to {most:g}", SETTINGS[name].default
            self.report(name, f"is not a number of seconds {limits}. Use one like {default}.")
        return seconds

    def days(self, name: str) -> int:
        """Read a whole number of days."""
        value, default = self.text(name), SETTINGS[name].default
        if not (_DAYS.fullmatch(value) and 1 <= int(value) <= MOST_DAYS):
            self.report(name, f"is not a whole number of days from 1 to {MOST_DAYS}, like {default}.")
            return int(default)
        return int(value)

    def port(self, name: str) -> int:
        """Read a port; 0 means any free port."""
        value, default = self.text(name), SETTINGS[name].default
        if not is_port(value):
            self.report(name, f"is not a port. Use a number from 0 (any free port) to 65535, like {default}.")
            return int(default)
        return int(value)

    def optional_port(self, name: str, *, unlike: str) -> int | None:
        """Read a port that can be left out, and is not that of the variable `unlike`."""
        value, other = self.text(name), self.text(unlike)
        if value and not is_port(value):
            self.report(name, "is not a port. Use a number from 0 (any free port) to 65535, like 9464.")
            return None
        if value and int(value) and is_port(other) and int(value) == int(other):
            self.report(name, f"is the same as {unlike}. Use another port, like 9464.")
        return int(value) if value else None

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Read one of `choices`, in any case."""
        value, default = self.text(name), SETTINGS[name].default
        for choice in choices:
            if value.casefold() == choice.casefold():
                return choice
        self.report(name, f"is not one of {', '.join(choices)}. Use one, or remove it for {default}.")
        return default

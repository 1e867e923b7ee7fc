"""Read settings from the environment and from `.env`, and say what is wrong with them."""

import io
import math
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from dotenv.parser import parse_stream

from bot.config.addresses import is_port, is_safe_url, parse_proxy
from bot.config.catalog import SETTINGS, VARIABLES
from bot.core.fields import Proxy, Secret
from bot.core.workspace import DEFAULT_SENDER, MOST_ALERT_TOKENS, SENDER_NAME, is_key

_Choice = TypeVar("_Choice", bound=str)

_OF_OTHERS = {"HTTP_PROXY", "http_proxy"}  # similar, and often set beside HTTPS_PROXY
_SIMILARITY = 0.84  # ALERT_TOKEN is similar; ANCHOR_BOT_PORT, which Kubernetes sets, is not

_MAX_BYTES = 64 * 1024

_BAD_KEY = "contains spaces or characters that no key has. Copy it again"
_ROTATING = "xoxe."
_ROTATES = (
    "expires within hours: token rotation is on in your Slack app, which cannot be undone. Make "
    "another app without it (`anchor-bot manifest` prints the link), and set the token of that one"
)
"""https://docs.slack.dev/authentication/using-token-rotation"""

_NAMED_TOKEN = re.compile(rf"({SENDER_NAME.pattern})=([!-+\--<>-~]+=*)", re.ASCII)
_ABOUT_NAMES = "A name has at most 30 of a-z, 0-9, - and _, and begins with none of the last two."
_ENCRYPTION_KEY = re.compile(r"[A-Za-z0-9_-]{43}=", re.ASCII)
_DATABASE_URL = re.compile(r"sqlite:///(?!:memory:)[^?#\0]+|postgres(?:ql)?://[^\s\0]*")
_MEMORY = "sqlite://"
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)

_OWNER_ONLY = 0o600
_PLAIN = re.compile(r"[\w./:@,=+%?&-]*", re.ASCII)


def find_misspelled(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose misspelled name is among `names`, and sentences about that."""
    for name in sorted(set(names) - VARIABLES - _OF_OTHERS):
        for known in get_close_matches(name.upper(), VARIABLES, n=1, cutoff=_SIMILARITY):
            yield known, f"{name} is no setting of the bot. Did you mean {known}?"


class SettingsError(Exception):
    """Unusable settings; `problems` has a sentence for each, which begins with the variable's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EnvReader:
    """Reader that validates each variable, and collects the first problem of each. None repeats a value.

    A reading method that reports a problem can return anything: `finish` raises, unless that setting is not `needed`.
    """

    def __init__(self, environ: Mapping[str, str], needed: Collection[str] = VARIABLES) -> None:
        self._environ = environ
        self._needed = needed
        self._problems: dict[str, str] = {}
        self._from_files: dict[str, str] = {}

    def finish(self) -> None:
        """Raise SettingsError if there is a problem."""
        if problems := tuple(problem for name, problem in self._problems.items() if name in self._needed):
            raise SettingsError(problems)

    def is_set(self, name: str) -> bool:
        """Return whether a setting has another value than its default, or names a file."""
        return any(self._plain(one) not in {"", SETTINGS[name].default} for one in SETTINGS[name].variables)

    def text(self, name: str, default: str | None = None) -> str:
        """Return the stripped value; if it is blank or not set, `default`, or else that of the catalog."""
        if name in SETTINGS and SETTINGS[name].is_secret and name not in self._from_files:
            self._from_files[name] = self._read_file(name, SETTINGS[name].file_variable)
        value = self._from_files.get(name) or self._plain(name)
        return value or (SETTINGS[name].default if default is None else default)

    def _plain(self, variable: str) -> str:
        return self._environ.get(variable, "").strip()

    def _read_file(self, name: str, variable: str) -> str:
        """Return the content of the file that a variable names, or "". No problem has the path: it may be a secret."""
        path = self._plain(variable)
        if not path:
            return ""
        if self._plain(name):
            self._problems[name] = f"{name} and {variable} are both set. Remove one of them."
            return ""
        try:
            with Path(path).open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            text = content.decode().strip()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path, or a file that is not UTF-8
            why = getattr(error, "strerror", None) or "it is not text"
            self._problems[name] = f"{variable} names a file that can't be read ({why}). Name one the bot can read."
            return ""
        if text and len(content) <= _MAX_BYTES:
            return text
        problem = f"a file of over {_MAX_BYTES} bytes" if text else "an empty file"
        self._problems[name] = f"{variable} names {problem}. Name a file that has nothing but the value."
        return ""

    def _report(self, name: str, problem: str) -> None:
        """Record the problem of a setting, as the end of a sentence that begins with its name."""
        source = f" (from {SETTINGS[name].file_variable})" if self._from_files.get(name) else ""
        self._problems.setdefault(name, f"{name}{source} {problem}")

    def _report_unset(self, name: str, remedy: str, *alternatives: str) -> None:
        meant = {variable for one in (name, *alternatives) for variable in SETTINGS[one].variables}
        hints = [sentences for known, sentences in find_misspelled(self._environ) if known in meant]
        self._report(name, " ".join(["is not set.", remedy, *hints]))

    def secret(self, name: str, description: str, prefix: str = "") -> Secret:
        """Read a required secret that begins with `prefix`."""
        value = self.text(name)
        if not value:
            self._report_unset(name, f"Set it to {description}.")
        elif not is_key(value):
            self._report(name, f"{_BAD_KEY}: {description}.")
        elif prefix and value.startswith(f"{_ROTATING}{prefix}"):
            self._report(name, f"{_ROTATES}.")
        elif not value.startswith(prefix):
            self._report(name, f"does not begin with {prefix}. Set it to {description}.")
        return Secret("" if name in self._problems else value)

    def optional_secret(self, name: str, description: str, prefix: str = "") -> Secret | None:
        """Read a secret that can be left out."""
        return self.secret(name, description, prefix) if self.text(name) else None

    def secrets(self, name: str, description: str, *, unless: str, alternative: str) -> tuple[Secret, ...]:
        """Read secrets; at least one, unless the variable `unless` is set, which takes `alternative`."""
        values = self._items(name)
        if not values and not self.is_set(unless):
            remedy = f"Set it to {description}, or set {unless} to {alternative} for Socket Mode."
            self._report_unset(name, remedy, unless)
        elif not all(map(is_key, values)):
            self._report(name, f"{_BAD_KEY}: {description}.")
        return tuple(map(Secret, values))

    def alert_tokens(self, name: str, unnamed: Secret | None) -> dict[str, Secret]:
        """Read tokens like `name=token`, and return them by name, with the one that has none."""
        found = [_NAMED_TOKEN.fullmatch(item) for item in self._items(name)]
        tokens = [(DEFAULT_SENDER, unnamed)] if unnamed else []
        tokens += [(one[1], Secret(one[2])) for one in found if one]
        if not all(found):
            wrong = ", ".join(str(number) for number, one in enumerate(found, 1) if not one)
            self._report(name, f"has no name=token (item {wrong}). {_ABOUT_NAMES}")
        elif len(dict(tokens)) < len(tokens) or len({token for _, token in tokens}) < len(tokens):
            self._report(name, f"has a name or a token twice; ALERTS_TOKEN has the name {DEFAULT_SENDER}. Remove one.")
        elif len(tokens) > MOST_ALERT_TOKENS:
            self._report(name, f"has over {MOST_ALERT_TOKENS} tokens, with ALERTS_TOKEN. Remove some.")
        return dict(tokens)

    def names_of(self, tokens: Iterable[str], name: str) -> frozenset[str]:
        """Read names of `tokens`, separated by commas."""
        names, known = self._items(name), set(tokens)
        if unknown := ", ".join(str(number) for number, one in enumerate(names, 1) if one not in known):
            remedy = f"Use names of ALERTS_TOKENS, or {DEFAULT_SENDER} for ALERTS_TOKEN, separated by commas."
            self._report(name, f"has a name that no token has (item {unknown}). {remedy}")
        return frozenset(names)

    def _items(self, name: str) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def optional_id(self, name: str, pattern: re.Pattern[str], what: str) -> str | None:
        """Read an id that can be left out. `what` is the end of a sentence that says what it has to be."""
        value = self.text(name)
        if value and not pattern.fullmatch(value):
            self._report(name, f"is not {what}")
        return value or None

    def ids(self, name: str, pattern: re.Pattern[str], example: str) -> frozenset[str]:
        """Read ids separated by commas. Commas alone are an error, since they do not mean "no restriction"."""
        values = self._items(name)
        invalid = [str(number) for number, value in enumerate(values, 1) if not pattern.fullmatch(value)]
        if invalid or (self.text(name) and not values):
            items = f" (item {', '.join(invalid)})" if invalid else ""
            self._report(name, f"contains an invalid id{items}. Use ids like {example}, separated by commas.")
        return frozenset(values)

    def encryption_keys(self, name: str, *, is_required: bool) -> tuple[Secret, ...]:
        """Read Fernet keys. https://cryptography.io/en/latest/fernet/."""
        values = self._items(name)
        if is_required and not values:
            self._report_unset(name, "Set it to a key from `anchor-bot keys new`.")
        elif not all(map(_ENCRYPTION_KEY.fullmatch, values)):
            self._report(name, "contains an invalid key. Use only keys from `anchor-bot keys new`.")
        return tuple(map(Secret, values))

    def database_url(self, name: str, default: str, *, can_be_memory: bool) -> Secret:
        """Read a database URL, which can contain a password. `can_be_memory` allows `sqlite://`."""
        value = self.text(name, default)
        if not (_DATABASE_URL.fullmatch(value) or (can_be_memory and value == _MEMORY)):
            memory = f", or {_MEMORY} to keep nothing" if can_be_memory else ""
            self._report(
                name,
                f"is not a supported database URL. "
                f"Use sqlite:///anchor-bot.db or postgresql://user:password@host:5432/name{memory}.",
            )
        return Secret(value)

    def url(self, name: str, default: str | None = None, *, example: str = "") -> str:
        """Read a URL that keys can be sent to. `example` is needed if there is no default."""
        value = self.text(name, default)
        if not value:
            self._report_unset(name, f"Set it to a URL like {example}.")
        elif not is_safe_url(value):
            example = example or SETTINGS[name].default
            self._report(name, f"is not a valid https URL. Use a URL like {example}.")
        return value

    def proxy(self, name: str, exceptions: str) -> Proxy | None:
        """Read an optional proxy, and the hosts that are called without it. Other programs use lower case as well."""
        value, direct = (self.text(one) or self._plain(one.lower()) for one in (name, exceptions))
        if not value:
            return None
        proxy = parse_proxy(value, direct)
        if proxy is None:
            problem = "is not the URL of an HTTP proxy. Use one like http://user:password@proxy.example.com:3128."
            self._report(name, problem)
        return proxy

    def seconds(self, name: str, *, least: float = 0.001, most: float = 600.0) -> float:
        """Read a time in seconds."""
        try:
            seconds = float(self.text(name))
        except ValueError:
            seconds = math.nan
        if not least <= seconds <= most:  # also false for NaN
            limits, default = f"from {least:g} to {most:g}", SETTINGS[name].default
            self._report(name, f"is not a number of seconds {limits}. Use one like {default}.")
        return seconds

    def number(self, name: str, of: str, most: int, *, least: int = 1) -> int:
        """Read a whole number from `least` to `most`, which is less than 10,000."""
        value = self.text(name)
        if _NUMBER.fullmatch(value) and least <= int(value) <= most:
            return int(value)
        self._report(name, f"is not a whole number of {of} from {least} to {most}, like {SETTINGS[name].default}.")
        return 0

    def port(self, name: str, *, example: str = "") -> int:
        """Read a port; 0 means any free port. `example` is needed if there is no default."""
        value, example = self.text(name), example or SETTINGS[name].default
        if is_port(value):
            return int(value)
        self._report(name, f"is not a port. Use a number from 0 (any free port) to 65535, like {example}.")
        return 0

    def optional_port(self, name: str, *, example: str, unlike: int) -> int | None:
        """Read a port that can be left out, and is not `unlike`, that of PORT."""
        port = self.port(name, example=example) if self.text(name) else None
        if port and port == unlike:
            self._report(name, f"is the same as PORT. Use another port, like {example}.")
        return port

    def choice(self, name: str, choices: tuple[_Choice, ...]) -> _Choice:
        """Read one of `choices`, in any case."""
        value = self.text(name)
        for choice in choices:
            if value.casefold() == choice.casefold():
                return choice
        self._report(name, f"is not one of {', '.join(choices)}. Use one, or remove it for {SETTINGS[name].default}.")
        return choices[0]


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """Return the file's variables, which the environment overrides, also with blank ones. Raises SettingsError."""
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}).",)) from None
    bindings = list(parse_stream(io.StringIO(text)))
    if wrong := [one.original.line for one in bindings if one.error]:
        raise SettingsError(tuple(f"{env_file}, line {line} is invalid. Write NAME=value." for line in wrong))
    return {one.key: one.value for one in bindings if one.key and one.value is not None} | dict(environ)


def write_environment(env_file: Path, variables: Mapping[str, str], comment: str, *, replaces: bool) -> None:
    """Write a file for its owner, whole or not at all. Raises OSError: FileExistsError unless it `replaces` one."""
    lines = [f"# {comment}", *(f"{name}={_quote(value)}" for name, value in variables.items())]
    new = env_file.with_name(f"{env_file.name}-{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            new.replace(env_file)
        else:
            os.link(new, env_file)  # fails if there is one meanwhile
    finally:
        new.unlink(missing_ok=True)


def _quote(value: str) -> str:
    """Quote a value only if it is needed: not every reader of such files removes quotes."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

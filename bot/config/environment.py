"""Read settings from the environment and from `.env`, and say what is wrong with them."""

import io
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from bot.config.catalog import IN_LOWER_CASE, SETTINGS, VARIABLES, InvalidValueError, Setting

_OF_OTHERS = {"HTTP_PROXY", "http_proxy"}  # similar, and often set beside HTTPS_PROXY
_SIMILARITY = 0.84  # ALERT_TOKEN is similar; ANCHOR_BOT_PORT, which Kubernetes sets, is not

_MAX_BYTES = 64 * 1024

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


class Reading:
    """The values of all settings, by name, from the environment, and the first problem of each. None repeats a value.

    A setting with a problem has the value of one that is not set: `finish` raises, unless it is not `needed`.
    """

    def __init__(self, environ: Mapping[str, str], needed: Collection[str] = VARIABLES) -> None:
        self._environ, self.needed = environ, frozenset(needed)
        self._problems: dict[str, str] = {}
        self._from_files: set[str] = set()
        self.values: dict[str, Any] = {name: self._read(setting) for name, setting in SETTINGS.items()}

    def finish(self) -> None:
        """Raise SettingsError if there is a problem."""
        if problems := tuple(problem for name, problem in self._problems.items() if name in self.needed):
            raise SettingsError(problems)

    def is_set(self, name: str) -> bool:
        """Return whether a setting has another value than its default, or names a file."""
        return any(self._text(one) not in {"", SETTINGS[name].default} for one in SETTINGS[name].variables)

    def report(self, name: str, problem: str) -> None:
        """Record the problem of a setting, as the end of a sentence that begins with its name."""
        source = f" (from {SETTINGS[name].file_variable})" if name in self._from_files else ""
        self._problems.setdefault(name, f"{name}{source} {problem}")

    def require(self, name: str) -> None:
        """Report a required setting that is not set, with those that can be meant by a misspelled name."""
        setting = SETTINGS[name]
        if setting.read("") != self.values[name] or (setting.unless and self.is_set(setting.unless)):
            return
        remedy = f"Set it to {setting.limits[0]}"
        if setting.unless:
            remedy += f", or set {setting.unless} to {SETTINGS[setting.unless].limits[0]} for Socket Mode"
        meant = {variable for one in (name, setting.unless) if one for variable in SETTINGS[one].variables}
        hints = [sentences for known, sentences in find_misspelled(self._environ) if known in meant]
        self.report(name, " ".join(["is not set.", f"{remedy}.", *hints]))

    def _read(self, setting: Setting) -> Any:  # noqa: ANN401 - as its reader says
        try:
            names = (setting.name, setting.name.lower()) if setting.name in IN_LOWER_CASE else (setting.name,)
            text = next(filter(None, map(self._text, names)), "")
            if setting.is_secret and (path := self._text(setting.file_variable)):
                text = self._read_file(setting, path, text)
                self._from_files.add(setting.name)
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


def write_environment(env_file: Path, variables: Mapping[str, str], comment: str) -> None:
    """Write a file for its owner, whole or not at all. Raises OSError."""
    lines = [f"# {comment}", *(f"{name}={_quote(value)}" for name, value in variables.items())]
    new = env_file.with_name(f"{env_file.name}-{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(env_file)
    finally:
        new.unlink(missing_ok=True)


def _quote(value: str) -> str:
    """Quote a value only if it is needed: not every reader of such files removes quotes."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

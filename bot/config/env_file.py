"""Read and write a .env file, and merge its variables with the environment."""

import io
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from dotenv.parser import parse_stream

from bot.config.env_reader import SettingsError

_OWNER_ONLY = 0o600
_PLAIN = re.compile(r"[\w./:@,=+%?&-]*", re.ASCII)


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """Return the file's variables overridden by the environment, also by its blank variables.

    Raises SettingsError if the file exists and cannot be read or parsed.
    """
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}). Make it a readable UTF-8 file.",)) from None
    return parse_variables(io.StringIO(text), str(env_file)) | dict(environ)


def parse_variables(lines: IO[str], name: str) -> dict[str, str]:
    """Return the variables of lines like NAME=value; `name` is that of the file. Raises SettingsError."""
    bindings = list(parse_stream(lines))
    problems = tuple(f"{name}, line {one.original.line} is invalid. Write NAME=value." for one in bindings if one.error)
    if problems:
        raise SettingsError(problems)
    return {one.key: one.value for one in bindings if one.key and one.value is not None}


def write_environment(env_file: Path, variables: Mapping[str, str], comment: str, *, replaces: bool) -> None:
    """Write a file that only its owner can read: at once as a whole, or not at all.

    Raises FileExistsError if there is one and it is not to be replaced, or another OSError.
    """
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

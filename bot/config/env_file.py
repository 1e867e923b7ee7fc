"""Merge the environment with the variables of a .env file."""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from bot.config.env_reader import SettingsError


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """Return the file's variables overridden by the environment, also by its blank variables.

    Raises SettingsError if the file exists and cannot be read or parsed.
    """
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}). Make it a readable UTF-8 file.",)) from None
    lines = list(parse_stream(io.StringIO(text)))
    problems = tuple(
        f"{env_file}, line {line.original.line} is invalid. Write NAME=value." for line in lines if line.error
    )
    if problems:
        raise SettingsError(problems)
    return {line.key: line.value for line in lines if line.key and line.value is not None} | dict(environ)

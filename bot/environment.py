"""The variables that the bot is started with: those of the environment, and those of a file."""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from bot.variables import SettingsError


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """The environment over the file's variables; a variable that is set blank stays blank.

    Raises SettingsError where there is a file and it, or a line of it, can't be read.
    """
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}): make it a readable UTF-8 file.",)) from None
    bindings = list(parse_stream(io.StringIO(text)))
    problems = [
        f"{env_file}, line {one.original.line}, can't be read: write NAME=value." for one in bindings if one.error
    ]
    if problems:
        raise SettingsError(tuple(problems))
    return {one.key: one.value for one in bindings if one.key and one.value is not None} | dict(environ)

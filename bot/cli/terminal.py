"""The terminal: plain text, warnings and questions, which the commands share, exit codes, and the environment."""

import html
import os
import pwd
import re
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.config.environment import read_environment
from bot.core.orders import operator_id

ENV_FILE = Path(".env")
UNUSABLE_SETTINGS = 2  # the exit code if a setting or an argument is invalid
Run = Callable[[Coroutine[Any, Any, int]], int]
"""It runs a coroutine to its end, and returns the exit code."""

_LINK = re.compile(r"<(https?:[^<>|]+)\|([^<>]+)>")
_DATE = re.compile(r"<!date\^[^<>|]+\|([^<>]+)>")
_ID = re.compile(r"<([@#][A-Z0-9]+)>")
_VERDICT = re.compile(r"(^\W*|· [^\w\s]{0,3} ?)\*([^*\n]+)\*", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


class NotDoneError(Exception):
    """A command that was not completed; the text says why. `code` is its exit code."""

    def __init__(self, why: str, *, code: int = 1) -> None:
        super().__init__(why)
        self.code = code


def terminal_text(mrkdwn: str) -> str:
    """Return a message as plain text, with the URLs of its links."""
    text = _LINK.sub(r"\2 (\1)", mrkdwn)
    text = _DATE.sub(r"\1", text)
    text = _ID.sub(r"\1", text)
    text = _VERDICT.sub(r"\1\2", text)
    return html.unescape(_CODE.sub(r"\1", text))


def say(*lines: str) -> None:
    """Print lines of mrkdwn as plain text. A pause goes on if nobody reads them."""
    with suppress(BrokenPipeError):
        print(terminal_text("\n".join(lines)), flush=True)  # noqa: T201 - output of a command


def print_line(line: str) -> None:
    """Print a line as it is."""
    print(line)  # noqa: T201 - output of a command


def warn(sentence: str) -> None:
    """Print a warning."""
    print(f"anchor-bot: Warning: {as_called(sentence)}", file=sys.stderr, flush=True)  # noqa: T201 - output of a command


def confirm(question: str, *expected: str, why_not: str) -> None:
    """Ask a person for one of the expected answers, by default a yes. Raises NotDoneError without it."""
    if not sys.stdin.isatty():
        raise NotDoneError(f"{why_not}: without a terminal, give --yes.", code=UNUSABLE_SETTINGS)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # that of an event loop would wait for the answer
    with suppress(EOFError):
        if input(question if expected else f"{question} [y/N] ").strip().casefold() in (expected or ("y", "yes")):
            return
    raise NotDoneError(f"{why_not}.")


def as_called(sentence: str) -> str:
    """Return a sentence without Markdown; its hints have the name of this command as called, like bin/anchor-bot."""
    name = sys.argv[0]
    if Path(name).name == "anchor-bot" and shutil.which("anchor-bot") != name:
        sentence = sentence.replace("`anchor-bot ", f"`{name} ")
    return _CODE.sub(r"\1", sentence)


def environ() -> Mapping[str, str]:
    """Return the variables of the environment and of `.env`. Raises SettingsError."""
    return read_environment(os.environ, ENV_FILE)


def user_id() -> str:
    """Return the id of the user who runs the command."""
    uid = os.getuid()
    try:
        return operator_id(pwd.getpwuid(uid).pw_name)
    except KeyError:  # as in a container
        return operator_id(f"#{uid}")

"""The command line: commands, arguments, and their output."""

import contextlib
import html
import os
import pwd
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.core.requests import operator_id
from bot.core.session_ids import SessionId

_LINK = re.compile(r"<(https?:[^<>|]+)\|([^<>]+)>")
_DATE = re.compile(r"<!date\^[^<>|]+\|([^<>]+)>")
_ID = re.compile(r"<([@#][A-Z0-9]+)>")
_VERDICT = re.compile(r"(^\W*|· [^\w\s]{0,3} ?)\*([^*\n]+)\*", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def terminal_text(mrkdwn: str) -> str:
    """Return a message as plain text, with the URLs of its links."""
    text = _LINK.sub(r"\2 (\1)", mrkdwn)
    text = _DATE.sub(r"\1", text)
    text = _ID.sub(r"\1", text)
    text = _VERDICT.sub(r"\1\2", text)
    return html.unescape(_CODE.sub(r"\1", text))


def say(*lines: str) -> None:
    """Print lines of mrkdwn as plain text. A pause goes on if nobody reads them."""
    with contextlib.suppress(BrokenPipeError):
        print(terminal_text("\n".join(lines)), flush=True)  # noqa: T201 - output of a command


def warn(sentence: str) -> None:
    """Print a warning."""
    print(f"anchor-bot: Warning: {as_called(sentence)}", file=sys.stderr, flush=True)  # noqa: T201 - output of a command


def typed(prompt: str, read: Callable[[str], str] | None = None) -> str:
    """Return what a person types. Raises EOFError after Ctrl-D."""
    try:
        return (read or input)(prompt).strip()
    except KeyboardInterrupt:
        print(file=sys.stderr)  # noqa: T201 - the prompt has no end of line
        raise


def agrees(question: str) -> bool:
    """Ask a person at a terminal, to whom no answer means no."""
    with contextlib.suppress(EOFError):
        return typed(f"{question} [y/N] ").casefold() in {"y", "yes"}
    return False


def require_yes(question: str, *, why_not: str) -> None:
    """Ask a person. Raises NotDoneError without a yes."""
    _require_terminal(why_not)
    if not agrees(question):
        raise NotDoneError(f"{why_not}.")


def confirm_id(session_id: SessionId, what: str, *, why_not: str) -> None:
    """Say what comes, and ask for the beginning of the id. Raises NotDoneError without it."""
    confirm(f"{what}, type the first 8 digits of its id: ", session_id[:8], why_not=why_not)


def confirm(question: str, expected: str, *, why_not: str) -> None:
    """Ask, while the event loop runs, for what is expected. Raises NotDoneError without it."""
    _require_terminal(why_not)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # that of the event loop would wait for the answer
    with contextlib.suppress(EOFError):
        if typed(question).casefold() == expected:
            return
    raise NotDoneError(f"{why_not}.")


def _require_terminal(why_not: str) -> None:
    if not sys.stdin.isatty():
        raise NotDoneError(f"{why_not}: without a terminal, give --yes.", code=UNUSABLE_SETTINGS)


def as_called(sentence: str) -> str:
    """Return a sentence without Markdown; its hints have the name of this command as called, like bin/anchor-bot."""
    name = sys.argv[0]
    if Path(name).name == "anchor-bot" and shutil.which("anchor-bot") != name:
        sentence = sentence.replace("`anchor-bot ", f"`{name} ")
    return _CODE.sub(r"\1", sentence)


def run_as_owner(file: Path, access: int = os.R_OK) -> str:
    """Return the advice to run this command as the user whose file it is; "" if there is none, or it can be used."""
    known = next(one for one in (file, *file.absolute().parents) if os.access(one, os.F_OK))  # the file, or beside it
    owner = known.stat().st_uid
    if os.access(known, access if known is file else os.X_OK) or owner == os.geteuid():
        return ""
    user = shlex.quote(_name_of(owner))
    return f"Run it as {user}: `sudo -u {user} {shlex.join(sys.argv)}`."


def user_id() -> str:
    """Return the id of the user who runs the command."""
    return operator_id(_name_of(os.getuid()))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container
        return f"#{uid}"

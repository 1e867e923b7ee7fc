"""The command line: commands, arguments, and their output."""

import os
import pwd
import re
import shutil
import signal
import sys
from pathlib import Path

from bot.core.requests import operator_id

INTERRUPTED = 128 + signal.SIGINT
"""The exit code after Ctrl-C, as a shell reports it."""

_UID = re.compile(r"\d{1,10}", re.ASCII)

NOTHING_DONE = "Interrupted. Nothing was sent or changed."


def as_called(sentence: str) -> str:
    """Return a sentence with the name by which this command was called, like .venv/bin/anchor-bot, in its hints."""
    name = sys.argv[0]
    if Path(name).name != "anchor-bot" or shutil.which("anchor-bot") == name:
        return sentence
    return sentence.replace("`anchor-bot ", f"`{name} ")


def user_id() -> str:
    """Return the id of the user who runs the command. Beside root it has the user of SUDO_UID, if there is one."""
    own, said = _name_of(os.getuid()) or str(os.getuid()), os.environ.get("SUDO_UID", "")
    name = _name_of(int(said)) if os.getuid() == 0 and _UID.fullmatch(said) else None
    if name is None or name == own:
        return operator_id(own)
    both, numbered = (operator_id(f"{own}, sudo says {one}") for one in (name, int(said)))
    return both if both.endswith(name) else numbered  # a name that is too long


def _name_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None

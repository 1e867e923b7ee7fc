"""The command line: commands, arguments, and their output."""

import shutil
import signal
import sys
from pathlib import Path

INTERRUPTED = 128 + signal.SIGINT
"""The exit code after Ctrl-C, as a shell reports it."""

NOTHING_DONE = "Interrupted. Nothing was sent or changed."


def as_called(sentence: str) -> str:
    """Return a sentence with the name by which this command was called, like .venv/bin/anchor-bot, in its hints."""
    name = sys.argv[0]
    if Path(name).name != "anchor-bot" or shutil.which("anchor-bot") == name:
        return sentence
    return sentence.replace("`anchor-bot ", f"`{name} ")

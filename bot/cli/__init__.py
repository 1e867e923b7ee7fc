"""The command line: commands, arguments, and their output."""

import signal

INTERRUPTED = 128 + signal.SIGINT
"""The exit code after Ctrl-C, as a shell reports it."""

NOTHING_DONE = "Interrupted. Nothing was sent or changed."

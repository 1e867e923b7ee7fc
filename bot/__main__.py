"""Entry point of `anchor-bot` and of `python -m bot`: Ctrl-C ends it also while it is being loaded."""

import os
import signal
import sys


def main() -> int:
    """Run the command line, and return its exit code. After its end Ctrl-C changes nothing any more."""
    can_be_interrupted = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if can_be_interrupted:
        signal.signal(signal.SIGINT, _end)
    from bot.cli.main import main as run  # noqa: PLC0415 - this takes most of the time of a short command

    if can_be_interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run()
    if can_be_interrupted:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _end(*_: object) -> None:
    """Say what `bot.cli` says: that is not loaded yet."""
    os.write(2, b"anchor-bot: Interrupted. Nothing was sent or changed.\n")
    os._exit(128 + signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())

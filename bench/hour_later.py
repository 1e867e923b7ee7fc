"""Run the bot with clocks that jump an hour ahead at each SIGUSR2, as `anchor-bot` with the same arguments.

This shows what a cache does after an hour, without waiting for one. The timers of the event loop do not jump.
"""

import signal
import sys
import time
from collections.abc import Callable

HOUR = 3600.0  # seconds


def main() -> int:
    """Replace the clocks before the bot imports them, then run it."""
    jumped = [0.0]
    time.time = _ahead(time.time, jumped)
    time.monotonic = _ahead(time.monotonic, jumped)
    signal.signal(signal.SIGUSR2, lambda *_: jumped.append(jumped.pop() + HOUR))
    from bot.cli.main import main as run  # noqa: PLC0415 - after the clocks

    return run()


def _ahead(clock: Callable[[], float], seconds: list[float]) -> Callable[[], float]:
    return lambda: clock() + seconds[0]


if __name__ == "__main__":
    sys.exit(main())

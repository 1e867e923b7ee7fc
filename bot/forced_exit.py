"""End the process in time, whatever hangs: a thread in the system's name lookup, a database, or a connection."""

import os
import threading


def force_exit_after(code: int, *, within: float) -> None:
    """End the process with `code` after `within` seconds, unless it has ended by then."""
    timer = threading.Timer(within, os._exit, (code,))
    timer.daemon = True
    timer.start()

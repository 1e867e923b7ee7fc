"""The process ends although something that can't be stopped still hangs in it."""

import subprocess
import sys
import time

HANGING = """
import sys, threading, time
from bot.cli import leave
threading.Thread(target=time.sleep, args=(30,)).start()
leave(2, within=0.5)
"""


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", HANGING], check=False)  # noqa: S603 - our own text
    assert ended.returncode == 2
    assert time.monotonic() - started < 10

"""Count the instructions of an order with callgrind of valgrind: other programs on the machine change nothing.

An application runs some 25 times as slowly. https://valgrind.org/docs/manual/cl-manual.html
"""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.load import Load
from bench.measures import KNOWN, NO_DELAYS, Stage
from bench.people import Card

IN_FLIGHT = 8
"""With more commands in flight, an ack would not wait for the outcome any more: each takes 50 ms."""

_WARM_UP, COUNTED = 200, 400  # commands
_CLICKS_BEFORE, CLICKS = 10, 30  # the bot sends at most 40 updates of cards a minute
_QUIET = 1.0  # seconds, for what follows the acks
_WRITTEN_WITHIN = 30.0
_POLL_INTERVAL = 0.1
_TOTALS = "totals: "


async def instructions(stage: Stage) -> dict[str, float]:
    """Return the thousands of instructions of an order, in the application and its libraries, without the kernel."""
    has_cards = stage.application.revision is not None

    async def click(load: Load, numbers: range) -> None:
        for number in numbers:
            await load.click(KNOWN[0], Card(number), ends_with_card=has_cards)

    return {
        "instructions": await _count(stage, partial(_command, IN_FLIGHT)),
        "instructions_alone": await _count(stage, partial(_command, 1)),
        "instructions_click": await _count(stage, click, clicks=True),
    }


async def _command(in_flight: int, load: Load, numbers: range) -> None:
    await load.run((KNOWN[number % len(KNOWN)] for number in numbers), in_flight)


async def _count(stage: Stage, order: Callable[[Load, range], Awaitable[None]], *, clicks: bool = False) -> float:
    """Return the thousands of instructions of what `order` does for each number: of a card if they are clicks."""
    before, counted = (_CLICKS_BEFORE, CLICKS) if clicks else (_WARM_UP, COUNTED)
    with TemporaryDirectory() as directory:
        counts = Path(directory) / "counts"
        valgrind = ("valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}")
        async with (
            stage.start(under=valgrind, cards=before + counted if clicks else 0) as running,
            stage.checked(NO_DELAYS),
        ):
            (pid,) = running.pids
            await order(running.load, range(before))
            await asyncio.sleep(_QUIET)
            _control("--zero", pid)
            await order(running.load, range(before, before + counted))
            await asyncio.sleep(_QUIET)
            _control("--dump", pid)
            return await _read_total(counts.with_suffix(".1")) / counted / 1000


def _control(action: str, pid: int) -> None:
    subprocess.run(("callgrind_control", action, str(pid)), check=True, capture_output=True)  # noqa: S603, S607 - fixed


async def _read_total(dump: Path) -> int:
    """Return the total once the dump is written. Raises TimeoutError."""
    async with asyncio.timeout(_WRITTEN_WITHIN):
        while not (lines := _lines_of(dump)):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(_POLL_INTERVAL)
    return int(lines[-1].removeprefix(_TOTALS))


def _lines_of(dump: Path) -> list[str]:
    text = dump.read_text(errors="replace") if dump.exists() else ""
    return [line for line in text.splitlines() if line.startswith(_TOTALS)]

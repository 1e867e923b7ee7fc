"""Count the instructions of a command with callgrind of valgrind: other programs on the machine change nothing.

An application runs some 25 times as slowly. https://valgrind.org/docs/manual/cl-manual.html
"""

import asyncio
import itertools
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measures import KNOWN, NO_DELAYS, Stage

IN_FLIGHT = 8
"""With more commands in flight, an ack would not wait for the outcome any more: each takes 50 ms."""

_WARM_UP, COUNTED = 200, 400  # commands
_QUIET = 1.0  # seconds, for what follows the acks
_WRITTEN_WITHIN = 30.0
_POLL_INTERVAL = 0.1
_TOTALS = "totals: "


async def instructions(stage: Stage) -> dict[str, float]:
    """Return the thousands of instructions of a command, in the application and its libraries, without the kernel."""
    return {"instructions": await _count(stage, IN_FLIGHT), "instructions_alone": await _count(stage, 1)}


async def _count(stage: Stage, in_flight: int) -> float:
    with TemporaryDirectory() as directory:
        counts = Path(directory) / "counts"
        valgrind = ("valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}")
        async with stage.start(under=valgrind) as running, stage.checked(NO_DELAYS):
            (pid,) = running.pids
            await running.load.run(itertools.islice(itertools.cycle(KNOWN), _WARM_UP), in_flight)
            await asyncio.sleep(_QUIET)
            _control("--zero", pid)
            orders = await running.load.run(itertools.islice(itertools.cycle(KNOWN), COUNTED), in_flight)
            await asyncio.sleep(_QUIET)
            _control("--dump", pid)
            total = await _read_total(counts.with_suffix(".1"))
    return total / len(orders) / 1000


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

"""Count the instructions of a command with callgrind of valgrind, which other programs on the machine do not change.

An application runs some 25 times as slowly. https://valgrind.org/docs/manual/cl-manual.html
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.applications import Application, run
from bench.running import Launcher

_IN_FLIGHT = 8  # with more, an ack would not wait for the outcome any more: each takes 50 ms
_WARM_UP, _COUNTED = 200, 400  # commands
_QUIET = 1.0  # seconds, for what follows the acks
_WRITTEN_WITHIN = 30.0
_TOTALS = "totals: "


async def instructions(launcher: Launcher, application: Application) -> dict[str, float]:
    """Thousands of instructions per command of 400 with callgrind, 8 in flight and one at a time, without the kernel's.

    They vary by 1 %, also on a busy machine. How long threads wait, and what the processor's caches do, is not in them.
    """
    return {
        f"{name}, thousands": await _count(launcher, application, in_flight)
        for name, in_flight in (("in flight", _IN_FLIGHT), ("one at a time", 1))
    }


async def _count(launcher: Launcher, application: Application, in_flight: int) -> float:
    with TemporaryDirectory() as directory:
        counts = Path(directory) / "counts"
        valgrind = ("valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}")
        async with launcher.run(application, valgrind) as running:
            await running.load.run(range(_WARM_UP), in_flight)
            await asyncio.sleep(_QUIET)
            run("callgrind_control", "--zero", str(running.pid))
            await running.load.run(range(_COUNTED), in_flight)
            await asyncio.sleep(_QUIET)
            run("callgrind_control", "--dump", str(running.pid))
            return await _read_total(counts.with_suffix(".1")) / _COUNTED / 1000


async def _read_total(dump: Path) -> int:
    """Return the total once the dump is written. Raises TimeoutError."""
    async with asyncio.timeout(_WRITTEN_WITHIN):
        while True:
            lines = dump.read_text(errors="replace").splitlines() if dump.exists() else []
            if totals := [line for line in lines if line.startswith(_TOTALS)]:
                return int(totals[-1].removeprefix(_TOTALS))
            await asyncio.sleep(0.1)

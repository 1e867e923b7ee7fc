"""Processor time, switches and memory of a process, as the kernel counts them, on a busy machine, too (Linux)."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_OF_A_PROCESS = 2  # CPUCLOCK_SCHED of Linux
_CORE_TICKS = slice(1, 9)  # the columns of a core that are time; idle and iowait among them:
_IDLE = slice(3, 5)


@dataclass(frozen=True, slots=True)
class Usage:
    """The processor seconds of a process with all its threads, and how often these have begun to wait.

    What `others` took is the share of its core.
    """

    cpu: float
    switches: int
    others: float


class Meter:
    """Meter of a process that has a core of its own; it counts from its construction."""

    def __init__(self, pid: int, core: int) -> None:
        self._pid, self._core = pid, core
        self._cpu, self._switches, self._ticks = self._read()

    def read(self) -> Usage:
        """Return what was used until now."""
        cpu, switches, (busy, total) = self._read()
        seconds = cpu - self._cpu
        passed = (total - self._ticks[1]) / os.sysconf("SC_CLK_TCK")
        others = (busy - self._ticks[0]) / os.sysconf("SC_CLK_TCK") - seconds
        gone = self._switches.keys() - switches.keys()
        if gone:
            raise ValueError(f"{len(gone)} threads have ended, and their switches are not known any more")
        woken = sum(count - self._switches.get(thread, 0) for thread, count in switches.items())
        return Usage(seconds, woken, max(0.0, others) / passed if passed else 0.0)

    def _read(self) -> tuple[float, dict[str, int], tuple[int, int]]:
        return _cpu_seconds(self._pid), _switches(self._pid), _core_ticks(self._core)


def _cpu_seconds(pid: int) -> float:
    """Return the clock of another process: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html."""
    return time.clock_gettime((~pid << 3) | _OF_A_PROCESS)


def _switches(pid: int) -> dict[str, int]:
    """Return the voluntary context switches of each thread; a busy machine adds only others."""
    return {
        status.parent.name: int(_field(status.read_text(), "voluntary_ctxt_switches"))
        for status in Path(f"/proc/{pid}/task").glob("*/status")
    }


def _core_ticks(core: int) -> tuple[int, int]:
    """Return for how many ticks a core was busy, and all ticks, since the machine was started."""
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    ticks = next([int(tick) for tick in line[_CORE_TICKS]] for line in lines if line[0] == f"cpu{core}")
    return sum(ticks) - sum(ticks[_IDLE]), sum(ticks)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    return int(_field(Path(f"/proc/{pid}/status").read_text(), "VmRSS").split()[0]) / 1000


def description() -> str:
    """Return the processor, the kernel and the number of cores."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def _field(text: str, name: str) -> str:
    return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(f"{name}:"))

"""The machine: its cores, and the time and the memory that processes take (Linux)."""

import os
import platform
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)  # the columns idle and iowait
_OF_A_PROCESS = 2  # CPUCLOCK_SCHED of Linux
_FLUSH_INTERVAL = 0.1  # seconds
_BLOCK = bytes(8192)  # of PostgreSQL


def cores() -> tuple[int, int]:
    """Return the core of the load and that of the applications: the same if the machine has only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[min(1, len(available) - 1)]


def pinned(*cores: int) -> tuple[str, ...]:
    """Return the command that runs another one on these cores."""
    return ("taskset", "-c", ",".join(map(str, cores)))


@dataclass(frozen=True, slots=True)
class Usage:
    """The processor time of processes in seconds, and the shares of their core that they and others took."""

    cpu: float
    own_share: float
    others_share: float


class Meter:
    """Meter of groups of processes (pids) that have a core each."""

    def __init__(self, groups: Sequence[Sequence[int]], cores: Sequence[int]) -> None:
        self._groups = groups
        self._cores = cores
        self._before: list[tuple[float, float, float]] = []

    def start(self) -> None:
        """Begin to measure."""
        self._before = self._read()

    def stop(self) -> list[Usage]:
        """Return the usage since the start, of each group."""
        usages = []
        for before, after in zip(self._before, self._read(), strict=True):
            cpu, busy, total = (later - earlier for earlier, later in zip(before, after, strict=True))
            usages.append(Usage(cpu, cpu / total, max(0.0, busy - cpu) / total))
        return usages

    def _read(self) -> list[tuple[float, float, float]]:
        return [
            (sum(map(_cpu_seconds, pids)), *_core_times(core))
            for pids, core in zip(self._groups, self._cores, strict=True)
        ]


class Disk:
    """Probe of the disk of a directory: within `with`, a thread writes a block to it ten times a second.

    `slowest` is the longest time until it was durable, in seconds. Commits wait for the disk as long.
    """

    def __init__(self, directory: Path) -> None:
        self.slowest = 0.0
        self._file = directory / "probe"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()

    def _probe(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            while not self._is_over.wait(_FLUSH_INTERVAL):
                began = time.perf_counter()
                file.write(_BLOCK)
                os.fdatasync(file.fileno())
                self.slowest = max(self.slowest, time.perf_counter() - began)
                file.seek(0)


def _core_times(core: int) -> tuple[float, float]:
    """Return the seconds for which a core was busy, and all seconds, since the machine was started."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *columns = line.split()
        if name == f"cpu{core}":
            ticks = [int(column) for column in columns[:8]]
            return (sum(ticks) - sum(ticks[_IDLE])) / _TICKS, sum(ticks) / _TICKS
    raise LookupError(f"no core {core}")


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its threads, in nanoseconds' steps.

    This is the clock of another process: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    return time.clock_gettime((~pid << 3) | _OF_A_PROCESS)


def wakeups(pids: Sequence[int]) -> int:
    """Return how often the threads of processes have begun to wait: each was woken afterwards, or will be."""
    lines = [
        line
        for pid in pids
        for status in Path("/proc").glob(f"{pid}/task/*/status")
        for line in status.read_text().splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise LookupError(f"process {pid} has no memory")


def description() -> str:
    """Return the processor, the kernel and the number of cores, and whether temporary files are in memory."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    found = f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    return f"{found}, databases in memory" if _is_in_memory(Path(tempfile.gettempdir())) else found


def _is_in_memory(directory: Path) -> bool:
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
    own = [(len(mount), kind) for mount, kind in mounts if directory.is_relative_to(mount)]
    return max(own)[1] == "tmpfs"

"""Virtual time: an event loop whose clock jumps to the next timer if nothing else can happen before it.

The bot, both simulators and the test are one process. If no socket of the process is readable and no thread works,
nothing can happen until the next timer is due: the clock jumps there, and `time.time`, `time.monotonic`,
`time.perf_counter` and the clock of SQLite follow. Sockets and files are real. Other processes do not follow, so tests
that need them run in real time on the same loop.

Imported by `conftest.py` before anything of the product, since functions of `time` are kept as default values.
"""

import asyncio
import contextlib
import io
import selectors
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_ON_THE_WAY = 0.0008
"""Seconds in which the kernel delivers what was sent over loopback."""

_LONGEST_TEST = 900.0
"""Virtual seconds after which a test hangs: only timers of the bot run."""

_real: dict[str, Callable[[], float]] = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}
_connect = sqlite3.dbapi2.connect


class HangsError(Exception):
    """A test waits for what can't happen any more."""


class Clock:
    """How far the clocks of this process are ahead of those of the machine, in seconds."""

    def __init__(self) -> None:
        self.is_virtual = True
        self.jumps = 0
        self.wall = 0.0
        self.monotonic = 0.0
        self.limit = _LONGEST_TEST
        self._began = 0.0

    def begin_test(self, *, is_virtual: bool, limit: float = _LONGEST_TEST) -> None:
        """Let the wall clock be the machine's again. A monotonic clock never goes back."""
        self.is_virtual, self.limit = is_virtual, limit
        self.wall, self._began = 0.0, self.monotonic

    @property
    def skipped(self) -> float:
        """The seconds that the running test has skipped."""
        return self.monotonic - self._began

    def jump(self, seconds: float) -> None:
        self.jumps += 1
        self.wall += seconds
        self.monotonic += seconds


clock = Clock()


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type,unused-ignore] # one class for each system
    """Reads the sockets, and jumps if there is nothing to read."""

    def __init__(self, loop: "VirtualTimeLoop") -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not clock.is_virtual:
            return super().select(timeout)
        events = super().select(0)
        if events or timeout == 0:
            return events
        if not self._loop.working:
            events = super().select(_ON_THE_WAY)
        if events or self._loop.working:
            return events or super().select(0.02 if timeout is None else min(timeout, 0.02))
        if timeout is None or clock.skipped > clock.limit:
            raise HangsError(self._loop.describe_tasks())
        clock.jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
        self.working = 0
        super().__init__(_Selector(self))
        self.set_default_executor(self._threads)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Count the threads that work. The count falls after the loop has been told of the result."""
        submitted = (executor or self._threads).submit(func, *args)
        self.working += 1
        future = asyncio.wrap_future(submitted, loop=self)
        submitted.add_done_callback(self._has_worked)
        return future

    def _has_worked(self, _: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self.working -= 1

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        """Wait for the threads, in a thread."""
        self.working += 1
        await super().shutdown_default_executor(*timeout)
        self.working -= 1

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        """Start a process. It does not follow the clock, so the rest of the test runs in real time."""
        clock.is_virtual = False
        return await super().subprocess_exec(*args, **options)

    def describe_tasks(self) -> str:
        """Say where each task waits."""
        text = io.StringIO()
        for task in asyncio.all_tasks(self):
            task.print_stack(limit=4, file=text)
        return f"nothing can happen any more after {clock.skipped:.0f} virtual seconds:\n{text.getvalue()}"


def _follow(name: str) -> None:
    real = _real[name]

    def follow() -> float:
        return real() + (clock.wall if name == "time" else clock.monotonic)

    setattr(time, name, follow)
    setattr(time, f"{name}_ns", lambda: int(follow() * 1_000_000_000))


def _connect_with_clock(*args: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*args, **options)
    connection.create_function("julianday", 1, lambda _: time.time() / 86_400 + 2_440_587.5)
    return connection


def install() -> None:
    """Let the clocks of Python and SQLite follow the jumps."""
    for name in _real:
        _follow(name)
    sqlite3.connect = sqlite3.dbapi2.connect = _connect_with_clock  # type: ignore[assignment]


install()

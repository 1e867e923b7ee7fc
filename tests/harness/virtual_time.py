"""Virtual time: an event loop whose clock stands still while the process works, and jumps to the next timer.

The bot, both simulators and the test are one process. If no socket of the process is readable and no thread works,
nothing can happen until the next timer is due: the clock jumps there. So no test waits, and a busy machine delays
nothing. `time.time`, `time.monotonic`, `time.perf_counter`, `time.sleep` and the clock of SQLite follow. Sockets,
threads and files are real. Other processes do not follow, so tests that need them run in real time on the same loop.

Imported by `conftest.py` before anything of the product, since functions of `time` are kept as default values.
"""

import asyncio
import io
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple
from weakref import WeakSet

if TYPE_CHECKING:
    from bot.outbound.store.connections import Pool

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_ROUNDS = 3
"""Round trips after which nothing is on its way over loopback: a connection takes three packets in turn."""

_STEP = 0.02
"""Real seconds between two looks at threads that work."""

_PATIENCE = 2.0
"""Real seconds that a thread of the database can work while the clock stands still. Later it hangs: time passes."""

_HURRY = 4.0
"""Virtual seconds that pass in a real one while all that threads do is to wait for a lock."""

_EVER = 30 * 86_400.0
"""Virtual seconds after which a test hangs: nothing but timers of the bot runs."""

_TURN = 1e-4
"""Virtual seconds that a turn of the event loop takes."""

_real_time, _real_monotonic, _real_perf_counter, _real_sleep = time.time, time.monotonic, time.perf_counter, time.sleep


class HangsError(Exception):
    """A test waits for what can't happen any more."""


class Clock:
    """The clock of this process, in seconds since it began. It stands still, or runs with that of the machine."""

    def __init__(self) -> None:
        self.is_virtual = False
        self.wakeups = 0
        """The number of times that an event loop had nothing to do, and then something came, or a timer was due."""
        self._at = 0.0
        self._runs_since: float | None = _real_monotonic()
        self._began, self._wall = 0.0, _real_time()
        self._monotonic, self._perf_counter = _real_monotonic(), _real_perf_counter()
        self.is_locked = False
        """Whether another program holds the lock of the SQLite file: then threads that work do nothing but wait."""

    def begin_test(self, *, is_virtual: bool) -> None:
        """Let the wall clock be the machine's again. A monotonic clock never goes back."""
        self.is_virtual = is_virtual
        self.stand() if is_virtual else self.run()
        self._began, self._wall = self.elapsed(), _real_time()

    def run(self) -> None:
        if self._runs_since is None:
            self._runs_since = _real_monotonic()

    def stand(self) -> None:
        self._at, self._runs_since = self.elapsed(), None

    def jump(self, seconds: float) -> None:
        self._at += seconds

    def elapsed(self) -> float:
        """Return the seconds since the process began."""
        return self._at + (0.0 if self._runs_since is None else _real_monotonic() - self._runs_since)

    @property
    def of_test(self) -> float:
        """The seconds since the test began."""
        return self.elapsed() - self._began

    def time(self) -> float:
        return self._wall + self.of_test

    def monotonic(self) -> float:
        return self._monotonic + self.elapsed()

    def perf_counter(self) -> float:
        return self._perf_counter + self.elapsed()

    def sleep(self, seconds: float) -> None:
        """Let the time pass. Another thread of the process sleeps, too: the loop may wait for it."""
        is_in_loop = self.is_virtual and asyncio._get_running_loop() is not None  # noqa: SLF001 - public, but for the name
        if not is_in_loop:
            _real_sleep(seconds)
        if self._runs_since is None:
            self.jump(seconds)


clock = Clock()


class _Selector(selectors.DefaultSelector):
    """Reads the sockets, and lets the clock jump if there is nothing to read.

    The kernel delivers packets over loopback in their order, on a busy machine after some time. So a byte is sent to
    ourselves, and when it is here, all that was sent before is here, too.
    """

    def __init__(self, loop: "VirtualTimeLoop") -> None:
        super().__init__()
        self._loop = loop
        self._waited = 0.0
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._sent = socket.create_connection(server.getsockname())
            self._received, _ = server.accept()
        self._sent.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_the_way = 0
        self.register(self._received, selectors.EVENT_READ)

    def close(self) -> None:
        self._sent.close()
        self._received.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not clock.is_virtual:
            return self._poll(timeout)
        clock.jump(_TURN)
        events = self._poll(0)
        if timeout == 0:
            return events
        events = events or self._wait(timeout)
        clock.wakeups += bool(events) or not self._loop.working
        return events

    def _wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._loop.working:
            return self._wait_for_threads(_STEP if timeout is None else min(timeout, _STEP))
        self._waited = 0.0
        events = self._wait_for_deliveries()
        if events or self._loop.working:
            return events
        if timeout is None or clock.of_test > _EVER:
            raise HangsError(self._loop.describe_tasks())
        clock.jump(timeout)
        return []

    def _poll(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout)
        if not self._on_the_way:
            return events
        others = [event for event in events if event[0].fileobj is not self._received]
        if len(others) < len(events):
            self._on_the_way -= len(self._received.recv(64))
        return others

    def _wait_for_deliveries(self) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(_ROUNDS):
            self._on_the_way += self._sent.send(b".")
            while self._on_the_way:
                if events := self._poll(None):
                    return events
        return []

    def _wait_for_threads(self, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._poll(seconds)
        self._waited = 0.0 if events else self._waited + seconds
        if clock.is_locked:
            clock.jump(_HURRY * seconds)
        elif self._waited > _PATIENCE:
            clock.jump(seconds)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time. It waits for the threads of databases.

    Threads of its own executor, which do anything, let the clock run meanwhile.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
        self._foreign = 0
        self.pools: WeakSet[Pool] = WeakSet()
        super().__init__(_Selector(self))
        self.set_default_executor(self._threads)

    @property
    def working(self) -> int:
        """The number of threads that work."""
        return self._foreign + sum(len(pool.working) for pool in self.pools)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Count the threads that work. The count falls after the loop has been told of the result."""
        self._begin_work()
        submitted = (executor or self._threads).submit(func, *args)
        future = asyncio.wrap_future(submitted, loop=self)
        submitted.add_done_callback(lambda _: self._tell_end())
        return future

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        """Wait for the threads, in a thread."""
        self._begin_work()
        await super().shutdown_default_executor(*timeout)
        self._end_work()

    def _begin_work(self) -> None:
        self._foreign += 1
        clock.run()

    def _tell_end(self) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._end_work)

    def _end_work(self) -> None:
        self._foreign -= 1
        if clock.is_virtual and not self._foreign:
            clock.stand()

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        """Start a process. It does not follow the clock, so the rest of the test runs in real time."""
        clock.is_virtual = False
        clock.run()
        return await super().subprocess_exec(*args, **options)

    def describe_tasks(self) -> str:
        """Say where each task waits."""
        text = io.StringIO()
        for task in asyncio.all_tasks(self):
            task.print_stack(limit=4, file=text)
        return f"nothing can happen any more, after {clock.of_test:.0f} virtual seconds:\n{text.getvalue()}"


def install() -> None:
    """Let the clocks of Python follow, and so that of SQLite."""
    for follow in (clock.time, clock.monotonic, clock.perf_counter):
        setattr(time, follow.__name__, follow)
        setattr(time, f"{follow.__name__}_ns", lambda follow=follow: int(follow() * 1_000_000_000))
    time.sleep = clock.sleep  # type: ignore[assignment]


def follow_stores() -> None:
    """Let loops know the threads of each store. Imports the store."""
    from bot.outbound.store.connections import Pool  # noqa: PLC0415 - not before the clocks follow

    create = Pool.__init__

    def create_known(pool: Pool, *values: Any, **named: Any) -> None:
        create(pool, *values, **named)
        if isinstance(loop := asyncio._get_running_loop(), VirtualTimeLoop):  # noqa: SLF001 - as above
            loop.pools.add(pool)

    Pool.__init__ = create_known  # type: ignore[assignment,method-assign]


install()

"""The process: readiness, tasks, periodic jobs, locks, garbage collection, standstills and the forced exit.

The id of the request that a task is about is in its log lines, in the journal, at Anchor, and in incidents.
"""

import asyncio
import ctypes
import gc
import itertools
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sized
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_CANCEL_AGAIN_AFTER = 2.0  # seconds

_INTERVAL, _IDLE_INTERVAL = 1.0, 8.0  # seconds between two collections of new objects; with hardly any,
_HARDLY_ANY = 500
_FEW = 10  # if no more tasks than this run; they have at most some thousand objects
_FULL_INTERVAL = 600.0  # seconds between two collections of all objects, if no task runs
_MOST_NEW = 500_000  # objects until Python collects by itself: some 50 MB, or a flood that goes on for minutes
_NEVER = 1_000_000_000  # such collections until Python collects all objects by itself

GROWTH_INTERVAL = 60.0  # seconds between two collections of all objects because of growth, while tasks run

_GROWTH = 100_000  # more blocks of memory than after the last collection of all objects: some 10 MB
_MOST_BLOCKS = 500_000  # more blocks than at the start, of which a collection of all objects takes up to 0.1 s

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # M_MMAP_THRESHOLD and M_ARENA_MAX of <malloc.h>
_LARGE = 128 * 1024  # bytes; SQLite takes and frees blocks of 90,000 in each transaction

_EARLY = 0.02  # seconds by which a timer can fire before its time
_HALF = 0.0005  # seconds: uvloop rounds the time that is left to milliseconds, as it had rounded the time down

_LONGEST_GAP = 1.2  # ticks; shorter standstills are within what `core.orders` assumes for the way
_BACKLOG = 1.0  # seconds after a standstill in which what is read can have waited for its end


@dataclass(slots=True)
class _Request:
    id: str
    has_order: bool = False


_request: ContextVar[_Request | None] = ContextVar("request", default=None)
_numbers = itertools.count(secrets.randbits(31))


def new_id() -> str:
    """Return an id that ascends with time, within a millisecond by the number of 32 bits that follows it."""
    return f"{time.time_ns() // 1_000_000:012x}{next(_numbers) % 2**32:08x}{secrets.token_hex(4)}"


def begin_request(request_id: str | None = None) -> None:
    """Begin a request in this task and those that it starts, with a new id, or with that of an order."""
    _request.set(_Request(request_id or new_id()))


def request_id() -> str:
    """Return the id of the request of this task; "" outside of requests."""
    request = _request.get()
    return "" if request is None else request.id


def order_id() -> str:
    """Return the id for an order: that of the request, unless it has given an order already."""
    request = _request.get()
    if request is None or request.has_order:
        return new_id()
    request.has_order = True
    return request.id


def log_incident(error: Exception) -> str:
    """Log an unexpected exception with its traceback under the id of the request, or a new one, and return the id."""
    incident_id = request_id() or new_id()
    _log.error("unexpected exception", extra={"incident": incident_id}, exc_info=error)
    return incident_id


class Readiness:
    """Obstacles to readiness and degradations: name to the reason for the operator.

    With an obstacle no request can be answered. A degraded bot stays ready: a load balancer that took it away would
    take away the pauses that still work.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.degraded: dict[str, str] = {}

    def block(self, name: str, reason: str) -> None:
        """Add an obstacle, or change its reason."""
        self.reasons[name] = reason

    def clear(self, name: str) -> None:
        """Remove an obstacle."""
        self.reasons.pop(name, None)

    def degrade(self, name: str, reason: str) -> None:
        """Add a degradation, and log it; or change its reason."""
        if name not in self.degraded:
            _log.error("degraded", extra={"about": name, "why": reason})
        self.degraded[name] = reason

    def recover(self, name: str) -> None:
        """Remove a degradation, and log it."""
        if self.degraded.pop(name, None) is not None:
            _log.info("recovered", extra={"about": name})


class Tasks:
    """Running background tasks."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start `work` as a task, and protect it from garbage collection until it ends."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def settle(self, *, within: float) -> bool:
        """Wait up to `within` seconds for all tasks, also for new ones. Return whether all ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self._running and (remaining := deadline - loop.time()) > 0:
            await asyncio.wait(self._running, timeout=remaining)
        return not self._running

    async def cancel(self) -> None:
        """Cancel all tasks, and wait until they end: a library can swallow a cancellation, so it is repeated."""
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running, timeout=_CANCEL_AGAIN_AFTER)


async def ended(work: asyncio.Future[Any]) -> None:
    """Wait for the end of `work`, which may fail, without cancelling it."""
    if not work.done():
        await asyncio.wait({work})


async def happens(event: asyncio.Event, *, within: float | None) -> bool:
    """Wait up to `within` seconds for `event`; None: for as long as it takes. Return whether it was set in time.

    `asyncio.wait_for` can swallow a cancellation before Python 3.12 (https://github.com/python/cpython/issues/86296).
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()


def until_tick(every: float) -> float:
    """Return the seconds until the next multiple of so many seconds, so that timers that can wait fire together."""
    return every - (time.monotonic() + _EARLY) % every + _EARLY + _HALF


Job = Callable[[], Awaitable[float]]
"""It does what is due, and returns the seconds until there is more."""

LOOK_INTERVAL = 4.0  # seconds between two looks whether this process leads
_LONGEST_BACKOFF = 60.0  # seconds after failures
_RARELY = 60.0  # seconds, from which a wait is kept as it is; shorter ones end together with others


async def run_periodically(
    job: Job,
    *,
    wake: asyncio.Event | None = None,
    leads: Callable[[], bool] | None = None,
    after: float = 0.0,
    passing: type[Exception] | tuple[type[Exception], ...] = (),
) -> None:
    """Run a job whenever it is due, or woken, until cancelled; that of the leader only while this process `leads`.

    After a failure it is repeated less and less often. `passing` ones are reported elsewhere; others are logged.
    """
    await asyncio.sleep(after)
    wake, failures = wake or asyncio.Event(), 0
    while True:
        wake.clear()
        try:
            wait, failures = await job() if leads is None or leads() else LOOK_INTERVAL, 0
        except Exception as error:  # noqa: BLE001 - the next time may work
            failures += 1
            wait = min(2.0 ** min(failures, 10), _LONGEST_BACKOFF)
            if not isinstance(error, passing):
                _log.exception("job failed")
        await happens(wake, within=until_tick(wait) if 1.0 <= wait < _RARELY else wait)


class KeyedLocks:
    """Locks by name, each kept while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def get(self, name: Hashable) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())


def save_memory() -> None:
    """Let glibc return each large block as soon as it is free, and share one heap among all threads."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


async def collect_when_quiet(tasks: Sized) -> None:
    """Collect garbage while few `tasks` run, until cancelled. The objects that exist by now are never looked at."""
    gc.freeze()  # the 100,000 objects of the modules
    gc.set_threshold(_MOST_NEW, 10, _NEVER)
    gc.enable()
    loop = asyncio.get_running_loop()
    at_start = blocks = sys.getallocatedblocks()
    collected_at = loop.time()
    interval = _INTERVAL
    while True:
        await asyncio.sleep(until_tick(interval))
        interval = _INTERVAL if gc.get_count()[0] > _HARDLY_ANY else min(2 * interval, _IDLE_INTERVAL)
        passed, now = loop.time() - collected_at, sys.getallocatedblocks()
        has_grown = now - blocks > _GROWTH and now - at_start < _MOST_BLOCKS
        if (not tasks and passed >= _FULL_INTERVAL) or (has_grown and passed >= GROWTH_INTERVAL):
            gc.collect()
            collected_at, blocks = loop.time(), sys.getallocatedblocks()
        elif len(tasks) <= _FEW:
            gc.collect(1)


class StandstillMonitor:
    """A tick every so many seconds that notices when the event loop did not run."""

    def __init__(self, tick: float) -> None:
        self._interval = tick
        self._last_tick = time.monotonic()
        self._began = self._ended = -_BACKLOG

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(until_tick(self._interval))
            self._tick(time.monotonic())

    def earliest(self, read_at: float) -> float:
        """Return when something that is read now can have come: before a standstill that has just ended."""
        self._tick(read_at)
        return self._began if read_at - self._ended < _BACKLOG else read_at

    def _tick(self, now: float) -> None:
        if now - self._last_tick > _LONGEST_GAP * self._interval:
            self._began, self._ended = self._last_tick, now
        self._last_tick = now


def force_exit_after(code: int, *, within: float) -> None:
    """End the process with `code` after `within` seconds, unless it has ended by then."""
    timer = threading.Timer(within, os._exit, (code,))
    timer.daemon = True
    timer.start()

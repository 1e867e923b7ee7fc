"""Background tasks, locks and coalesced reads."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

_T = TypeVar("_T")
_TURNS = 4  # of the event loop before a read begins, so that callers that come together share it


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
        """Cancel all tasks, and wait until they end."""
        for task in (tasks := list(self._running)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def with_grace(work: Coroutine[Any, Any, _T], *, grace: float) -> _T:
    """Await `work`. If cancelled, wait up to `grace` seconds for its end before it is cancelled as well."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=grace)
        task.cancel()
        raise


async def happens(event: asyncio.Event, *, within: float) -> bool:
    """Wait up to `within` seconds for `event`. Return whether it was set in time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within)
    return event.is_set()


async def let_others_run(turns: int) -> None:
    """Let the event loop run the tasks that are ready, so many times."""
    for _ in range(turns):
        await asyncio.sleep(0)


class KeyedLocks:
    """Locks by name, each kept while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def get(self, name: Hashable) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())


class CoalescedReads(Generic[_T]):
    """Coalesced reads: one at a time per key, each followed by `put`.

    Concurrent callers share the next read, not the one in flight: that may miss a recent change.
    """

    def __init__(
        self, read: Callable[[str], Coroutine[Any, Any, _T]], put: Callable[[str, _T], None], tasks: Tasks
    ) -> None:
        self._read = read
        self._put = put
        self._tasks = tasks
        self._in_flight: dict[str, asyncio.Task[_T]] = {}
        self._next: dict[str, asyncio.Task[_T]] = {}

    def __len__(self) -> int:
        return len(self._next) + len(self._in_flight)

    def get(self, key: str) -> asyncio.Task[_T]:
        """Return a read that has not started yet."""
        if key not in self._next:
            self._next[key] = self._tasks.start(self._read_after(self._in_flight.get(key), key))
            self._next[key].add_done_callback(_retrieve_exception)
        return self._next[key]

    def invalidate(self, key: str) -> None:
        """Skip the `put` of the read in flight, because its result may be outdated."""
        self._in_flight.pop(key, None)

    async def _read_after(self, earlier: asyncio.Task[_T] | None, key: str) -> _T:
        if earlier is not None:
            await asyncio.wait({earlier})
        await let_others_run(_TURNS)
        own = self._in_flight[key] = self._next.pop(key)
        try:
            result = await self._read(key)
            if self._in_flight.get(key) is own:
                self._put(key, result)
            return result
        finally:
            if self._in_flight.get(key) is own:
                del self._in_flight[key]


def _retrieve_exception(read: asyncio.Task[Any]) -> None:
    """Mark the exception as retrieved: asyncio logs no failure of a read that nobody awaits."""
    if not read.cancelled():
        read.exception()

"""Background tasks, waits that end, and locks."""

import asyncio
from collections.abc import Awaitable, Coroutine, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

_T = TypeVar("_T")
_U = TypeVar("_U")

_CANCEL_AGAIN_AFTER = 2.0  # seconds


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


async def happens(event: asyncio.Event, *, within: float) -> bool:
    """Wait up to `within` seconds for `event`. Return whether it was set in time.

    `asyncio.wait_for` can swallow a cancellation before Python 3.12 (https://github.com/python/cpython/issues/86296).
    """
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=within)
    finally:
        waiting.cancel()
    return event.is_set()


async def let_others_run(turns: int) -> None:
    """Let the event loop run the tasks that are ready, so many times."""
    for _ in range(turns):
        await asyncio.sleep(0)


class Interruption:
    """The end of waits, of those that run and of those that begin later."""

    def __init__(self) -> None:
        self._waits: set[asyncio.Timeout] = set()
        self._has_come = False

    def come(self) -> None:
        """End the waits."""
        self._has_come = True
        for wait in self._waits:
            wait.reschedule(0.0)

    async def or_result(self, work: Awaitable[_T], otherwise: _U) -> _T | _U:
        """Return the result of `work`, or `otherwise` if the interruption comes before.

        It is awaited in the same task: in one of its own, it would begin a turn of the event loop later.
        """
        wait = asyncio.timeout(0.0 if self._has_come else None)
        self._waits.add(wait)
        try:
            async with wait:
                result = await work
        except TimeoutError:
            if wait.expired():
                return otherwise
            raise
        finally:
            self._waits.discard(wait)
        return otherwise if self._has_come else result


class KeyedLocks:
    """Locks by name, each kept while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def get(self, name: Hashable) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())

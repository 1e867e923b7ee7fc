"""Background tasks and locks."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

_T = TypeVar("_T")


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


class KeyedLocks:
    """Locks by name, each kept while a task holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def get(self, name: Hashable) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())

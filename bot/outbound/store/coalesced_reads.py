"""Reads of the database that callers share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from bot.concurrency import Tasks, let_others_run

_T = TypeVar("_T")
_TURNS = 4  # of the event loop before a read begins, so that callers that come together share it


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

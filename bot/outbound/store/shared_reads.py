"""Reads that many wait for together, none of which began before any of them asked."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from bot.tasks import Tasks

_T = TypeVar("_T")


class SharedReads(Generic[_T]):
    """`read` is called for a key once at a time, and `keep` with the key and what was read.

    Whoever asks while a read is under way waits for the next one, since the one under way may not see what has changed
    a moment ago. All who wait for the next share it.
    """

    def __init__(
        self, read: Callable[[str], Coroutine[Any, Any, _T]], keep: Callable[[str, _T], None], tasks: Tasks
    ) -> None:
        self._read = read
        self._keep = keep
        self._tasks = tasks
        self._reading: dict[str, asyncio.Task[_T]] = {}
        self._next: dict[str, asyncio.Task[_T]] = {}

    def ask(self, key: str) -> asyncio.Task[_T]:
        """A read that has not begun yet."""
        if key not in self._next:
            self._next[key] = self._tasks.start(self._read_after(self._reading.get(key), key))
            self._next[key].add_done_callback(_has_been_seen)
        return self._next[key]

    def outdate(self, key: str) -> None:
        """Keep nothing of what is being read now: it may be of before a change."""
        self._reading.pop(key, None)

    async def _read_after(self, earlier: asyncio.Task[_T] | None, key: str) -> _T:
        if earlier is not None:
            await asyncio.wait({earlier})
        own = self._reading[key] = self._next.pop(key)
        try:
            result = await self._read(key)
            if self._reading.get(key) is own:
                self._keep(key, result)
            return result
        finally:
            if self._reading.get(key) is own:
                del self._reading[key]


def _has_been_seen(read: asyncio.Task[Any]) -> None:
    """A read that fails when nobody waits for it any more is no mishap that must be logged."""
    if not read.cancelled():
        read.exception()

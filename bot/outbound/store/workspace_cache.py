"""Cache of workspaces that is used only during database outages, and coalesced reads."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

from bot.concurrency import Tasks
from bot.core.workspace import Workspace

CACHE_TTL = 600.0  # seconds for which a cached workspace can be used: a pause must not wait for a database
FALLBACK_TTL = 5.0  # seconds after a failed read for which requests use the cache without waiting for the next read
_MAX_ENTRIES = 10_000


@dataclass(slots=True)
class _Entry:
    workspace: Workspace
    read_at: float
    fallback_until: float


class WorkspaceCache:
    """LRU cache of `most` workspaces. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float], *, most: int = _MAX_ENTRIES) -> None:
        self._clock = clock
        self._entries: LRUCache[str, _Entry] = LRUCache(most)

    def put(self, team_id: str, workspace: Workspace | None) -> None:
        """Cache the result of a read, which ends the fallback; None is not cached."""
        self.drop(team_id)
        if workspace is not None:
            now = self._clock()
            self._entries[team_id] = _Entry(workspace, read_at=now, fallback_until=now)

    def drop(self, team_id: str) -> None:
        """Drop an entry."""
        self._entries.pop(team_id, None)

    def during_fallback(self, team_id: str) -> Workspace | None:
        """Return the cached workspace if its last read failed less than FALLBACK_TTL ago."""
        entry = self._entries.get(team_id)
        return entry.workspace if entry is not None and self._clock() < entry.fallback_until else None

    def fall_back(self, team_id: str) -> Workspace | None:
        """Return the cached workspace after a failed read, and start its fallback; None if it is too old."""
        entry, now = self._entries.get(team_id), self._clock()
        if entry is None or now > entry.read_at + CACHE_TTL:
            return None
        entry.fallback_until = min(now + FALLBACK_TTL, entry.read_at + CACHE_TTL)
        return entry.workspace


_T = TypeVar("_T")


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

"""Reads of a workspace's sessions: coalesced, and cached for some seconds."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

from bot.concurrency import Tasks
from bot.core.session_list import NotRead, SessionList
from bot.outbound.anchor.sessions import AnchorSessions
from bot.usecases.access_check import Access

CACHED = 5.0
"""Seconds for which a list is shown to others, too."""

_MOST_WORKSPACES = 1_000

_T = TypeVar("_T")
_Name = tuple[str, int]  # team and version of the key


class SessionReads:
    """Reads of Anchor. `now` gives Unix seconds, `clock` monotonic ones.

    They share no queue with orders, so a slow read never delays a pause.
    """

    def __init__(
        self, anchor: AnchorSessions, tasks: Tasks, now: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._anchor = anchor
        self._now = now
        self._lists: _CachedReads[SessionList] = _CachedReads(tasks, clock)

    async def running(self, access: Access) -> SessionList | NotRead:
        """Return the sessions that run, as they were at most 5 seconds ago."""
        return await self._lists.get(_name(access), lambda: self._anchor.running(access.key, self._now()))


def _name(access: Access) -> _Name:
    return access.workspace.team_id, access.workspace.key_version


class _CachedReads(Generic[_T]):
    """Reads by name. Callers share the read in flight, and what was read for CACHED seconds; failures are not kept."""

    def __init__(self, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._tasks = tasks
        self._in_flight: dict[_Name, asyncio.Task[_T | NotRead]] = {}
        self._cached: TTLCache[_Name, _T] = TTLCache(_MOST_WORKSPACES, CACHED, timer=clock)

    async def get(self, name: _Name, read: Callable[[], Coroutine[Any, Any, _T | NotRead]]) -> _T | NotRead:
        cached = self._cached.get(name)
        if cached is not None:
            return cached
        if name not in self._in_flight:
            self._in_flight[name] = self._tasks.start(self._read(name, read))
        reading = self._in_flight[name]
        await asyncio.wait({reading})
        return reading.result()

    async def _read(self, name: _Name, read: Callable[[], Coroutine[Any, Any, _T | NotRead]]) -> _T | NotRead:
        try:
            result = await read()
        finally:
            del self._in_flight[name]
        if not isinstance(result, NotRead):
            self._cached[name] = result
        return result

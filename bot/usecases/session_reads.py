"""Reads of a workspace's sessions: coalesced, and cached for some seconds."""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cachetools import TTLCache

from bot.concurrency import Tasks
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead, Session, SessionList
from bot.core.workspace import Workspace
from bot.outbound.anchor.sessions import AnchorSessions
from bot.usecases.access_check import Access
from bot.usecases.workspace_monitor import WorkspaceMonitor

CACHED = 5.0
"""Seconds for which others get what was read, too."""

KEPT = 600.0  # seconds for which the lasting facts of a session are remembered
MOST_WORKSPACES = 1_000
MOST_SESSIONS = 10_000

_List = tuple[str, int]  # team and version of the key


@dataclass(frozen=True, slots=True)
class _Known:
    """A session as it was at a monotonic time."""

    session: Session
    read_at: float


class SessionReads:
    """Reads of Anchor. `now` gives Unix seconds, `clock` monotonic ones.

    They share no queue with orders, so a slow read never delays a pause.
    """

    def __init__(
        self,
        anchor: AnchorSessions,
        tasks: Tasks,
        now: Callable[[], float],
        clock: Callable[[], float],
        monitor: WorkspaceMonitor,
    ) -> None:
        self._anchor = anchor
        self._monitor = monitor
        self._tasks = tasks
        self._now = now
        self._clock = clock
        self._in_flight: dict[_List, asyncio.Task[SessionList | NotRead]] = {}
        self._lists: TTLCache[_List, SessionList] = TTLCache(MOST_WORKSPACES, CACHED, timer=clock)
        self._known: TTLCache[tuple[str, SessionId], _Known] = TTLCache(MOST_SESSIONS, KEPT, timer=clock)

    async def running(self, access: Access) -> SessionList | NotRead:
        """Return the sessions that run, as they were at most 5 seconds ago. Callers share the read in flight.

        A failure is not kept.
        """
        name = (access.workspace.team_id, access.workspace.key_version)
        if (cached := self._lists.get(name)) is not None:
            return cached
        if name not in self._in_flight:
            self._in_flight[name] = self._tasks.start(self._read_running(name, access))
        reading = self._in_flight[name]
        await asyncio.wait({reading})
        return reading.result()

    def report(self, workspace: Workspace, read: object) -> None:
        """Report what a read of a list says about the key."""
        self._monitor.record_list(workspace, read)

    def known(self, team_id: str, session_id: SessionId) -> Session | None:
        """Return what was read of a session in the last 10 minutes; what changes soon, for 5 seconds."""
        known = self._known.get((team_id, session_id))
        if known is None:
            return None
        return known.session if self._is_fresh(known) else known.session.lasting()

    def is_fresh(self, team_id: str, session_id: SessionId) -> bool:
        """Return whether everything about a session was read in the last 5 seconds."""
        known = self._known.get((team_id, session_id))
        return known is not None and self._is_fresh(known)

    def learn(self, team_id: str, sessions: Iterable[Session]) -> None:
        """Remember sessions that were just read."""
        for session in sessions:
            earlier = self._known.get((team_id, session.id))
            whole = session if earlier is None else earlier.session.lasting().with_newer(session)
            self._known[team_id, session.id] = _Known(whole, self._clock())

    def learn_some(self, team_id: str, sessions: Iterable[Session]) -> None:
        """Remember the few facts of a list of statuses; the others can still be asked for."""
        for session in sessions:
            earlier = self._known.get((team_id, session.id), _Known(Session(id=session.id), -math.inf))
            self._known[team_id, session.id] = replace(earlier, session=earlier.session.with_newer(session.lasting()))

    def _is_fresh(self, known: _Known) -> bool:
        return self._clock() < known.read_at + CACHED

    async def _read_running(self, name: _List, access: Access) -> SessionList | NotRead:
        try:
            result = await self._anchor.running(access.key, self._now())
        finally:
            del self._in_flight[name]
        self.report(access.workspace, result)
        if isinstance(result, SessionList):
            self._lists[name] = result
            self.learn(access.workspace.team_id, result.sessions)
        return result

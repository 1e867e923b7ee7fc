"""Read sessions from Anchor, and what the journal knows of them."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cachetools import TTLCache

from bot.core.history import HistoryFilter, PastOrder, Result
from bot.core.outcomes import Refusal, Stopping
from bot.core.requests import Actor
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead, Overview, Session, SessionList, Unread, paused_sessions
from bot.core.workspace import Workspace
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.history import OrderHistory
from bot.runtime import Interruption, Tasks
from bot.usecases.access import Access, AccessCheck, Viewer
from bot.usecases.monitor import WorkspaceMonitor

_log = logging.getLogger(__name__)

_JOURNAL_TIMEOUT = 1.0  # seconds; a trigger of a modal lasts 3


@dataclass(eq=False)
class PastOrders:
    """Reads of the journal that raise nothing, and take at most a second; no time while an earlier one takes longer."""

    history: OrderHistory
    tasks: Tasks

    def __post_init__(self) -> None:
        self._overdue: set[asyncio.Task[list[PastOrder] | None]] = set()

    async def newest(self, chosen: HistoryFilter, *, most: int) -> list[PastOrder] | None:
        """Return the newest orders, or None if the database gives no answer in time."""
        if self._overdue:
            return None
        read = self.tasks.start(self._read(chosen, most))
        await asyncio.wait({read}, timeout=_JOURNAL_TIMEOUT)
        if read.done():
            return read.result()
        self._overdue.add(read)
        read.add_done_callback(self._overdue.discard)
        _log.warning("past orders not read", extra={"why": "the database does not answer in time"})
        return None

    async def _read(self, chosen: HistoryFilter, most: int) -> list[PastOrder] | None:
        try:
            return await self.history.newest(chosen, most=most)
        except StoreUnreachableError as error:
            _log.warning("past orders not read", extra={"why": str(error)})
        except Exception:  # noqa: BLE001 - the view is shown without them
            _log.exception("past orders not read")
        return None


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


@dataclass(eq=False)
class SessionReads:
    """Reads of Anchor. `now` gives Unix seconds, `clock` monotonic ones.

    They share no queue with orders, so a slow read never delays a pause.
    """

    anchor: AnchorSessions
    tasks: Tasks
    now: Callable[[], float]
    clock: Callable[[], float]
    monitor: WorkspaceMonitor

    def __post_init__(self) -> None:
        self._in_flight: dict[_List, asyncio.Task[SessionList | NotRead]] = {}
        self._lists: TTLCache[_List, SessionList] = TTLCache(MOST_WORKSPACES, CACHED, timer=self.clock)
        self._known: TTLCache[tuple[str, SessionId], _Known] = TTLCache(MOST_SESSIONS, KEPT, timer=self.clock)

    async def running(self, access: Access) -> SessionList | NotRead:
        """Return the sessions that run, as they were at most 5 seconds ago. Callers share the read in flight.

        A failure is not kept.
        """
        name = (access.workspace.team_id, access.workspace.key_version)
        if (cached := self._lists.get(name)) is not None:
            return cached
        if name not in self._in_flight:
            self._in_flight[name] = self.tasks.start(self._read_running(name, access))
        reading = self._in_flight[name]
        await asyncio.wait({reading})
        return reading.result()

    def report(self, workspace: Workspace, read: object) -> None:
        """Report what a read of a list says about the key."""
        self.monitor.record_list(workspace, read)

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
            self._known[team_id, session.id] = _Known(whole, self.clock())

    def learn_some(self, team_id: str, sessions: Iterable[Session]) -> None:
        """Remember the few facts of a list of statuses; the others can still be asked for."""
        for session in sessions:
            earlier = self._known.get((team_id, session.id), _Known(Session(id=session.id), -math.inf))
            self._known[team_id, session.id] = replace(earlier, session=earlier.session.with_newer(session.lasting()))

    def _is_fresh(self, known: _Known) -> bool:
        return self.clock() < known.read_at + CACHED

    async def _read_running(self, name: _List, access: Access) -> SessionList | NotRead:
        try:
            result = await self.anchor.running(access.key, self.now())
        finally:
            del self._in_flight[name]
        self.report(access.workspace, result)
        if isinstance(result, SessionList):
            self._lists[name] = result
            self.learn(access.workspace.team_id, result.sessions)
        return result


PAUSED_WITHIN = 86_400.0  # seconds; few sessions live longer
_MOST_ORDERS = 200
_RESULTS = frozenset({Result.DONE, Result.UNCONFIRMED, Result.NOT_DONE})


@dataclass(frozen=True, slots=True)
class Listing:
    """The running sessions, and those of them that the person looks for."""

    running: SessionList
    matches: SessionList


@dataclass(eq=False)
class SessionLists:
    """Lists of sessions. `now` gives Unix seconds."""

    access_check: AccessCheck
    reads: SessionReads
    past_orders: PastOrders
    tasks: Tasks
    now: Callable[[], float]

    def __post_init__(self) -> None:
        self._interruption = Interruption()

    def interrupt(self) -> None:
        """Stop waiting for Anchor: the bot is being stopped."""
        self._interruption.come()

    async def search(self, actor: Actor, words: str) -> Session | Listing | NotRead | Refusal:
        """Return the running sessions that `words` choose, or the one that they mean alone."""
        running = await self._interruption.or_result(self.running(actor), Stopping())
        if not isinstance(running, SessionList):
            return running
        return running.only_match(words) or Listing(running, running.matching(words))

    async def running(self, actor: Actor) -> SessionList | NotRead | Refusal:
        """Return the sessions that run."""
        viewer = await self.access_check.check_viewer(actor)
        return await self.reads.running(viewer.access) if isinstance(viewer, Viewer) else viewer

    async def overview(self, actor: Actor, *, within: float | None = None) -> Overview | Refusal:
        """Return the sessions that run, and those that this app paused; wait `within` seconds for Anchor."""
        return await self._interruption.or_result(self._overview(actor, within), Stopping())

    async def _overview(self, actor: Actor, within: float | None) -> Overview | Refusal:
        viewer = await self.access_check.check_viewer(actor)
        if not isinstance(viewer, Viewer):
            return viewer
        access = viewer.access
        since = self.now() - PAUSED_WITHIN
        chosen = HistoryFilter(team_id=access.workspace.team_id, results=_RESULTS, since=since)
        running, orders = await asyncio.gather(
            self._running(access, within), self.past_orders.newest(chosen, most=_MOST_ORDERS)
        )
        paused = None if orders is None else paused_sessions(orders, running)
        return Overview(running, paused, viewer.allowed, actor.user_id, is_admin=access.is_admin)

    async def _running(self, access: Access, within: float | None) -> SessionList | NotRead:
        reading = self.tasks.start(self.reads.running(access))
        await asyncio.wait({reading}, timeout=within)
        return reading.result() if reading.done() else NotRead(Unread.TIMED_OUT)

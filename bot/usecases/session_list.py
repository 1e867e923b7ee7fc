"""Find the sessions of a workspace for people who are allowed to pause."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.concurrency import Interruption, Tasks
from bot.core.history import HistoryFilter, Result
from bot.core.outcomes import Refusal, Stopping
from bot.core.requests import Actor
from bot.core.sessions import NotRead, Overview, Session, SessionList, Unread, paused_sessions
from bot.usecases.access_check import Access, AccessCheck, Viewer
from bot.usecases.past_orders import PastOrders
from bot.usecases.session_reads import SessionReads

PAUSED_WITHIN = 86_400.0  # seconds; few sessions live longer
_MOST_ORDERS = 200
_RESULTS = frozenset({Result.DONE, Result.UNCONFIRMED, Result.NOT_DONE})


@dataclass(frozen=True, slots=True)
class Listing:
    """The running sessions, and those of them that the person looks for."""

    running: SessionList
    matches: SessionList


class SessionLists:
    """Lists of sessions. `now` gives Unix seconds."""

    def __init__(
        self,
        access_check: AccessCheck,
        reads: SessionReads,
        past_orders: PastOrders,
        tasks: Tasks,
        now: Callable[[], float],
    ) -> None:
        self._access_check = access_check
        self._reads = reads
        self._past_orders = past_orders
        self._tasks = tasks
        self._now = now
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
        viewer = await self._access_check.check_viewer(actor)
        return await self._reads.running(viewer.access) if isinstance(viewer, Viewer) else viewer

    async def overview(self, actor: Actor, *, within: float | None = None) -> Overview | Refusal:
        """Return the sessions that run, and those that this app paused; wait `within` seconds for Anchor."""
        return await self._interruption.or_result(self._overview(actor, within), Stopping())

    async def _overview(self, actor: Actor, within: float | None) -> Overview | Refusal:
        viewer = await self._access_check.check_viewer(actor)
        if not isinstance(viewer, Viewer):
            return viewer
        access = viewer.access
        since = self._now() - PAUSED_WITHIN
        chosen = HistoryFilter(team_id=access.workspace.team_id, results=_RESULTS, since=since)
        running, orders = await asyncio.gather(
            self._running(access, within), self._past_orders.newest(chosen, most=_MOST_ORDERS)
        )
        paused = None if orders is None else paused_sessions(orders, running)
        return Overview(running, paused, viewer.allowed, actor.user_id, is_admin=access.is_admin)

    async def _running(self, access: Access, within: float | None) -> SessionList | NotRead:
        reading = self._tasks.start(self._reads.running(access))
        await asyncio.wait({reading}, timeout=within)
        return reading.result() if reading.done() else NotRead(Unread.TIMED_OUT)

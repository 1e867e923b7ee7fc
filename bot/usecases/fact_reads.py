"""Read the facts of sessions for the results of orders, behind the orders: no order, ack or result waits for them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cachetools import TTLCache

from bot.concurrency import Tasks
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead, Unread
from bot.outbound.anchor.sessions import AnchorSessions
from bot.usecases.access_check import Access
from bot.usecases.session_reads import SessionReads

INTERVAL = 1.0
"""Seconds between two reads for a workspace: a list has the facts of many sessions, so a burst needs few."""

DELAY = 0.02  # seconds behind the order, so that the read does not overtake it on another connection
_TIMEOUT = 3.0  # seconds; a later answer helps no result
MOST_PER_INTERVAL = 20  # of all workspaces: reads must not take the processor from orders
MOST_IN_FLIGHT = 20
_MOST_WORKSPACES = 1_000
RATE_LIMITED = 60.0  # seconds without reads, so that orders have what Anchor allows


class FactReads:
    """Reads of the sessions of orders; `clock` gives monotonic seconds. Those beyond the limits are skipped.

    `on_read` is called after a read of a workspace.
    """

    def __init__(
        self,
        anchor: AnchorSessions,
        reads: SessionReads,
        on_read: Callable[[str], Coroutine[Any, Any, None]],
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._anchor = anchor
        self._reads = reads
        self._on_read = on_read
        self._tasks = tasks
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._recent: TTLCache[str, bool] = TTLCache(MOST_PER_INTERVAL, INTERVAL, timer=clock)
        self._rate_limited: TTLCache[str, bool] = TTLCache(_MOST_WORKSPACES, RATE_LIMITED, timer=clock)
        self._is_stopped = False

    def follow(self, access: Access, session_id: SessionId) -> None:
        """Read a session whose order is on its way to Anchor, unless its facts are fresh or the limits are reached."""
        team_id = access.workspace.team_id
        if not self._is_due(team_id) or self._reads.is_fresh(team_id, session_id):
            return
        self._recent[team_id] = True
        task = self._in_flight[team_id] = asyncio.create_task(self._read(access, session_id))
        task.add_done_callback(lambda _: self._in_flight.pop(team_id))

    def stop(self) -> None:
        """Read nothing more. What was read is still used: SQLAlchemy loses a connection whose query is cancelled."""
        self._is_stopped = True
        for task in self._in_flight.values():
            task.cancel()

    def _is_due(self, team_id: str) -> bool:
        if self._is_stopped or team_id in self._rate_limited:
            return False
        has_own = team_id in self._in_flight or team_id in self._recent
        return not has_own and len(self._in_flight) < MOST_IN_FLIGHT and len(self._recent) < MOST_PER_INTERVAL

    async def _read(self, access: Access, session_id: SessionId) -> None:
        await asyncio.sleep(DELAY)
        team_id = access.workspace.team_id
        read = await self._anchor.about(access.key, session_id, within=_TIMEOUT)
        if isinstance(read, NotRead) and read.why is Unread.KEY_REJECTED:
            self._reads.report(access.workspace, read)
        elif isinstance(read, NotRead):
            self._rate_limited[team_id] = True
        else:
            self._reads.learn(team_id, read)
            self._tasks.start(self._on_read(team_id))

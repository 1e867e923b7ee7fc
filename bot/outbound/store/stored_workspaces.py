"""The workspaces of the store, with what was read of late in memory: a command costs one round trip, or none."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.installation import Departure, Installation
from bot.core.slack_id import SLACK_ID
from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.installations import Installations
from bot.outbound.workspaces import StoreError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

FRESH = 5.0
"""Seconds after which what was read is read again. So long a change by another process may go unnoticed."""

USABLE = 600.0
"""Seconds for which it is still used where the database does not answer: a brake must not wait for that."""

PATIENCE = 1.0
"""Seconds that a request waits for the database. Slack waits 3 for everything."""

_MOST = 10_000


@dataclass(slots=True)
class _Known:
    workspace: Workspace | None
    read_at: float
    fresh_until: float


class StoredWorkspaces:
    """Whoever is installed. `clock` is monotonic, in seconds; changes by this process are seen at once."""

    def __init__(
        self,
        installations: Installations,
        clock: Callable[[], float],
        *,
        patience: float = PATIENCE,
        most: int = _MOST,
    ) -> None:
        self._installations = installations
        self._clock = clock
        self._patience = patience
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Workspace | None]] = {}
        self._tasks = Tasks()

    async def find(self, team_id: str) -> Workspace | None:
        """The workspace of a verified request. Requests that come together wait for one reading of it."""
        known = self._known.get(team_id)
        if known is not None and self._clock() < known.fresh_until:
            return known.workspace
        reading = self._reading.get(team_id) or self._read(team_id)
        await asyncio.wait({reading}, timeout=self._patience)
        try:
            return reading.result()
        except asyncio.InvalidStateError:
            return self._fall_back(team_id, known, StoreUnreachableError("the database does not answer in time"))
        except StoreUnreachableError as error:
            return self._fall_back(team_id, known, error)

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """The workspace of that team id; what anybody may put into a URL is not looked up unless it can be one."""
        return await self.find(ref) if SLACK_ID.fullmatch(ref) else None

    async def install(self, installation: Installation) -> bool:
        """Keep an installation; say whether the workspace's Anchor key is known from an earlier time."""
        try:
            return await self._installations.save(installation)
        finally:
            self._drop(installation.team_id)

    async def forget(self, departure: Departure) -> None:
        """Delete what is kept of a workspace that the app has left."""
        try:
            gone = await self._installations.depart(departure)
        finally:
            self._drop(departure.team_id)
        _log.info("the app has left a workspace", extra={"team": departure.team_id, "deleted": gone})

    async def close(self) -> None:
        """Read nothing any more."""
        await self._tasks.cancel()

    def _read(self, team_id: str) -> asyncio.Task[Workspace | None]:
        reading = self._reading[team_id] = self._tasks.start(self._installations.find(team_id))
        reading.add_done_callback(lambda done: self._keep(team_id, done))
        return reading

    def _keep(self, team_id: str, reading: asyncio.Task[Workspace | None]) -> None:
        """Remember what was read, unless it was changed meanwhile."""
        failed = reading.cancelled() or reading.exception() is not None
        if self._reading.get(team_id) is not reading:
            return
        del self._reading[team_id]
        if failed:
            return
        now = self._clock()
        self._known[team_id] = _Known(reading.result(), now, now + FRESH)
        self._known.move_to_end(team_id)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _fall_back(self, team_id: str, known: _Known | None, error: StoreError) -> Workspace | None:
        """What was known before, for as long as it may be used; it is not asked for again at once.

        That a workspace was not there is not used: it may have come since.
        """
        now = self._clock()
        if known is None or known.workspace is None or now > known.read_at + USABLE:
            raise error
        known.fresh_until = now + FRESH
        _log.warning("the database can't be read; what was read before is used", extra={"team": team_id})
        return known.workspace

    def _drop(self, team_id: str) -> None:
        self._known.pop(team_id, None)
        self._reading.pop(team_id, None)

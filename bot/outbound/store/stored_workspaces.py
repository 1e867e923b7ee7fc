"""The workspaces of the store: each request reads its own, so that a change by any bot holds for the next command."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.core.anchor_key import KeyCheck
from bot.core.installation import Departure, Installation
from bot.core.slack_id import SLACK_ID
from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError, UnreadableError
from bot.outbound.store.memory import Memory
from bot.outbound.store.shared_reads import SharedReads
from bot.outbound.store.store import Store
from bot.outbound.workspaces import StoreError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that a request waits for the database. Slack waits 3 for everything."""


class StoredWorkspaces:
    """Whoever is installed. `clock` is monotonic, in seconds; `now` gives Unix seconds."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        now: Callable[[], float],
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._installations = store.installations
        self._admins = store.admins
        self._notices = store.notices
        self._now = now
        self._patience = patience
        self._memory = Memory(clock)
        self._tasks = Tasks()
        self._reads = SharedReads(self._read, self._memory.keep, self._tasks)

    async def find(self, team_id: str) -> Workspace | None:
        """The workspace of a verified request, as it stands in the database now, or stood before that went away."""
        reading = self._reads.ask(team_id)
        known = self._memory.while_away(team_id)
        if known is not None:
            return known
        await asyncio.wait({reading}, timeout=self._patience)
        if not reading.done() or reading.cancelled():
            return self._fall_back(team_id, StoreUnreachableError("the database does not answer in time"))
        try:
            return reading.result()
        except StoreUnreachableError as error:
            return self._fall_back(team_id, error)

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """The workspace of that team id; what anybody may put into a URL is not looked up unless it can be one."""
        return await self.find(ref) if SLACK_ID.fullmatch(ref) else None

    async def install(self, installation: Installation) -> bool:
        """Keep an installation; say whether the workspace's Anchor key is known from an earlier time."""
        with self.changing(installation.team_id):
            return await self._installations.save(installation)

    async def forget(self, departure: Departure) -> None:
        """Delete what is kept of a workspace that the app has left."""
        with self.changing(departure.team_id):
            gone = await self._installations.depart(departure)
        _log.info("the app has left a workspace", extra={"team": departure.team_id, "deleted": gone})

    async def note_check(self, team_id: str, version: int, check: KeyCheck) -> bool:
        """Remember what Anchor says of the key of that version, and say whether that is news."""
        return await self._installations.note_check(team_id, version, check)

    async def is_first(self, team_id: str, name: str) -> bool:
        """Whether a workspace is to be told the notice of that name: once, by one of all bots."""
        return await self._notices.first(team_id, name, self._now())

    async def take_back(self, team_id: str, name: str) -> None:
        """Nobody could be told that notice: it is to be told again."""
        await self._notices.take_back(team_id, name)

    async def note_admin(self, team_id: str, user_id: str) -> None:
        """Remember that an admin of the workspace has opened the app's Home."""
        await self._admins.note(team_id, user_id, self._now())

    async def admins(self, team_id: str) -> list[str]:
        """The user ids of those who did, the last ones first."""
        return await self._admins.of(team_id)

    @contextmanager
    def changing(self, team_id: str) -> Iterator[None]:
        """Meanwhile somebody changes that workspace: what was read before is old by then, and not used any more.

        Where the database gives no answer, it stays for as long as that is away: a brake is needed then, too.
        """
        try:
            yield
            self._memory.drop(team_id)
        finally:
            self._reads.outdate(team_id)

    async def close(self) -> None:
        """Read nothing any more."""
        await self._tasks.cancel()

    async def _read(self, team_id: str) -> Workspace | None:
        try:
            return await self._installations.find(team_id)
        except UnreadableError:
            self._memory.drop(team_id)
            raise

    def _fall_back(self, team_id: str, error: StoreError) -> Workspace:
        known = self._memory.fall_back(team_id)
        if known is None:
            raise error
        _log.warning("the database can't be read; what was read before is used", extra={"team": team_id})
        return known

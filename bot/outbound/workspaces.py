"""The repository of the served workspaces: those that installed the app, or the one of the settings.

Each request reads its own from the database, so that changes by any replica apply at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

from bot.core.fields import SLACK_ID
from bot.core.workspace import KeyCheck, Uninstall, Workspace
from bot.outbound.store.errors import StoreError, StoreUnreachableError, UnreadableError
from bot.outbound.store.store import Store
from bot.runtime import Tasks, let_others_run

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

READ_TIMEOUT = 1.0  # seconds; Slack's ack deadline is 3
CACHE_TTL = 600.0  # seconds for which a cached workspace can be used: a pause must not wait for a database
FALLBACK_TTL = 5.0  # seconds after a failed read for which requests use the cache without waiting for the next read
_CLOSE_TIMEOUT = 1.0
MAX_ENTRIES = 10_000
MAX_READS = 10_000  # anybody can name workspaces in an alerts URL
_MAX_UNINSTALLS = 1_000  # that wait for the database
_TURNS = 4  # of the event loop before a read begins, so that callers that come together share it


@dataclass(eq=False)
class CoalescedReads(Generic[_T]):
    """Coalesced reads: one at a time per key, each followed by `put`.

    Concurrent callers share the next read, not the one in flight: that may miss a recent change.
    """

    read: Callable[[str], Coroutine[Any, Any, _T]]
    put: Callable[[str, _T], None]
    tasks: Tasks

    def __post_init__(self) -> None:
        self._in_flight: dict[str, asyncio.Task[_T]] = {}
        self._next: dict[str, asyncio.Task[_T]] = {}

    def __len__(self) -> int:
        return len(self._next) + len(self._in_flight)

    def get(self, key: str) -> asyncio.Task[_T]:
        """Return a read that has not started yet."""
        if key not in self._next:
            self._next[key] = self.tasks.start(self._read_after(self._in_flight.get(key), key))
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
            result = await self.read(key)
            if self._in_flight.get(key) is own:
                self.put(key, result)
            return result
        finally:
            if self._in_flight.get(key) is own:
                del self._in_flight[key]


def _retrieve_exception(read: asyncio.Task[Any]) -> None:
    """Mark the exception as retrieved: asyncio logs no failure of a read that nobody awaits."""
    if not read.cancelled():
        read.exception()


@dataclass(slots=True)
class _Entry:
    workspace: Workspace
    read_at: float
    fallback_until: float


class WorkspaceCache:
    """LRU cache of workspaces, used only while the database fails."""

    def __init__(self) -> None:
        self._entries: LRUCache[str, _Entry] = LRUCache(MAX_ENTRIES)

    def put(self, team_id: str, workspace: Workspace | None) -> None:
        """Cache the result of a read, which ends the fallback; None is not cached."""
        self.drop(team_id)
        if workspace is not None:
            now = time.monotonic()
            self._entries[team_id] = _Entry(workspace, read_at=now, fallback_until=now)

    def drop(self, team_id: str) -> None:
        """Drop an entry."""
        self._entries.pop(team_id, None)

    def during_fallback(self, team_id: str) -> Workspace | None:
        """Return the cached workspace if its last read failed less than FALLBACK_TTL ago."""
        entry = self._entries.get(team_id)
        return entry.workspace if entry is not None and time.monotonic() < entry.fallback_until else None

    def fall_back(self, team_id: str) -> Workspace | None:
        """Return the cached workspace after a failed read, and start its fallback; None if it is too old."""
        entry, now = self._entries.get(team_id), time.monotonic()
        if entry is None or now > entry.read_at + CACHE_TTL:
            return None
        entry.fallback_until = min(now + FALLBACK_TTL, entry.read_at + CACHE_TTL)
        return entry.workspace


@dataclass(eq=False)
class Workspaces:
    """Repository of workspaces. Every method can raise StoreError.

    A bot of one workspace serves the one that is `pinned`: its settings are in memory only, and it is found without
    the database, which has a row with its ids.
    """

    store: Store
    pinned: Workspace | None = None
    _: KW_ONLY
    read_timeout: float = field(default_factory=lambda: READ_TIMEOUT)
    most_reads: int = MAX_READS

    def __post_init__(self) -> None:
        self.rows = self.store.rows.with_on_change(self._changing)
        self._is_recorded = False
        self._cache = WorkspaceCache()
        self._uninstalls: LRUCache[Uninstall, None] = LRUCache(_MAX_UNINSTALLS)
        self._tasks = Tasks()
        self._reads = CoalescedReads(self._read, self._cache.put, self._tasks)

    def identify(self, team_id: str, enterprise_id: str) -> None:
        """Set the team of the pinned bot token, and its organisation or "". From now on no other team is served."""
        if self.pinned is not None:
            self.pinned = replace(self.pinned, team_id=team_id, enterprise_id=enterprise_id)

    async def find(self, team_id: str) -> Workspace | None:
        """Return the workspace of a verified request, or None if it is not served.

        It is as it is in the database now, or from the cache if the database fails.
        """
        if self.pinned is not None:
            return self.pinned if self.pinned.serves(team_id) else None
        if len(self._reads) >= self.most_reads:
            return self._fall_back(team_id, StoreUnreachableError("too many reads wait for the database"))
        read = self._reads.get(team_id)
        cached = self._cache.during_fallback(team_id)
        if cached is not None:
            return cached
        await asyncio.wait({read}, timeout=self.read_timeout)
        if not read.done() or read.cancelled():
            return self._fall_back(team_id, StoreUnreachableError("the database does not answer in time"))
        try:
            return read.result()
        except StoreUnreachableError as error:
            return self._fall_back(team_id, error)

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """Return the workspace of an alerts URL, whose last part is `ref`: a team id, unverified, or "" if pinned."""
        if self.pinned is not None:
            return None if ref else self.pinned
        return await self.find(ref) if SLACK_ID.fullmatch(ref) else None

    async def delete_uninstalled(self, uninstall: Uninstall) -> None:
        """Delete an uninstalled workspace, unless the app was reinstalled since or the settings still name it."""
        if self.pinned is not None:
            return
        try:
            is_deleted = await self.rows.delete_uninstalled(uninstall)
        except StoreError:
            self._uninstalls[uninstall] = None
            raise
        self._uninstalls.pop(uninstall, None)
        _log.info("app uninstalled", extra={"team": uninstall.team_id, "deleted": is_deleted})

    async def catch_up(self) -> None:
        """Write what the database has not taken: the pinned workspace's row, and deletions.

        Slack sends an event again for 6 minutes only. https://docs.slack.dev/apis/events-api/#retries
        """
        with suppress(StoreError):
            await self._record_pinned()
            for uninstall in list(self._uninstalls):
                await self.delete_uninstalled(uninstall)

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""
        if (pinned := self.pinned) is not None:
            if pinned.serves(team_id) and pinned.anchor_key is not None and pinned.key_version == version:
                self.pinned = replace(pinned, anchor_key=replace(pinned.anchor_key, check=check))
            return
        await self.rows.record_key_check(team_id, version, check)

    async def claim_notice(self, team_id: str, name: str) -> bool:
        """Return whether this replica is the first to claim this notice; never if the workspace is not served."""
        await self._record_pinned()
        return await self.store.notices.claim(team_id, name, time.time())

    async def release_notice(self, team_id: str, name: str) -> None:
        """Release the claim: the notice was not delivered."""
        await self.store.notices.release(team_id, name)

    async def record_admin(self, team_id: str, user_id: str) -> None:
        """Record that an admin of the workspace has opened the app's Home."""
        await self._record_pinned()
        await self.store.admins.record(team_id, user_id, time.time())

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of the recorded admins, the most recent first."""
        return await self.store.admins.of(team_id)

    async def _record_pinned(self) -> None:
        """Write the row of the pinned workspace once its team is known: notices and admins refer to it."""
        if self.pinned is not None and self.pinned.team_id and not self._is_recorded:
            await self.rows.save_ids(self.pinned.team_id, self.pinned.enterprise_id, time.time())
            self._is_recorded = True

    @contextmanager
    def _changing(self, team_id: str) -> Iterator[None]:
        """Drop the cached workspace after a change; keep it if the change fails, since a pause may need it."""
        try:
            yield
            self._cache.drop(team_id)
        finally:
            self._reads.invalidate(team_id)

    async def close(self) -> None:
        """Wait for every read, but not for long."""
        await self._tasks.settle(within=_CLOSE_TIMEOUT)
        await self._tasks.cancel()

    async def _read(self, team_id: str) -> Workspace | None:
        try:
            return await self.rows.find(team_id)
        except UnreadableError:
            self._cache.drop(team_id)
            raise

    def _fall_back(self, team_id: str, error: StoreError) -> Workspace:
        cached = self._cache.fall_back(team_id)
        if cached is None:
            raise error
        _log.warning("database read failed; cached workspace used", extra={"team": team_id})
        return cached

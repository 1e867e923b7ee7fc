"""The repository of the served workspaces: those that installed the app, or the one of the settings.

Each request reads its own from the database, so that changes by any replica apply at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache, TTLCache

from bot.core.fields import SLACK_ID
from bot.core.workspace import KeyCheck, Uninstall, Workspace
from bot.outbound.store.errors import StoreError, StoreUnreachableError, UnreadableError
from bot.outbound.store.store import Store
from bot.runtime import Tasks, ended, let_others_run

_Read = asyncio.Task[Workspace | None]
_log = logging.getLogger(__name__)

READ_TIMEOUT = 1.0  # seconds; Slack's ack deadline is 3
CACHE_TTL = 600.0  # seconds for which a cached workspace can be used: a pause must not wait for a database
FALLBACK_TTL = 5.0  # seconds after a failed read for which requests use the cache without waiting for the next read
_CLOSE_TIMEOUT = 1.0
MAX_ENTRIES = 10_000
MAX_READS = 10_000  # anybody can name workspaces in an alerts URL
_MAX_UNINSTALLS = 1_000  # that wait for the database
_ADOPTION_INTERVAL = 60.0  # seconds between two looks for cards that another process has made without a team
_TURNS = 4  # of the event loop before a read begins, so that callers that come together share it


@dataclass(eq=False)
class CoalescedReads:
    """Coalesced reads: one at a time per key, each followed by `put`.

    Concurrent callers share the next read, not the one in flight: that may miss a recent change.
    """

    read: Callable[[str], Coroutine[Any, Any, Workspace | None]]
    put: Callable[[str, Workspace | None], None]
    tasks: Tasks

    def __post_init__(self) -> None:
        self._in_flight: dict[str, _Read] = {}
        self._next: dict[str, _Read] = {}

    def __len__(self) -> int:
        return len(self._next) + len(self._in_flight)

    def get(self, key: str) -> _Read:
        """Return a read that has not started yet."""
        if key not in self._next:
            self._next[key] = self.tasks.start(self._read_after(self._in_flight.get(key), key))
            self._next[key].add_done_callback(_retrieve_exception)
        return self._next[key]

    def invalidate(self, key: str) -> None:
        """Skip the `put` of the read in flight, because its result may be outdated."""
        self._in_flight.pop(key, None)

    async def _read_after(self, earlier: _Read | None, key: str) -> Workspace | None:
        if earlier is not None:
            await ended(earlier)
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


@dataclass(eq=False)
class Workspaces:
    """Repository of workspaces. Every method can raise StoreError.

    A bot of one workspace serves the one that is `pinned`: its settings are in memory only, and it is found without
    the database, which has a row with its ids. `known` is set once its team is.
    """

    store: Store
    pinned: Workspace | None = None

    def __post_init__(self) -> None:
        self.rows = self.store.rows.with_on_change(self._changing)
        self.known = asyncio.Event()
        self._is_recorded = self._takes_unnamed = False
        self._adopts_at = 0.0
        self._cache: TTLCache[str, Workspace] = TTLCache(MAX_ENTRIES, CACHE_TTL, timer=time.monotonic)
        self._failing: TTLCache[str, bool] = TTLCache(MAX_ENTRIES, FALLBACK_TTL, timer=time.monotonic)
        self._uninstalls: LRUCache[Uninstall, None] = LRUCache(_MAX_UNINSTALLS)
        self._tasks = Tasks()
        self._reads = CoalescedReads(self._read, self._put, self._tasks)

    def identify(self, team_id: str, enterprise_id: str) -> None:
        """Set the team of the pinned bot token, and its organisation or "". From now on no other team is served."""
        assert self.pinned is not None  # noqa: S101 - there is a token
        self.pinned = replace(self.pinned, team_id=team_id, enterprise_id=enterprise_id)
        self._is_recorded = False
        self.known.set()

    async def recall(self) -> None:
        """Read whose the pinned bot token is, unless that is known, or the database fails."""
        if self.pinned is not None and not self.known.is_set():
            with suppress(StoreError):
                ids = await self.rows.find_ids(self.pinned.bot_token)
                if ids is not None and not self.known.is_set():
                    self.identify(*ids)

    async def find(self, team_id: str) -> Workspace | None:
        """Return the workspace of a verified request, or None if it is not served.

        It is as it is in the database now, or from the cache if the database fails.
        """
        if self.pinned is not None:
            return self.pinned if self.pinned.serves(team_id) else None
        if len(self._reads) >= MAX_READS:
            return self._fall_back(team_id, StoreUnreachableError("too many reads wait for the database"))
        read = self._reads.get(team_id)
        if team_id in self._failing and (cached := self._cache.get(team_id)) is not None:
            return cached
        await asyncio.wait({read}, timeout=READ_TIMEOUT)
        if not read.done() or read.cancelled():
            return self._fall_back(team_id, StoreUnreachableError("the database does not answer in time"))
        try:
            return read.result()
        except StoreUnreachableError as error:
            return self._fall_back(team_id, error)

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """Return the workspace of an alerts URL, whose last part is `ref`: a team id, unverified, or "" if pinned."""
        if self.pinned is not None:
            self._takes_unnamed |= not self.known.is_set()
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
        """Write what the database has not taken: the pinned workspace's row, the team of its cards, and deletions.

        An alert that came before the team was known can be stored later. Slack sends an event again for 6 minutes only:
        https://docs.slack.dev/apis/events-api/#retries
        """
        await self.recall()
        with suppress(StoreError):
            await self._record_pinned()
            await self._adopt_cards()
            for uninstall in list(self._uninstalls):
                await self.delete_uninstalled(uninstall)

    async def _adopt_cards(self) -> None:
        """Let cards without a team have that of the pinned workspace. Other processes make some only as they start."""
        now = time.monotonic()
        if self.pinned is not None and self.pinned.team_id and (self._takes_unnamed or now >= self._adopts_at):
            await self.rows.adopt_cards(self.pinned.team_id)
            self._adopts_at = now + _ADOPTION_INTERVAL

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""
        if (pinned := self.pinned) is not None:
            if pinned.serves(team_id) and pinned.anchor_key is not None and pinned.key_version == version:
                self.pinned = replace(pinned, anchor_key=replace(pinned.anchor_key, check=check))
            return
        await self.rows.record_key_check(team_id, version, check)

    async def claim_notice(self, team_id: str, name: str, seconds: float | None = None, *, number: int = 1) -> int:
        """Return how many events a notice is about if this replica is the first to claim it, else 0.

        It is 0 if the workspace is not served. Without `seconds`, a claim lasts for good. Each claim is for a `number`
        of events; those since the last notice are added.
        """
        await self._record_pinned()
        return await self.store.notices.claim(team_id, name, seconds, number=number)

    async def release_notice(self, team_id: str, name: str) -> None:
        """Release the claim: the notice was not delivered."""
        await self.store.notices.release(team_id, name)

    async def record_admin(self, team_id: str, user_id: str) -> None:
        """Record that an admin of the workspace has opened the app's Home."""
        await self._record_pinned()
        await self.store.people.record_admin(team_id, user_id, time.time())

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of the recorded admins, the most recent first."""
        return await self.store.people.admins(team_id)

    async def _record_pinned(self) -> None:
        """Write the row of the pinned workspace once its team is known: notices and admins refer to it."""
        if (one := self.pinned) is not None and one.team_id and not self._is_recorded:
            await self.rows.save_ids(one.team_id, one.enterprise_id, one.bot_token, time.time())
            self._is_recorded = one is self.pinned

    @contextmanager
    def _changing(self, team_id: str) -> Iterator[None]:
        """Drop the cached workspace after a change; keep it if the change fails, since a pause may need it."""
        try:
            yield
            self._put(team_id, None)
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
            self._put(team_id, None)
            raise

    def _put(self, team_id: str, workspace: Workspace | None) -> None:
        """Cache what the database has. Requests wait for it again."""
        self._failing.pop(team_id, None)
        self._cache.pop(team_id, None)
        if workspace is not None:
            self._cache[team_id] = workspace

    def _fall_back(self, team_id: str, error: StoreError) -> Workspace:
        """Return the cached workspace after a failed read. For a while, others do not wait for the next one."""
        cached = self._cache.get(team_id)
        if cached is None:
            raise error
        self._failing[team_id] = True
        _log.warning("database read failed; cached workspace used", extra={"team": team_id})
        return cached

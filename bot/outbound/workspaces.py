"""The repository of the served workspaces: those that installed the app, or the one of the settings.

Requests share a cache of 2 seconds, so changes by another process apply soon, and those by this one at once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache, TTLCache

from bot.core.fields import SLACK_ID
from bot.core.workspace import KeyCheck, Uninstall, Workspace
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.store import Store
from bot.runtime import Tasks

_Read = asyncio.Task[Workspace | None]
_log = logging.getLogger(__name__)

MAX_AGE = 2.0  # seconds for which a workspace is used without another read, also after one that failed
PAUSE_WAIT = 0.1  # seconds for which the pause of a cached workspace waits for a read
READ_TIMEOUT = 1.0  # seconds for all else; Slack's ack deadline is 3
CACHE_TTL = 600.0  # seconds for which a cached workspace can be used: a pause must not wait for a database
_CLOSE_TIMEOUT = 1.0
MAX_ENTRIES = 10_000
MAX_READS = 10_000  # anybody can name workspaces in an alerts URL
CATCH_UP_INTERVAL = 8.0  # seconds
_MAX_UNINSTALLS = 1_000  # that wait for the database


@dataclass(slots=True)
class _Cached:
    """A workspace, and when its read began, and a later one failed: monotonic times."""

    workspace: Workspace
    read_at: float
    failed_at: float = -math.inf


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
        self._is_recorded = False
        self._cache: TTLCache[str, _Cached] = TTLCache(MAX_ENTRIES, CACHE_TTL, timer=time.monotonic)
        self._uninstalls: LRUCache[Uninstall, None] = LRUCache(_MAX_UNINSTALLS)
        self._tasks = Tasks()
        self._reads: dict[str, _Read] = {}  # the last one of each workspace

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

    async def find(self, team_id: str, *, max_age: float = MAX_AGE, within: float = READ_TIMEOUT) -> Workspace | None:
        """Return the workspace of a verified request, or None if it is not served.

        It is as it was at most `max_age` seconds ago. If it is cached, and is not read again `within` so many seconds,
        it is as it was at most 10 minutes ago; for 2 seconds others do not wait then.
        """
        if self.pinned is not None:
            return self.pinned if self.pinned.serves(team_id) else None
        cached = self._cache.get(team_id)
        if cached is None:
            return await self._result(team_id, READ_TIMEOUT)
        if time.monotonic() < max(cached.read_at + max_age, cached.failed_at + MAX_AGE):
            return cached.workspace
        try:
            return await self._result(team_id, within)
        except StoreUnreachableError as error:
            cached.failed_at = time.monotonic()
            _log.warning("workspace not read; cached one used", extra={"team": team_id, "why": str(error)})
            return cached.workspace

    async def find_for_pause(self, team_id: str) -> Workspace | None:
        """Return a workspace as `find` does. A pause waits for no slow database."""
        return await self.find(team_id, within=PAUSE_WAIT)

    async def find_now(self, team_id: str) -> Workspace | None:
        """Return a workspace as it is in the database now, or None if it is not served."""
        if self.pinned is None:
            self._reads.pop(team_id, None)
            return await self._result(team_id, READ_TIMEOUT)
        return await self.find(team_id)

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

    async def catch_up(self) -> float:
        """Write what the database has not taken: the pinned workspace's row, and deletions. Return when to look again.

        Slack sends an event again for 6 minutes only: https://docs.slack.dev/apis/events-api/#retries
        """
        await self.recall()
        with suppress(StoreError):
            await self._record_pinned()
            for uninstall in list(self._uninstalls):
                await self.delete_uninstalled(uninstall)
        return CATCH_UP_INTERVAL

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""
        if (pinned := self.pinned) is not None:
            if pinned.serves(team_id) and pinned.anchor_key is not None and pinned.key_version == version:
                self.pinned = replace(pinned, anchor_key=replace(pinned.anchor_key, check=check))
            return
        await self.rows.record_key_check(team_id, version, check)
        self._expire(team_id)

    async def claim_notice(self, team_id: str, name: str, seconds: float | None = None, *, number: int = 1) -> int:
        """Return how many events a notice is about if this replica is the first to claim it, else 0.

        It is 0 if the workspace is not served. Without `seconds`, a claim lasts for good. Each claim is for a `number`
        of events; those since the last notice are added.
        """
        await self._record_pinned()
        return await self.store.notices.claim(team_id, name, seconds, number=number)

    async def record_admin(self, team_id: str, user_id: str) -> None:
        """Record that an admin of the workspace has opened the app's Home."""
        await self._record_pinned()
        await self.store.people.record_admin(team_id, user_id, time.time())

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
            self._cache.pop(team_id, None)
        finally:
            self._expire(team_id)

    def _expire(self, team_id: str) -> None:
        """Let the next request read the workspace. A read in flight can have missed the change."""
        self._reads.pop(team_id, None)
        if (cached := self._cache.get(team_id)) is not None:
            cached.read_at = cached.failed_at = -math.inf

    async def close(self) -> None:
        """Wait for every read, but not for long."""
        await self._tasks.settle(within=_CLOSE_TIMEOUT)
        await self._tasks.cancel()

    async def _result(self, team_id: str, within: float) -> Workspace | None:
        """Return the result of the read in flight, or of a new one. Without it the read goes on."""
        read = self._reads.get(team_id)
        if read is None:
            if len(self._tasks) >= MAX_READS:
                raise StoreUnreachableError("too many reads wait for the database")
            read = self._reads[team_id] = self._tasks.start(self.rows.find(team_id))
            read.add_done_callback(partial(self._cache_result, team_id, time.monotonic()))
        await asyncio.wait({read}, timeout=within)
        if not read.done() or read.cancelled():
            raise StoreUnreachableError("the database does not answer in time")
        return read.result()

    def _cache_result(self, team_id: str, began: float, read: _Read) -> None:
        """Cache what the database has, unless a change or a newer read has begun since."""
        error = StoreUnreachableError() if read.cancelled() else read.exception()
        if self._reads.get(team_id) is not read:
            return
        del self._reads[team_id]
        if not isinstance(error, StoreUnreachableError):
            self._cache.pop(team_id, None)
        if error is None and (found := read.result()) is not None:
            self._cache[team_id] = _Cached(found, began)

"""The served workspaces: those that have installed the app, or the one of the settings.

Requests share a cache of 2 seconds, so changes by another process apply soon, and those by this one at once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from cachetools import TTLCache

from bot.core.fields import SLACK_ID
from bot.core.workspace import AutoPause, KeyCheck, Workspace
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.runtime import Readiness, Tasks

_Read = asyncio.Task[Workspace | None]
_log = logging.getLogger(__name__)

MAX_AGE = 2.0  # seconds for which a workspace is used without another read
PAUSE_WAIT = 0.1  # seconds for which the pause of a cached workspace waits for a read
READ_TIMEOUT = 1.0  # seconds for all else; Slack's ack deadline is 3
CACHE_TTL = 600.0  # seconds for which a cached workspace can be used: a pause must not wait for a database
_CLOSE_TIMEOUT = 1.0
MAX_ENTRIES = 10_000
_KEY_REFUSED = "Anchor refuses ANCHOR_API_KEY. Set it to a valid key and restart the bot."
MAX_READS = 10_000  # anybody can name workspaces in an alerts URL


@dataclass(slots=True)
class _Cached:
    """A workspace, and when its read began: monotonic."""

    workspace: Workspace
    read_at: float


@dataclass(eq=False, repr=False)
class Workspaces:
    """Repository of workspaces. Every method can raise StoreError.

    A bot of one workspace serves the one that is `pinned`, by the settings of its process alone. The database has a
    row with its ids, to which other tables refer, and which says whose the bot token is until Slack does.
    """

    store: Store
    pinned: Workspace | None = None
    readiness: Readiness = field(default_factory=Readiness)
    read_timeout: float = READ_TIMEOUT

    def __post_init__(self) -> None:
        self.rows = self.store.rows
        self.rows.on_change = self._changing
        self._cache: TTLCache[str, _Cached] = TTLCache(MAX_ENTRIES, CACHE_TTL, timer=time.monotonic)
        self._tasks = Tasks()
        self._reads: dict[str, _Read] = {}  # the last one of each workspace

    def identify(self, team_id: str, enterprise_id: str) -> None:
        """Set the team of the pinned bot token, and its organisation or "". From now on no other team is served."""
        assert self.pinned is not None  # noqa: S101 - there is a token
        self.pinned = replace(self.pinned, team_id=team_id, enterprise_id=enterprise_id)
        self.readiness.clear("slack")

    async def read_row(self) -> None:
        """Learn from the row of the pinned workspace whose the token is, as Slack said before."""
        if (one := self.pinned) is not None and (ids := await self.rows.find_ids(one.bot_token)) is not None:
            self.identify(*ids)

    async def find(self, team_id: str, *, max_age: float = MAX_AGE, within: float = math.inf) -> Workspace | None:
        """Return the workspace of a verified request, or None if it is not served.

        It is as it was at most `max_age` seconds ago. If it is cached, and is not read again `within` so many seconds,
        it is as it was at most 10 minutes ago.
        """
        if self.pinned is not None:
            return self.pinned if self.pinned.serves(team_id) else None
        cached = self._cache.get(team_id)
        if cached is None:
            return await self._result(team_id)
        if time.monotonic() < cached.read_at + max_age:
            return cached.workspace
        try:
            return await self._result(team_id, within)
        except StoreUnreachableError as error:
            _log.warning("workspace not read; cached one used", extra={"team": team_id, "why": str(error)})
            return cached.workspace

    async def find_for_pause(self, team_id: str) -> Workspace | None:
        """Return a workspace as `find` does. A pause waits for no slow database."""
        return await self.find(team_id, within=PAUSE_WAIT)

    async def find_now(self, team_id: str) -> Workspace | None:
        """Return a workspace as it is in the database now, or None if it is not served."""
        if self.pinned is not None:
            return await self.find(team_id)
        self._reads.pop(team_id, None)
        return await self._result(team_id)

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """Return the workspace of an alerts URL, whose last part is `ref`: a team id, unverified, or "" if pinned."""
        if self.pinned is not None:
            return None if ref else self.pinned
        return await self.find(ref) if SLACK_ID.fullmatch(ref) else None

    async def pausing_teams(self) -> list[str]:
        """Return the ids of the workspaces in which alerts can pause."""
        if (one := self.pinned) is not None:
            return [one.team_id] if one.team_id and one.auto_pause is not AutoPause.OFF else []
        return await self.rows.pausing_teams()

    async def delete_uninstalled(self, team_id: str, happened_at: int, bot_user_ids: Sequence[str]) -> None:
        """Delete an uninstalled workspace, unless the settings still name it; the arguments as in the rows."""
        if self.pinned is None:
            is_deleted = await self.rows.delete_uninstalled(team_id, happened_at, bot_user_ids)
            _log.info("app uninstalled", extra={"team": team_id, "deleted": is_deleted})

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""
        if (pinned := self.pinned) is None:
            await self.rows.record_key_check(team_id, version, check)
            self._expire(team_id)
        elif pinned.serves(team_id) and pinned.anchor_key is not None and pinned.key_version == version:
            self.pinned = replace(pinned, anchor_key=replace(pinned.anchor_key, check=check))
            if check is KeyCheck.REFUSED:
                self.readiness.degrade("anchor_key", _KEY_REFUSED)
            else:
                self.readiness.recover("anchor_key")

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
            cached.read_at = -math.inf

    async def close(self) -> None:
        """Wait for every read, but not for long."""
        await self._tasks.settle(within=_CLOSE_TIMEOUT)
        await self._tasks.cancel()

    async def _result(self, team_id: str, within: float = math.inf) -> Workspace | None:
        """Return the result of the read in flight, or of a new one. Without it the read goes on."""
        read = self._reads.get(team_id)
        if read is None:
            if len(self._tasks) >= MAX_READS:
                raise StoreUnreachableError("too many reads wait for the database")
            read = self._reads[team_id] = self._tasks.start(self.rows.find(team_id))
            read.add_done_callback(partial(self._cache_result, team_id, time.monotonic()))
        await asyncio.wait({read}, timeout=min(within, self.read_timeout))
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

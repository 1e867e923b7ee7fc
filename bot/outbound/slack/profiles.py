"""Cache of what Slack says about people. It is also stored, so that a restart does not lose it."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bot.concurrency import Tasks
from bot.core.policy import Profile
from bot.core.secret import Secret
from bot.outbound.store.errors import StoreError
from bot.outbound.store.role_rows import RECORD_INTERVAL, Report, RoleRows

_log = logging.getLogger(__name__)

PROFILE_TTL = 300.0
_SCOPE_MISSING_TTL = 30.0  # short, so that a reinstall soon takes effect
_RETRY_INTERVAL = 5.0  # seconds between a failed lookup and the next one, if the cache has an older answer
_CLOSE_TIMEOUT = 1.0
MAX_STORING = 1_000  # if the database is slow, a later lookup stores the answer
MAX_ENTRIES = 10_000

Key = tuple[str, str]  # team id, user id
Answer = Profile | None  # None: the app lacks the scope
Fetch = Callable[[AsyncWebClient, Secret, str], Awaitable[Answer]]  # raises SlackUnreachableError


@dataclass(slots=True)
class Entry:
    """The last answer about a person; the times are monotonic, in seconds."""

    answer: Answer
    answered_at: float
    fresh_until: float = -inf
    retry_at: float = -inf
    recorded_at: float = -inf
    lookup: int = -1  # sequence number of the lookup that produced this entry


class ProfileCache:
    """LRU cache of `most` answers of users.info. `clock` is monotonic; `now` returns Unix seconds."""

    def __init__(
        self,
        web: AsyncWebClient,
        rows: RoleRows,
        clock: Callable[[], float],
        now: Callable[[], float],
        *,
        most: int = MAX_ENTRIES,
    ) -> None:
        self._web = web
        self._rows = rows
        self._clock = clock
        self._now = now
        self._entries: LRUCache[Key, Entry] = LRUCache(most)
        self._lookups: dict[Key, asyncio.Task[Answer]] = {}
        self._loads: dict[Key, asyncio.Task[None]] = {}
        self._numbers = itertools.count()
        self._tasks = Tasks()
        self._storing = Tasks()
        self._to_record: dict[Key, tuple[Entry, Report]] = {}
        self._is_recording = False

    def get(self, key: Key) -> Entry | None:
        """Return the last answer in memory."""
        return self._entries.get(key)

    def look_up(self, token: Secret, key: Key, fetch: Fetch) -> asyncio.Task[Answer]:
        """Return the running lookup, or start one."""
        return self._lookups.get(key) or self.start_lookup(token, key, fetch)

    def start_lookup(self, token: Secret, key: Key, fetch: Fetch) -> asyncio.Task[Answer]:
        """Start a lookup. Its answer is cached and stored."""
        lookup = self._lookups[key] = self._tasks.start(self._ask(token, key, fetch))
        number = next(self._numbers)
        lookup.add_done_callback(lambda done: self._put(key, done, number))
        return lookup

    async def load(self, key: Key, *, unless: asyncio.Task[Answer]) -> None:
        """Load the stored answer into the cache, unless the lookup ends before."""
        if key not in self._loads:
            load = self._loads[key] = self._storing.start(self._load(key))
            load.add_done_callback(lambda _: self._loads.pop(key))
        await asyncio.wait({self._loads[key], unless}, return_when=asyncio.FIRST_COMPLETED)

    def note_failure(self, key: Key, why: str) -> None:
        """Log a failed lookup; if there is an older answer, delay the next one."""
        team_id, user_id = key
        _log.warning("Slack user lookup failed", extra={"user": user_id, "team": team_id, "why": why})
        if (entry := self._entries.get(key)) is not None:
            entry.retry_at = self._clock() + _RETRY_INTERVAL

    async def close(self) -> None:
        """Cancel every lookup, and wait for the store."""
        await self._tasks.cancel()
        await self._storing.settle(within=_CLOSE_TIMEOUT)
        await self._storing.cancel()

    async def _ask(self, token: Secret, key: Key, fetch: Fetch) -> Answer:
        team_id, user_id = key
        answer = await fetch(self._web, token, user_id)
        if answer is None:
            _log.warning(
                "scope users:read is missing: guests count as members; reinstall the app", extra={"team": team_id}
            )
        return answer

    def _put(self, key: Key, lookup: asyncio.Task[Answer], number: int) -> None:
        """Cache the answer, unless that of a later lookup is there already."""
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        if lookup.cancelled():
            return
        if (error := lookup.exception()) is not None:
            self.note_failure(key, str(error))
            return
        before = self._entries.get(key)
        if before is not None and before.lookup > number:
            return
        answer, now = lookup.result(), self._clock()
        fresh_until = now + (_SCOPE_MISSING_TTL if answer is None else PROFILE_TTL)
        entry = self._entries[key] = Entry(answer, now, fresh_until, lookup=number)
        if before is not None and before.answer == answer:
            entry.recorded_at = before.recorded_at
        has_room = len(self._to_record) < MAX_STORING
        if answer is not None and now >= entry.recorded_at + RECORD_INTERVAL and has_room:
            self._to_record[key] = entry, (answer, self._now())
            if not self._is_recording:
                self._is_recording = True
                self._storing.start(self._record())

    async def _record(self) -> None:
        """Store the new answers, those that come meanwhile in the next transaction."""
        try:
            while self._to_record:
                batch, self._to_record = self._to_record, {}
                await self._record_all(batch)
        finally:
            self._is_recording = False

    async def _record_all(self, batch: Mapping[Key, tuple[Entry, Report]]) -> None:
        try:
            await self._rows.record({key: report for key, (_, report) in batch.items()}, self._now())
        except StoreError as error:
            _log.warning("roles not stored", extra={"people": len(batch), "why": str(error)})
            return
        for entry, _ in batch.values():
            entry.recorded_at = entry.answered_at

    async def _load(self, key: Key) -> None:
        try:
            found = await self._rows.find(*key, self._now())
        except StoreError as error:
            _log.warning("role not loaded", extra={"team": key[0], "user": key[1], "why": str(error)})
            return
        if found is not None and key not in self._entries:
            profile, age = found
            answered_at = self._clock() - age
            self._entries[key] = Entry(profile, answered_at, recorded_at=answered_at)

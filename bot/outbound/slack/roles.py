"""The roles of Slack's people: read, stored, and believed for a while."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bot.concurrency import Tasks
from bot.core.fields import TOKEN_REFUSED, Secret, object_field, text_field
from bot.core.policy import FULL_MEMBERS, Profile, Role, is_surely_outsider, role_of
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.outbound.slack.errors import SlackUnreachableError, call
from bot.outbound.store.errors import StoreError
from bot.outbound.store.role_rows import KEPT, RECORD_INTERVAL, Report, RoleRows

_BACKOFFS = (0.2, 0.5)  # seconds between the attempts
_RETRY_TIME = 1.5  # seconds in which attempts begin; Slack waits 3 seconds for an ack
_FIRST_BACKOFF_IF_LIMITED = 0.5  # seconds, whatever Slack says: its limit can be over already
LONGEST_LOOKUP = 20.0
"""Seconds in which attempts for an order begin while Slack limits the rate: an order's deadline by default."""

_NO_PROFILE: dict[str, Profile | None] = {
    **dict.fromkeys(("user_not_found", "user_not_visible", "users_not_found"), Profile(team_id="", is_stranger=True)),
    "missing_scope": None,
}


class _NoProfileError(Exception):
    """Slack refused with an error code of _NO_PROFILE."""


_REFUSALS = dict.fromkeys(_NO_PROFILE, _NoProfileError)


async def fetch_profile(web: AsyncWebClient, token: Secret, user_id: str) -> Profile | None:
    """Return a person's profile: a stranger's if unknown, None without the scope. Raises SlackUnreachableError.

    One attempt, with a timeout of 5 s.
    """
    try:
        response = await call(web.users_info(token=token.reveal(), user=user_id), _REFUSALS)
    except _NoProfileError as error:
        return _NO_PROFILE[str(error)]
    return _read_profile(response.get("user"))


async def fetch_profile_with_retries(
    web: AsyncWebClient, token: Secret, user_id: str, *, while_limited: float = _RETRY_TIME
) -> Profile | None:
    """Fetch a profile, and repeat failures that may pass while an ack can wait. Raises SlackUnreachableError.

    While Slack limits the rate, attempts begin for `while_limited` seconds: the second soon, the others as Slack says.
    https://docs.slack.dev/apis/web-api/rate-limits
    """
    began, failures, limits = time.monotonic(), 0, 0
    while True:
        try:
            return await fetch_profile(web, token, user_id)
        except SlackUnreachableError as error:
            if error.after is None:
                failures, longest = failures + 1, _RETRY_TIME
                delay = _BACKOFFS[failures - 1] if failures <= len(_BACKOFFS) else inf
            else:
                limits, longest = limits + 1, while_limited
                delay = _FIRST_BACKOFF_IF_LIMITED if limits == 1 else max(_FIRST_BACKOFF_IF_LIMITED, error.after)
            if str(error) in TOKEN_REFUSED or time.monotonic() + delay > began + longest:
                raise
        await asyncio.sleep(delay)


def _read_profile(user: object) -> Profile:
    """Return the profile of a user object. Raises SlackUnreachableError if it is none."""
    if not isinstance(user, dict):
        raise SlackUnreachableError("response without a user")
    enterprise = object_field(user, "enterprise_user")
    teams = enterprise.get("teams")
    return Profile(
        team_id=text_field(user, "team_id"),
        enterprise_id=text_field(enterprise, "enterprise_id"),
        teams=frozenset(team for team in teams if isinstance(team, str)) if isinstance(teams, list) else frozenset(),
        is_admin=_any(user, "is_admin", "is_owner", "is_primary_owner"),
        is_guest=_any(user, "is_restricted", "is_ultra_restricted"),
        is_bot=_any(user, "is_bot"),
        is_deactivated=_any(user, "deleted"),
        is_stranger=_any(user, "is_stranger"),
    )


def _any(user: Mapping[str, Any], *names: str) -> bool:
    return any(user.get(name) is True for name in names)


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


PAUSE_TTL = 86_400.0  # seconds for which a pause of a full member does not wait for a newer answer
_REFRESH_TIMEOUT = 1.0  # seconds to wait for Slack if there is an older answer


class RoleCache:
    """Roles by `profiles`. `clock` is monotonic, in seconds; `workspace` is the one that the app is installed in."""

    def __init__(self, profiles: ProfileCache, clock: Callable[[], float]) -> None:
        self._profiles = profiles
        self._clock = clock

    async def get(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role, cached for 5 minutes; if Slack gives no answer, by an answer of the last 7 days."""
        if (cached := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return cached
        entry = self._profiles.get(_key(actor))
        if entry is not None and self._clock() < entry.retry_at:
            return self._older(workspace, actor)
        return await self._result_of(self._look_up(workspace, actor), workspace, actor)

    async def get_for_pause(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role like `get`, also by an answer from before a restart.

        A full member of the last 24 hours is looked up in the background: a role that has changed applies to the next
        request.
        """
        if (cached := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return cached
        entry = self._profiles.get(_key(actor))
        if entry is not None and self._clock() < entry.retry_at:
            return self._older(workspace, actor)
        lookup = self._look_up(workspace, actor)
        if entry is None:
            await self._profiles.load(_key(actor), unless=lookup)
            entry = self._profiles.get(_key(actor))
        if entry is not None and self._clock() < entry.answered_at + PAUSE_TTL:
            role = _role(entry.answer, workspace, actor)
            if role in FULL_MEMBERS:
                return role
        return await self._result_of(lookup, workspace, actor)

    async def get_fresh(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role, cached for 5 minutes; UNKNOWN if Slack gives no answer."""
        if (cached := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return cached
        return await _wait(
            self._profiles.look_up(workspace.bot_token, _key(actor), fetch_profile_with_retries), workspace, actor
        )

    async def fetch(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role by a new lookup; UNKNOWN if Slack gives no answer."""
        if is_surely_outsider(actor, workspace.enterprise_id):
            return Role.OUTSIDER
        lookup = self._profiles.start_lookup(workspace.bot_token, _key(actor), fetch_profile_with_retries)
        return await _wait(lookup, workspace, actor)

    def peek(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the cached role without a lookup; UNKNOWN if there is none from the last 5 minutes."""
        if is_surely_outsider(actor, workspace.enterprise_id):
            return Role.OUTSIDER
        entry = self._profiles.get(_key(actor))
        if entry is None or self._clock() >= entry.fresh_until:
            return Role.UNKNOWN
        return _role(entry.answer, workspace, actor)

    async def close(self) -> None:
        """Cancel every lookup."""
        await self._profiles.close()

    def _look_up(self, workspace: Workspace, actor: Actor) -> asyncio.Task[Answer]:
        is_new = self._profiles.get(_key(actor)) is None
        return self._profiles.look_up(workspace.bot_token, _key(actor), _fetch_for_order if is_new else fetch_profile)

    async def _result_of(self, lookup: asyncio.Task[Answer], workspace: Workspace, actor: Actor) -> Role:
        """Wait for a lookup, with a timeout if there is an older answer to fall back on."""
        is_new = self._profiles.get(_key(actor)) is None
        await asyncio.wait({lookup}, timeout=None if is_new else _REFRESH_TIMEOUT)
        try:
            return _role(_answer_of(lookup), workspace, actor)
        except SlackUnreachableError:
            if not lookup.done():
                self._profiles.note_failure(_key(actor), "no response yet")
            return self._older(workspace, actor)

    def _older(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role by the last answer."""
        entry = self._profiles.get(_key(actor))
        if entry is None or self._clock() >= entry.answered_at + KEPT:
            return Role.UNKNOWN
        return _role(entry.answer, workspace, actor)


_fetch_for_order = partial(fetch_profile_with_retries, while_limited=LONGEST_LOOKUP)


def _key(actor: Actor) -> Key:
    return actor.team_id, actor.user_id


async def _wait(lookup: asyncio.Task[Answer], workspace: Workspace, actor: Actor) -> Role:
    await asyncio.wait({lookup})
    try:
        return _role(_answer_of(lookup), workspace, actor)
    except SlackUnreachableError:
        return Role.UNKNOWN


def _answer_of(lookup: asyncio.Task[Answer]) -> Answer:
    """Return the answer. Raises SlackUnreachableError, also for a lookup in flight or cancelled."""
    if not lookup.done() or lookup.cancelled():
        raise SlackUnreachableError("no response yet")
    return lookup.result()


def _role(answer: Answer, workspace: Workspace, actor: Actor) -> Role:
    return Role.SCOPE_MISSING if answer is None else role_of(answer, actor, workspace.enterprise_id)

"""The roles of Slack's people: read, stored, and believed for a while."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.fields import Secret, object_field, text_field
from bot.core.orders import Actor
from bot.core.permissions import FULL_MEMBERS, MAKE_ADMIN, MAKE_RESTRICTED, Profile, Role, is_surely_outsider, role_of
from bot.core.retries import backoff
from bot.core.workspace import Workspace
from bot.outbound.slack.web_api import TOKEN_REFUSED, RefusedError, SlackUnreachableError, call
from bot.outbound.store.errors import StoreError
from bot.outbound.store.people import People
from bot.outbound.store.retention import DAY, PROFILE_DAYS
from bot.runtime import Tasks

_log = logging.getLogger(__name__)

_BACKOFF = 0.3  # seconds after the first attempt, whatever Slack says: its limit can be over already
_RETRY_TIME = 1.5  # seconds in which attempts begin; Slack waits 3 seconds for an ack
LONGEST_LOOKUP = 20.0
"""Seconds in which attempts for an order begin while Slack limits the rate: an order's deadline by default."""

_STRANGER = ("user_not_found", "user_not_visible", "users_not_found")  # the error codes for people of nobody's
_NOT_REPEATED = TOKEN_REFUSED | {"missing_scope"}

PROFILE_TTL = 300.0
_REFRESH_TIMEOUT = 1.0  # seconds to wait for Slack if there is an older answer
MAX_STORING = 1_000  # lookups and answers; if the database is slow, a later lookup stores the answer
MAX_ENTRIES = 10_000


async def fetch_profile(web: AsyncWebClient, token: Secret, user_id: str) -> Profile:
    """Return a profile, a stranger's if unknown. One attempt. Raises SlackUnreachableError."""
    try:
        response = await call(
            web.users_info(token=token.reveal(), user=user_id), dict.fromkeys(_STRANGER, RefusedError)
        )
    except RefusedError:
        return Profile(team_id="", is_stranger=True)
    return _read_profile(response.get("user"))


async def _fetch_with_retries(web: AsyncWebClient, token: Secret, user_id: str) -> Profile:
    """Fetch a profile, and repeat failures that may pass while an ack can wait. Raises SlackUnreachableError.

    While Slack limits the rate, attempts begin for 20 seconds: the second soon, the others as Slack says.
    https://docs.slack.dev/apis/web-api/rate-limits
    """
    began, failures = time.monotonic(), 0
    while True:
        try:
            return await fetch_profile(web, token, user_id)
        except SlackUnreachableError as error:
            failures += 1
            longest = _RETRY_TIME if error.after is None else LONGEST_LOOKUP
            delay = max(backoff(failures, first=_BACKOFF, longest=longest), (error.after or 0.0) if failures > 1 else 0)
            if str(error) in _NOT_REPEATED or time.monotonic() + delay > began + longest:
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
        is_admin=_any(user, *MAKE_ADMIN),
        is_restricted=_any(user, *MAKE_RESTRICTED),
        is_stranger=_any(user, "is_stranger"),
        has_roles=isinstance(user.get("is_restricted"), bool),
    )


def _any(user: Mapping[str, Any], *names: str) -> bool:
    return any(user.get(name) is True for name in names)


_Key = tuple[str, str]  # team id, user id
_Lookup = asyncio.Task[Profile]  # fails with SlackUnreachableError


@dataclass(frozen=True, slots=True)
class _Entry:
    """The last answer about a person, and when it was asked for: a monotonic time."""

    answer: Profile
    asked_at: float


class RoleCache:
    """Roles of people in the workspace of the app, by the last answers of users.info about `most` people.

    The answers are also stored, so that a restart does not lose them.
    """

    def __init__(self, web: AsyncWebClient, rows: People, *, most: int = MAX_ENTRIES) -> None:
        self._web = web
        self._rows = rows
        self._entries: LRUCache[_Key, _Entry] = LRUCache(most)
        self._lookups: dict[_Key, _Lookup] = {}
        self._tasks = Tasks()

    def peek(self, workspace: Workspace, actor: Actor, *, longest: float = PROFILE_TTL) -> Role:
        """Return the cached role without a lookup; UNKNOWN if there is none from the last `longest` seconds."""
        if workspace.team_id and is_surely_outsider(actor, workspace.enterprise_id):
            return Role.OUTSIDER
        entry = self._entries.get(_key(actor))
        if entry is None or time.monotonic() >= entry.asked_at + longest:
            return Role.UNKNOWN
        return _role(entry.answer, workspace, actor)

    async def get_for_pause(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role, cached for 5 minutes; if Slack gives no answer, by an answer of the last 7 days.

        Answers from before a restart count. If the person was a full member in the last 7 days, Slack is asked beside
        it, and a role that has changed applies to the next request. Until the workspace is known, stored answers do not
        count: they can be those to another bot token.
        """
        if (role := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return role
        key, began = _key(actor), time.monotonic()
        lookup = self._lookup(workspace, key)
        if key not in self._entries and workspace.team_id:
            load = self._tasks.start(self._load(key))
            await asyncio.wait({load, lookup}, return_when=asyncio.FIRST_COMPLETED)
            if key not in self._entries:  # the lookup has failed
                await asyncio.wait({load})
        known = self.peek(workspace, actor, longest=PROFILE_DAYS * DAY)
        if known in FULL_MEMBERS:
            return known
        within = None if known is Role.UNKNOWN else began + _REFRESH_TIMEOUT - time.monotonic()
        role = await self._result(lookup, workspace, actor, within)
        return known if role is Role.UNKNOWN else role

    async def get(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role, cached for 5 minutes; UNKNOWN if Slack gives no answer."""
        if (role := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return role
        return await self._result(self._lookup(workspace, _key(actor)), workspace, actor)

    async def fetch(self, workspace: Workspace, actor: Actor, *, within: float | None = None) -> Role:
        """Return the role by a new lookup; UNKNOWN if Slack gives no answer within so many seconds."""
        if (role := self.peek(workspace, actor)) is Role.OUTSIDER:
            return role
        return await self._result(self._look_up(workspace, _key(actor)), workspace, actor, within)

    async def close(self) -> None:
        """Cancel every lookup, and what is being stored: the next answer is."""
        await self._tasks.cancel()

    async def _result(self, lookup: _Lookup, workspace: Workspace, actor: Actor, within: float | None = None) -> Role:
        """Return the role by a lookup; UNKNOWN if it fails, is cancelled or goes on."""
        await asyncio.wait({lookup}, timeout=within)
        if not lookup.done() or lookup.cancelled() or lookup.exception() is not None:
            return Role.UNKNOWN
        return _role(lookup.result(), workspace, actor)

    def _lookup(self, workspace: Workspace, key: _Key) -> _Lookup:
        return self._lookups.get(key) or self._look_up(workspace, key)

    def _look_up(self, workspace: Workspace, key: _Key) -> _Lookup:
        lookup = self._lookups[key] = self._tasks.start(_fetch_with_retries(self._web, workspace.bot_token, key[1]))
        asked_at, is_stored = time.monotonic(), bool(workspace.team_id)
        lookup.add_done_callback(lambda done: self._put(key, done, asked_at, is_stored=is_stored))
        return lookup

    def _put(self, key: _Key, lookup: _Lookup, asked_at: float, *, is_stored: bool) -> None:
        """Cache the answer, unless that of a later lookup is there already."""
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        if lookup.cancelled():
            return
        if (error := lookup.exception()) is not None:
            _log.warning("Slack user lookup failed", extra={"user": key[1], "team": key[0], "why": str(error)})
            return
        answer, before = lookup.result(), self._entries.get(key)
        if before is not None and before.asked_at > asked_at:
            return
        self._entries[key] = _Entry(answer, asked_at)
        if is_stored and len(self._tasks) < MAX_STORING:
            self._tasks.start(self._store(key, answer))

    async def _store(self, key: _Key, answer: Profile) -> None:
        try:
            await self._rows.record(*key, answer, time.time())
        except StoreError as error:
            _log.warning("role not stored", extra={"user": key[1], "team": key[0], "why": str(error)})

    async def _load(self, key: _Key) -> None:
        """Load the stored answer into the cache, unless Slack has answered before."""
        try:
            found = await self._rows.find(*key, time.time())
        except StoreError as error:
            _log.warning("role not loaded", extra={"team": key[0], "user": key[1], "why": str(error)})
            return
        if found is not None:
            profile, age = found
            self._entries.setdefault(key, _Entry(profile, time.monotonic() - age))


def _key(actor: Actor) -> _Key:
    return actor.team_id, actor.user_id


def _role(answer: Profile, workspace: Workspace, actor: Actor) -> Role:
    """Return the role by an answer. Until the workspace is known, only Slack's word about people of it counts."""
    role = role_of(answer, actor, workspace.enterprise_id)
    is_confirmed = answer.has_roles and role is not Role.OUTSIDER
    return role if workspace.team_id or is_confirmed else Role.UNKNOWN

"""Roles of people: look them up in Slack, and cache them, so that a pause does not wait for Slack each time."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bot.concurrency import Tasks
from bot.core.json_fields import object_field, text_field
from bot.core.policy import Profile, Role, is_surely_outsider, role_of
from bot.core.requests import Actor
from bot.core.secret import Secret
from bot.core.slack_ids import TOKEN_REFUSED
from bot.core.workspace import Workspace
from bot.outbound.slack.errors import SlackUnreachableError, call

_log = logging.getLogger(__name__)

_PROFILE_TTL = 300.0
_REFRESH_TIMEOUT = 1.0  # seconds to wait for Slack if the cache has an older answer
_RETRY_INTERVAL = 5.0  # seconds between a failed lookup and the next one, if the cache has an older answer
_SCOPE_MISSING_TTL = 30.0  # short, so that a reinstall soon takes effect
_BACKOFFS = (0.2, 0.5)  # seconds between the attempts of a lookup that has no older answer to fall back on
_RETRY_TIME = 1.5  # seconds in which such attempts begin; Slack waits 3 seconds for an ack
_MAX_ENTRIES = 10_000

_Key = tuple[str, str]  # team id, user id
_Answer = Profile | None  # None: the app lacks the scope


@dataclass(slots=True)
class _Entry:
    answer: _Answer
    fresh_until: float
    lookup: int  # sequence number of the lookup that produced this entry


_NO_PROFILE: dict[str, _Answer] = {
    **dict.fromkeys(("user_not_found", "user_not_visible", "users_not_found"), Profile(team_id="", is_stranger=True)),
    "missing_scope": None,
}


class _NoProfileError(Exception):
    """Slack refused with an error code of _NO_PROFILE."""


_REFUSALS = dict.fromkeys(_NO_PROFILE, _NoProfileError)


class RoleCache:
    """Cache over users.info. `clock` is monotonic, in seconds; `workspace` is the one that the app is installed in."""

    def __init__(self, web: AsyncWebClient, clock: Callable[[], float], *, most: int = _MAX_ENTRIES) -> None:
        self._web = web
        self._clock = clock
        self._entries: LRUCache[_Key, _Entry] = LRUCache(most)
        self._lookups: dict[_Key, asyncio.Task[_Answer]] = {}
        self._numbers = itertools.count()
        self._tasks = Tasks()

    async def get(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role, cached for 5 minutes; if Slack gives no answer, by an older answer."""
        if (cached := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return cached
        key = (actor.team_id, actor.user_id)
        is_known = key in self._entries
        lookup = self._lookups.get(key) or self._start_lookup(workspace.bot_token, key, retries=not is_known)
        await asyncio.wait({lookup}, timeout=_REFRESH_TIMEOUT if is_known else None)
        try:
            return _role(_answer_of(lookup), workspace, actor)
        except SlackUnreachableError as error:
            return self._fall_back(workspace, actor, str(error))

    async def fetch(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role by a new lookup; UNKNOWN if Slack gives no answer."""
        if is_surely_outsider(actor, workspace.enterprise_id):
            return Role.OUTSIDER
        lookup = self._start_lookup(workspace.bot_token, (actor.team_id, actor.user_id), retries=True)
        await asyncio.wait({lookup})
        try:
            return _role(_answer_of(lookup), workspace, actor)
        except SlackUnreachableError:
            return Role.UNKNOWN

    def peek(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the cached role without a lookup; UNKNOWN if there is none from the last 5 minutes."""
        if is_surely_outsider(actor, workspace.enterprise_id):
            return Role.OUTSIDER
        entry = self._entries.get((actor.team_id, actor.user_id))
        if entry is None or self._clock() >= entry.fresh_until:
            return Role.UNKNOWN
        return _role(entry.answer, workspace, actor)

    async def close(self) -> None:
        """Cancel every lookup."""
        await self._tasks.cancel()

    def _start_lookup(self, token: Secret, key: _Key, *, retries: bool) -> asyncio.Task[_Answer]:
        lookup = self._lookups[key] = self._tasks.start(self._look_up(token, key, retries=retries))
        number = next(self._numbers)
        lookup.add_done_callback(lambda done: self._store(key, done, number))
        return lookup

    async def _look_up(self, token: Secret, key: _Key, *, retries: bool) -> _Answer:
        team_id, user_id = key
        answer = await (_fetch_with_retries if retries else fetch_profile)(self._web, token, user_id)
        if answer is None:
            _log.warning(
                "scope users:read is missing: guests count as members; reinstall the app", extra={"team": team_id}
            )
        return answer

    def _store(self, key: _Key, lookup: asyncio.Task[_Answer], number: int) -> None:
        """Store the answer, unless that of a later lookup is stored already."""
        has_failed = lookup.cancelled() or lookup.exception() is not None
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        entry = self._entries.get(key)
        if has_failed or (entry is not None and entry.lookup > number):
            return
        answer = lookup.result()
        ttl = _SCOPE_MISSING_TTL if answer is None else _PROFILE_TTL
        self._entries[key] = _Entry(answer, self._clock() + ttl, number)

    def _fall_back(self, workspace: Workspace, actor: Actor, why: str) -> Role:
        """Return the role by the last answer, and delay the next lookup."""
        _log.warning("Slack user lookup failed", extra={"user": actor.user_id, "team": actor.team_id, "why": why})
        entry = self._entries.get((actor.team_id, actor.user_id))
        if entry is None:
            return Role.UNKNOWN
        entry.fresh_until = max(entry.fresh_until, self._clock() + _RETRY_INTERVAL)
        return _role(entry.answer, workspace, actor)


def _answer_of(lookup: asyncio.Task[_Answer]) -> _Answer:
    """Return the answer. Raises SlackUnreachableError, also for a lookup in flight or cancelled."""
    if not lookup.done() or lookup.cancelled():
        raise SlackUnreachableError("no response yet")
    return lookup.result()


def _role(answer: _Answer, workspace: Workspace, actor: Actor) -> Role:
    return Role.SCOPE_MISSING if answer is None else role_of(answer, actor, workspace.enterprise_id)


async def _fetch_with_retries(web: AsyncWebClient, token: Secret, user_id: str) -> _Answer:
    """Fetch a profile, and repeat failures that may pass while an ack can wait. Raises SlackUnreachableError."""
    ends = time.monotonic() + _RETRY_TIME
    for backoff in _BACKOFFS:
        try:
            return await fetch_profile(web, token, user_id)
        except SlackUnreachableError as error:
            delay = max(backoff, error.after or 0.0)
            if str(error) in TOKEN_REFUSED or time.monotonic() + delay > ends:
                raise
        await asyncio.sleep(delay)
    return await fetch_profile(web, token, user_id)


async def fetch_profile(web: AsyncWebClient, token: Secret, user_id: str) -> Profile | None:
    """Return a person's profile: a stranger's if unknown, None without the scope. Raises SlackUnreachableError.

    One attempt, with a timeout of 5 s. https://docs.slack.dev/reference/methods/users.info
    """
    try:
        response = await call(web.users_info(token=token.reveal(), user=user_id), _REFUSALS)
    except _NoProfileError as error:
        return _NO_PROFILE[str(error)]
    return _read_profile(response.get("user"))


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

"""Cache of the roles of people, so that an order does not wait for Slack each time."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bot.concurrency import Tasks
from bot.core.policy import FULL_MEMBERS, Profile, Role, is_surely_outsider, role_of
from bot.core.requests import Actor
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.slack.errors import SlackUnreachableError
from bot.outbound.slack.users import fetch_profile, fetch_profile_with_retries

_log = logging.getLogger(__name__)

_PROFILE_TTL = 300.0
_PAUSE_TTL = 86_400.0  # seconds for which a pause of a full member does not wait for a newer answer
_REFRESH_TIMEOUT = 1.0  # seconds to wait for Slack if the cache has an older answer
_RETRY_INTERVAL = 5.0  # seconds between a failed lookup and the next one, if the cache has an older answer
_SCOPE_MISSING_TTL = 30.0  # short, so that a reinstall soon takes effect
_MAX_ENTRIES = 10_000

_Key = tuple[str, str]  # team id, user id
_Answer = Profile | None  # None: the app lacks the scope


@dataclass(slots=True)
class _Entry:
    answer: _Answer
    answered_at: float
    fresh_until: float
    lookup: int  # sequence number of the lookup that produced this entry


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
        return await self._result_of(lookup, workspace, actor)

    async def get_for_pause(self, workspace: Workspace, actor: Actor) -> Role:
        """Return the role; that of a full member by an answer of the last 24 hours, refreshed in the background.

        A role that has changed since then applies to the next request.
        """
        if (cached := self.peek(workspace, actor)) is not Role.UNKNOWN:
            return cached
        key = (actor.team_id, actor.user_id)
        entry = self._entries.get(key)
        if (
            entry is None
            or self._clock() >= entry.answered_at + _PAUSE_TTL
            or (role := _role(entry.answer, workspace, actor)) not in FULL_MEMBERS
        ):
            return await self.get(workspace, actor)
        if key not in self._lookups:
            lookup = self._start_lookup(workspace.bot_token, key, retries=False)
            self._tasks.start(self._result_of(lookup, workspace, actor))
        return role

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

    async def _result_of(self, lookup: asyncio.Task[_Answer], workspace: Workspace, actor: Actor) -> Role:
        """Wait for a lookup, with a timeout if there is an older answer to fall back on."""
        is_known = (actor.team_id, actor.user_id) in self._entries
        await asyncio.wait({lookup}, timeout=_REFRESH_TIMEOUT if is_known else None)
        try:
            return _role(_answer_of(lookup), workspace, actor)
        except SlackUnreachableError as error:
            return self._fall_back(workspace, actor, str(error))

    def _start_lookup(self, token: Secret, key: _Key, *, retries: bool) -> asyncio.Task[_Answer]:
        lookup = self._lookups[key] = self._tasks.start(self._look_up(token, key, retries=retries))
        number = next(self._numbers)
        lookup.add_done_callback(lambda done: self._store(key, done, number))
        return lookup

    async def _look_up(self, token: Secret, key: _Key, *, retries: bool) -> _Answer:
        team_id, user_id = key
        answer = await (fetch_profile_with_retries if retries else fetch_profile)(self._web, token, user_id)
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
        now = self._clock()
        self._entries[key] = _Entry(answer, now, now + ttl, number)

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

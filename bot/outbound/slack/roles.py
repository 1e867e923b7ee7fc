"""The roles of people, so that an order does not wait for Slack each time."""

import asyncio
from collections.abc import Callable
from functools import partial

from bot.core.policy import FULL_MEMBERS, Role, is_surely_outsider, role_of
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.outbound.slack.errors import SlackUnreachableError
from bot.outbound.slack.profiles import Answer, Key, ProfileCache
from bot.outbound.slack.users import LONGEST_LOOKUP, fetch_profile, fetch_profile_with_retries
from bot.outbound.store.role_rows import KEPT

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

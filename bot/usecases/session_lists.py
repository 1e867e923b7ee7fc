"""Lists of sessions: what Anchor lists, and what the journal knows of it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.core.fields import Secret
from bot.core.outcomes import Refusal, Why
from bot.core.requests import Actor, Order, Verb
from bot.core.session_ids import Found
from bot.core.sessions import NotRead, Overview, Session, SessionList, Unread
from bot.core.workspace import Workspace
from bot.messages.blocks import Message
from bot.messages.sessions import list_message, list_refusal
from bot.outbound.store.history import SessionStates
from bot.runtime import Interruption, Tasks
from bot.usecases.access import Access, AccessCheck
from bot.usecases.session_cards import CardUpdates
from bot.usecases.sessions import SessionReads

PAUSED_WITHIN = 86_400.0  # seconds; few sessions live longer
_NEW_KEY_TIMEOUT = 2.0  # seconds for the list of a new key, which is saved after that
_ABOUT_END_TIMEOUT = 1.0  # seconds for a session to be read that somebody wants to end

_Read = Coroutine[Any, Any, SessionList | NotRead]


@dataclass(eq=False)
class SessionLists:
    """Lists of sessions, and the messages with them."""

    access_check: AccessCheck
    reads: SessionReads
    states: SessionStates
    updates: CardUpdates
    tasks: Tasks
    dashboard_url: str

    def __post_init__(self) -> None:
        self._interruption = Interruption()

    def interrupt(self) -> None:
        """Stop waiting for Anchor: the bot is being stopped."""
        self._interruption.come()

    async def search(self, actor: Actor, words: str) -> Found | Overview | Refusal:
        """Return the session that `words` mean alone, or else those that run, and those that this app paused."""
        return await self._interruption.or_result(self._search(actor, words), Refusal(Why.STOPPING))

    async def _search(self, actor: Actor, words: str) -> Found | Overview | Refusal:
        access = await self.access_check.check_viewer(actor)
        if not isinstance(access, Access):
            return access
        running = await self.reads.running(access)
        meant = running.meant_by(words) if isinstance(running, SessionList) else None
        return meant or await self._with_paused(actor, access, running)

    async def find(self, actor: Actor, verb: Verb, words: str) -> Found | Message:
        """Return the session that `words` mean alone, or else the message of `message`."""
        found = await self.search(actor, words)
        return found if isinstance(found, Found) else self._message(actor, found, verb, words)

    async def message(self, actor: Actor, verb: Verb, words: str = "") -> Message:
        """Return the list for the person alone, of those that `words` choose for this order, or why they see none."""
        return self._message(actor, await self.overview(actor), verb, words)

    def _message(self, actor: Actor, found: Overview | Refusal, verb: Verb, words: str) -> Message:
        if not isinstance(found, Overview):
            return list_refusal(found, dashboard_url=self.dashboard_url)
        shown = replace(found, verb=verb, words=words)
        return self.updates.show(actor.person, list_message(shown, dashboard_url=self.dashboard_url))

    async def to_end(self, order: Order) -> Session | Refusal | None:
        """Return what is known of the session that somebody wants to end, or why they can't; wait a moment for it."""
        return await self._interruption.or_result(self._to_end(order), Refusal(Why.STOPPING))

    async def _to_end(self, order: Order) -> Session | Refusal | None:
        access = await self.access_check.check(order)
        if not isinstance(access, Access):
            return access
        read = await self.reads.anchor.details(access.key, order.session_id, within=_ABOUT_END_TIMEOUT)
        team_id = access.workspace.team_id
        if isinstance(read, Session):
            self.reads.learn_some(team_id, [read])
        known = self.reads.known(team_id, order.session_id)
        return known.with_newer(read) if isinstance(read, Session) and known else known

    async def overview(self, actor: Actor, *, within: float | None = None) -> Overview | Refusal:
        """Return the sessions that run, and those that this app paused; wait `within` seconds for Anchor."""
        return await self._interruption.or_result(self._overview(actor, within), Refusal(Why.STOPPING))

    async def _overview(self, actor: Actor, within: float | None) -> Overview | Refusal:
        access = await self.access_check.check_viewer(actor)
        if not isinstance(access, Access):
            return access
        return await self._with_paused(actor, access, await self._within(self.reads.running(access), within))

    async def _with_paused(self, actor: Actor, access: Access, running: SessionList | NotRead) -> Overview:
        listed, ended = (running.sessions, running.ended) if isinstance(running, SessionList) else ((), frozenset())
        now = time.time()
        ids = [one.id for one in listed]
        paused = await self.states.paused(access.workspace.team_id, ids, since=now - PAUSED_WITHIN)
        if paused is not None:
            paused = {name: state for name, state in paused.items() if name not in ended}
        shown_in = None if actor.channel_id else access.workspace.alerts_channel
        read_at = running.read_at if isinstance(running, SessionList) else now
        return Overview(running, paused, access.allowed, actor.user_id, read_at, access.is_admin, shown_in)

    async def paused_without(self, workspace: Workspace, key: Secret) -> int:
        """Return how many sessions this app paused with the old key, if a new `key` of another account reaches none."""
        since, has_key = time.time() - PAUSED_WITHIN, workspace.anchor_key is not None
        paused = await self.states.paused(workspace.team_id, [], since=since) if has_key else None
        running = await self._within(self.reads.anchor.running(key), _NEW_KEY_TIMEOUT) if paused else None
        if not paused or not isinstance(running, SessionList) or not running.is_complete:
            return 0
        known = {one.id for one in running.sessions} | running.ended
        return 0 if known.intersection(paused) else len(paused)

    async def _within(self, read: _Read, within: float | None) -> SessionList | NotRead:
        reading = self.tasks.start(read)
        await asyncio.wait({reading}, timeout=within)
        return reading.result() if reading.done() else NotRead(Unread.TIMED_OUT)

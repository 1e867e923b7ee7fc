"""Read sessions from Anchor: lists with what the journal knows of them, and facts for cards."""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache, TTLCache

from bot.core.fairness import TimeWindow
from bot.core.orders import Actor, MessageContent, Person, ReplyAddress
from bot.core.outcomes import Refusal
from bot.core.session_checks import MOST_AFTER_PAUSES, READS_WINDOW, Check
from bot.core.session_ids import Found, SessionId
from bot.core.sessions import NotRead, Overview, Session, SessionList
from bot.messages.blocks import Message, Visibility
from bot.messages.results import apply, list_update
from bot.messages.sessions import list_message, list_refusal
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.store.card_sessions import CardSessions
from bot.outbound.store.errors import StoreError
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.session_states import PAUSED_WITHIN, SessionStates
from bot.runtime import KeyedLocks, Tasks, ended
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.permissions import Access, AccessCheck, OperatorAccess
from bot.usecases.results import MessageDelivery

_log = logging.getLogger(__name__)

CACHED = 5.0  # seconds for which others get what was read, too
MOST_WORKSPACES = 1_000
MOST_SESSIONS = 10_000
MOST_LISTS = 2_000
KEPT = 600.0  # seconds for which lists, and the lasting facts of a session, are remembered

_FACTS_TIMEOUT = 3.0  # seconds
MOST_IN_FLIGHT = 20  # of all workspaces: reads must not take the processor from orders


_Read = Coroutine[Any, Any, SessionList | NotRead]
_List = tuple[str, int]  # team and version of the key


@dataclass(frozen=True, slots=True)
class _Known:
    """A session as it was at a monotonic time."""

    session: Session
    read_at: float


@dataclass(eq=False, repr=False)
class SessionReads:
    """Reads of Anchor. They share no queue with orders, so a slow read never delays a pause."""

    anchor: AnchorSessions
    tasks: Tasks
    monitor: WorkspaceMonitor

    def __post_init__(self) -> None:
        self._in_flight: dict[_List, asyncio.Task[SessionList | NotRead]] = {}
        self._lists: TTLCache[_List, SessionList] = TTLCache(MOST_WORKSPACES, CACHED, timer=time.monotonic)
        self._known: TTLCache[tuple[str, SessionId], _Known] = TTLCache(MOST_SESSIONS, KEPT, timer=time.monotonic)

    async def running(self, access: Access) -> SessionList | NotRead:
        """Return the sessions that run, as of the last 5 seconds; a failure is not kept. Callers share a read."""
        name = (access.workspace.team_id, access.workspace.key_version)
        if (cached := self._lists.get(name)) is not None:
            return cached
        if name not in self._in_flight:
            self._in_flight[name] = self.tasks.start(self._read_running(name, access))
        reading = self._in_flight[name]
        await ended(reading)
        result = reading.result()
        if isinstance(result, NotRead) and result.is_key_refused:
            newer = await OperatorAccess(self.monitor.workspaces.find_now).newer_key(access)
            return result if newer is None else await self.running(newer)
        return result

    def known(self, team_id: str, session_id: SessionId) -> Session | None:
        """Return what was read of a session in the last 10 minutes; what changes soon, for 5 seconds."""
        known = self._known.get((team_id, session_id))
        if known is None:
            return None
        return known.session if self.is_fresh(team_id, session_id) else known.session.lasting()

    def is_fresh(self, team_id: str, session_id: SessionId) -> bool:
        """Return whether everything about a session was read in the last 5 seconds."""
        known = self._known.get((team_id, session_id))
        return known is not None and time.monotonic() < known.read_at + CACHED

    def learn(self, team_id: str, sessions: Iterable[Session]) -> None:
        """Remember sessions that were just read."""
        for session in sessions:
            earlier = self._known.get((team_id, session.id))
            whole = session if earlier is None else earlier.session.lasting().with_newer(session)
            self._known[team_id, session.id] = _Known(whole, time.monotonic())

    def learn_some(self, team_id: str, sessions: Iterable[Session]) -> None:
        """Remember the few facts of a list of statuses; the others can still be asked for."""
        for one in sessions:
            if one.stated().keys() - {"status"}:
                earlier = self._known.get((team_id, one.id), _Known(Session(id=one.id), -math.inf))
                self._known[team_id, one.id] = replace(earlier, session=earlier.session.with_newer(one.lasting()))

    async def _read_running(self, name: _List, access: Access) -> SessionList | NotRead:
        try:
            result = await self.anchor.running(access.key)
        finally:
            del self._in_flight[name]
        self.monitor.record_list(access.workspace, result)
        if isinstance(result, SessionList):
            self._lists[name] = result
            self.learn(access.workspace.team_id, result.sessions)
        return result


@dataclass(eq=False, repr=False)
class SessionLists:
    """Lists of sessions, and the messages with them."""

    access_check: AccessCheck
    reads: SessionReads
    states: SessionStates
    delivery: MessageDelivery
    tasks: Tasks

    def __post_init__(self) -> None:
        self._shown: TTLCache[Person, MessageContent] = TTLCache(MOST_LISTS, KEPT, timer=time.monotonic)
        self._locks = KeyedLocks()

    async def find(self, actor: Actor, words: str) -> Found | Message:
        """Return the session that `words` mean alone, or else the message of `message`."""
        access = await self.access_check.check_viewer(actor)
        if not isinstance(access, Access):
            return self._message(actor, access, words)
        running = await self.reads.running(access)
        meant = running.meant_by(words) if isinstance(running, SessionList) else None
        return meant or self._message(actor, await self._with_paused(actor, access, running), words)

    async def message(self, actor: Actor, words: str = "") -> Message:
        """Return the list for the person alone, of those that `words` choose, or why they see none."""
        return self._message(actor, await self.overview(actor), words)

    def _message(self, actor: Actor, found: Overview | Refusal, words: str) -> Message:
        if not isinstance(found, Overview):
            return list_refusal(found)
        message = list_message(replace(found, words=words))
        self._shown[actor.person] = MessageContent(message.text, message.blocks)  # Slack omits it in their clicks
        return message

    async def follow(self, running: RunningOrder, address: ReplyAddress) -> None:
        """Show the result of an order in the list whose button was clicked, if that is the last one of its person."""
        await ended(running.result)
        person = running.order.actor.person
        if running.outcome is None or (shown := self._shown.get(person)) is None:
            return
        update = list_update(running.order, running.outcome, now=time.time(), order_id=running.id)
        if (updated := apply(update, shown)) != shown:
            self._shown[person] = updated
            async with self._locks.get(person):  # Slack gets the newest one last
                await self.delivery.update_message(address, updated, Visibility.EPHEMERAL)

    async def overview(self, actor: Actor, *, within: float | None = None) -> Overview | Refusal:
        """Return the sessions that run, and those that this app paused; wait `within` seconds for Anchor."""
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
        read_at = running.read_at if isinstance(running, SessionList) else now
        return Overview(running, paused, access.allowed, actor.channel_id, read_at)

    async def _within(self, read: _Read, within: float | None) -> SessionList | NotRead:
        reading = self.tasks.start(read)
        await asyncio.wait({reading}, timeout=within)
        return reading.result() if reading.done() else NotRead()


@dataclass(eq=False, repr=False)
class FactReads:
    """Facts on cards, and reads of sessions that were paused. Those beyond the limits are skipped.

    `learned` is set once it can be known when a paused session ends.
    """

    anchor: AnchorSessions
    reads: SessionReads
    rows: CardSessions
    tasks: Tasks

    def __post_init__(self) -> None:
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._windows: LRUCache[str, TimeWindow] = LRUCache(MOST_WORKSPACES)
        self.learned = asyncio.Event()
        self._is_stopped = False

    async def fill(self, team_id: str) -> None:
        """Let the cards of a workspace show what they lack. Without the database they do so later."""
        with suppress(StoreError):  # the check of the database reports it
            changed: dict[SessionId, Session] = {}
            for session_id, shown in await self.rows.shown_facts(team_id):
                known, before = self.reads.known(team_id, session_id), shown or Session(id=session_id)
                if known is not None and (facts := before.with_newer(known.for_card())) != before:
                    changed[session_id] = facts
            if changed:
                await self.rows.record_facts(team_id, changed)

    def read_after_pause(self, access: Access, session_id: SessionId) -> None:
        """Read a session after its pause, within the limits, unless it is known."""
        team_id = access.workspace.team_id
        is_busy = self._is_stopped or team_id in self._in_flight or len(self._in_flight) >= MOST_IN_FLIGHT
        if is_busy or self.reads.is_fresh(team_id, session_id):
            return
        task = self._in_flight[team_id] = asyncio.create_task(self._read(access, session_id))
        task.add_done_callback(lambda _: self._in_flight.pop(team_id))

    async def known_after_read(self, team_id: str, session_id: SessionId) -> Session | None:
        """Return what is known of a session when the read for its workspace has ended, if there is one."""
        if (reading := self._in_flight.get(team_id)) is not None:
            await ended(reading)
        return self.reads.known(team_id, session_id)

    def stop(self) -> None:
        """Read nothing more. What was read is still used."""
        self._is_stopped = True
        for task in self._in_flight.values():
            task.cancel()

    async def _read(self, access: Access, session_id: SessionId) -> None:
        team_id = access.workspace.team_id
        window, now = self._windows.setdefault(team_id, TimeWindow(MOST_AFTER_PAUSES, READS_WINDOW)), time.monotonic()
        if window.retry_after(now):
            return
        window.add(now)
        read = await self.anchor.about(access.key, session_id, within=_FACTS_TIMEOUT)
        if isinstance(read, NotRead) and read.is_key_refused:
            self.reads.monitor.record_list(access.workspace, read)
        elif not isinstance(read, NotRead):
            self.reads.learn(team_id, read)
            self.tasks.start(self._show(team_id, session_id, read))

    async def _show(self, team_id: str, session_id: SessionId, read: Sequence[Session]) -> None:
        with suppress(StoreError):
            check = Check(
                (), 0, ending=frozenset([session_id]), found={one.id: one for one in read}, asked=[session_id]
            )
            await self.rows.record_reads(team_id, check)
            self.learned.set()
        await self.fill(team_id)

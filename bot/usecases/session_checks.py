"""Ask Anchor about sessions that have cards or were paused, and update the cards."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import InitVar, dataclass

from cachetools import LRUCache, TTLCache

from bot.core.fields import Secret
from bot.core.retries import backoff
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Session, SessionPage, Unread
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.cards import CardRows
from bot.outbound.store.errors import StoreError
from bot.outbound.store.orders import storable
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.access import Access
from bot.usecases.cards import CardOutbox
from bot.usecases.sessions import SessionReads


@dataclass(eq=False)
class CardFacts:
    """Facts on cards, by what is known of their sessions."""

    rows: CardRows
    reads: SessionReads

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


FACTS_INTERVAL = 1.0
"""Seconds between two reads for a workspace: a list has the facts of many sessions, so a burst needs few."""

_FACTS_TIMEOUT = 3.0  # seconds
MOST_PER_INTERVAL = 20  # of all workspaces: reads must not take the processor from orders
MOST_IN_FLIGHT = 20
_MOST_WORKSPACES = 1_000
RATE_LIMITED = 60.0  # seconds without reads, so that orders have what Anchor allows


@dataclass(eq=False)
class FactReads:
    """Reads of sessions that were paused; `clock` gives monotonic seconds. Those beyond the limits are skipped."""

    anchor: AnchorSessions
    reads: SessionReads
    cards: CardFacts
    tasks: Tasks
    clock: InitVar[Callable[[], float]]

    def __post_init__(self, clock: Callable[[], float]) -> None:
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._recent: TTLCache[str, bool] = TTLCache(MOST_PER_INTERVAL, FACTS_INTERVAL, timer=clock)
        self._rate_limited: TTLCache[str, bool] = TTLCache(_MOST_WORKSPACES, RATE_LIMITED, timer=clock)
        self._is_stopped = False

    def read_after_pause(self, access: Access, session_id: SessionId) -> None:
        """Read a session that was paused, unless its facts are fresh or the limits are reached."""
        team_id = access.workspace.team_id
        if not self._is_due(team_id) or self.reads.is_fresh(team_id, session_id):
            return
        self._recent[team_id] = True
        task = self._in_flight[team_id] = asyncio.create_task(self._read(access, session_id))
        task.add_done_callback(lambda _: self._in_flight.pop(team_id))

    def stop(self) -> None:
        """Read nothing more. What was read is still used."""
        self._is_stopped = True
        for task in self._in_flight.values():
            task.cancel()

    def _is_due(self, team_id: str) -> bool:
        if self._is_stopped or team_id in self._rate_limited:
            return False
        has_own = team_id in self._in_flight or team_id in self._recent
        return not has_own and len(self._in_flight) < MOST_IN_FLIGHT and len(self._recent) < MOST_PER_INTERVAL

    async def _read(self, access: Access, session_id: SessionId) -> None:
        team_id = access.workspace.team_id
        read = await self.anchor.about(access.key, session_id, within=_FACTS_TIMEOUT)
        if isinstance(read, NotRead) and read.why is Unread.KEY_REJECTED:
            self.reads.report(access.workspace, read)
        elif isinstance(read, NotRead):
            self._rate_limited[team_id] = True
        else:
            self.reads.learn(team_id, read)
            self.tasks.start(self.cards.fill(team_id))


_log = logging.getLogger(__name__)

INTERVAL = 60.0
"""Seconds between two reads for a workspace. The first one follows so long after the first card."""

LOOK_INTERVAL = 10.0
"""Seconds between two looks for workspaces with open cards, and for changes that a killed process told no card."""

LONGEST_BACKOFF = 960.0  # seconds after reads that failed
_AGE = 86_400.0  # seconds by which a session can be older than its card
_LONGEST_STATUS = 100
_TIMEOUT = 10.0  # seconds for a list of sessions
MOST_LISTED = 10_000  # sessions of cards that have been looked for in a list


@dataclass(eq=False)
class SessionChecks:
    """Checks of sessions."""

    sessions: AnchorSessions
    workspaces: Workspaces
    rows: CardRows
    reads: SessionReads
    card_facts: CardFacts
    outbox: CardOutbox

    def __post_init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._listed: LRUCache[tuple[str, str], bool] = LRUCache(MOST_LISTED)

    async def look(self) -> None:
        """Update the cards of untold changes, and check the workspaces whose turn it is."""
        with suppress(StoreError):  # the check of the database reports it
            await self._look()

    async def _look(self) -> None:
        for session in await self.rows.untold():
            self.outbox.refresh(session)
        for team_id, since in (await self.rows.claim_checks(INTERVAL)).items():
            await self._check(team_id, since)

    async def _check(self, team_id: str, since: float) -> None:
        workspace = await self.workspaces.find(team_id)
        if workspace is None or workspace.anchor_key is None:
            return
        page = await self.sessions.statuses(workspace.anchor_key.value, since=since - _AGE)
        self.reads.report(workspace, page)
        if isinstance(page, NotRead):
            failures = self._failures[team_id] = self._failures.get(team_id, 0) + 1
            await self.rows.postpone_check(team_id, backoff(failures + 1, first=INTERVAL, longest=LONGEST_BACKOFF))
            return
        self._failures.pop(team_id, None)
        known = await self.rows.live_sessions(team_id)
        statuses = {str(one.id): _word(one) for one in page.sessions if one.life is Life.ENDED and one.id in known}
        if statuses:
            await self.rows.end_sessions(team_id, statuses)
            _log.info("sessions of cards have ended", extra={"team": team_id, "sessions": len(statuses)})
        self.reads.learn_some(team_id, (one for one in page.sessions if one.id in known))
        await self._read_new(team_id, workspace.anchor_key.value, known - statuses.keys())
        await self.card_facts.fill(team_id)

    async def _read_new(self, team_id: str, key: Secret, open_sessions: frozenset[str]) -> None:
        """Read the newest sessions if some have new cards: statuses say neither the domains nor what drives them.

        One that is not among these is not looked for again.
        """
        new = {(team_id, session_id) for session_id in open_sessions} - self._listed.keys()
        if not new:
            return
        page = await self.sessions.newest(key, within=_TIMEOUT)
        if isinstance(page, SessionPage):
            self.reads.learn(team_id, page.sessions)
            self._listed.update(dict.fromkeys(new, True))


def _word(session: Session) -> str:
    """Return Anchor's word for the end of a session, as the database can have it."""
    return (storable(session.status) or "")[:_LONGEST_STATUS]

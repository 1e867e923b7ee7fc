"""Ask Anchor about the sessions of cards, and update the cards of those that ended."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from bot.core.fields import Secret
from bot.core.retries import backoff
from bot.core.sessions import Life, NotRead, Session, SessionPage
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.cards import CardRows
from bot.outbound.store.connections import storable
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.sessions import FactReads, SessionReads

_log = logging.getLogger(__name__)

INTERVAL = 60.0
"""Seconds between two reads for a workspace. The first one follows so long after the first card."""

LOOK_INTERVAL = 10.0
"""Seconds between two looks for workspaces with open cards."""

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
    fact_reads: FactReads

    def __post_init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._listed: LRUCache[tuple[str, str], bool] = LRUCache(MOST_LISTED)

    async def look(self) -> None:
        """Check the workspaces whose turn it is."""
        with suppress(StoreError):  # the check of the database reports it
            await self._look()

    async def _look(self) -> None:
        for team_id, since in (await self.rows.claim_checks(INTERVAL)).items():
            await self._check(team_id, since)

    async def _check(self, team_id: str, since: float) -> None:
        workspace = await self.workspaces.find(team_id)
        if workspace is None or workspace.anchor_key is None:
            return
        page = await self.sessions.statuses(workspace.anchor_key.value, since=since - _AGE)
        self.reads.monitor.record_list(workspace, page)
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
        await self.fact_reads.fill(team_id)

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

"""Ask Anchor about the sessions of cards, and update the cards of those that ended."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from bot.core.fields import Secret, digest
from bot.core.retries import backoff
from bot.core.session_checks import MOST_READS, OWN_LIST, READS_AFTER_PAUSE, Answer, Check, Target
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Session, SessionPage, Unread
from bot.core.workspace import AutoPause, NewKeyRejected, Workspace
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.cards import CardRows
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.sessions import FactReads, SessionReads

_log = logging.getLogger(__name__)

INTERVAL = 60.0
"""Seconds from a check of a workspace to the next one. The first one follows so long after the first card."""

LOOK_INTERVAL = 16.0  # seconds between two looks for workspaces with open cards
KEY_INTERVAL = 45.0  # seconds to the next look that tries a key again, while alerts can pause: it is every 48
LONGEST_BACKOFF = 960.0  # seconds after reads that failed
_AGE = 86_400.0  # seconds by which a session can be older than its card
_TIMEOUT = 10.0  # seconds for a read,
_LONGEST_CHECK = 30.0  # and for all of a check
_MOST_AT_ONCE = 20  # checks: reads must not take the processor from orders
MOST_LISTED = 10_000  # sessions of cards that have been looked for in a list


@dataclass(eq=False)
class SessionChecks:
    """Checks of sessions."""

    anchor: AnchorClient
    sessions: AnchorSessions
    workspaces: Workspaces
    rows: CardRows
    reads: SessionReads
    fact_reads: FactReads

    def __post_init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._listed: LRUCache[tuple[str, SessionId], bool] = LRUCache(MOST_LISTED)
        self._turn, self._key_turn = asyncio.Semaphore(_MOST_AT_ONCE), asyncio.Semaphore(_MOST_AT_ONCE)

    async def look(self) -> None:
        """Check the workspaces whose turn it is, and try the keys of those in which alerts can pause."""
        pinned = self.workspaces.pinned
        pausing = pinned.team_id if pinned is not None and pinned.auto_pause is not AutoPause.OFF else ""
        with suppress(StoreError):  # the check of the database reports it
            teams, keys = await self.rows.claim_checks(INTERVAL, KEY_INTERVAL, pausing)
            checks = [self._check_in_turn(team_id, since) for team_id, since in teams.items()]
            await asyncio.gather(*checks, *([self._try_keys(keys)] if keys else []))

    async def _try_keys(self, teams: Sequence[str]) -> None:
        """Try the keys of workspaces. All together are done before the next look, and wait for no checks."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_TIMEOUT):
                await asyncio.gather(*map(self._try_in_turn, teams))

    async def _try_in_turn(self, team_id: str) -> None:
        async with self._key_turn:
            with suppress(StoreError):
                await self.try_key(await self.workspaces.find_now(team_id))

    async def try_key(self, workspace: Workspace | None) -> None:
        """Try the key with Anchor; no answer says nothing. If no requests are left, others have tried it."""
        if workspace is not None:
            self.reads.monitor.report_in_vain(workspace)
        if workspace is None or workspace.anchor_key is None or not await self.rows.allows_reads(workspace.team_id, 1):
            return
        result = await self.anchor.try_key(workspace.anchor_key.value)
        if isinstance(result, NewKeyRejected):
            self.reads.monitor.record_list(workspace, NotRead(Unread.KEY_REJECTED, result.status_code))
        elif result is None:
            self.reads.monitor.record_list(workspace, result)

    async def _check_in_turn(self, team_id: str, since: float) -> None:
        async with self._turn:
            with suppress(StoreError):
                workspace = await self.workspaces.find_now(team_id)
                if workspace is not None and workspace.anchor_key is not None:
                    await self._check(workspace, workspace.anchor_key.value, since)

    async def _check(self, workspace: Workspace, key: Secret, since: float) -> None:
        """Read what the workspace's requests of this minute allow, and record it."""
        team_id = workspace.team_id
        sessions = await self.rows.open_sessions(team_id)
        taken = await self.rows.take_reads(team_id, MOST_READS, kept=READS_AFTER_PAUSE) if sessions else ()
        if not taken:
            return
        new = frozenset(one for one in sessions if (team_id, one) not in self._listed)
        check = Check(sessions, len(taken), new)
        await self._read(check, workspace, key, since)
        failures, next_in = self._failures.pop(team_id, 0) + 1, INTERVAL
        if check.failure is not None:
            self._failures[team_id] = failures
            next_in = backoff(failures + 1, first=INTERVAL, longest=LONGEST_BACKOFF)
        await self.rows.end_check(team_id, taken, len(taken) - check.room, next_in=next_in)
        await self.rows.record_reads(team_id, check, key=digest(key.reveal()))
        if ended := sum(one.life is Life.ENDED for one in check.found.values()):
            _log.info("sessions of cards have ended", extra={"team": team_id, "sessions": ended})
        await self.fact_reads.fill(team_id)

    async def _read(self, check: Check, workspace: Workspace, key: Secret, since: float) -> None:
        ends = time.monotonic() + _LONGEST_CHECK
        while (within := min(_TIMEOUT, ends - time.monotonic())) > 0 and (target := check.next_read()) is not None:
            read = await self._read_one(target, key, since, within)
            check.record(target, read)
            self._learn(workspace, check, target, read)

    async def _read_one(self, target: Target, key: Secret, since: float, within: float) -> Answer:
        if target == OWN_LIST:
            return await self.sessions.statuses(key, since=since - _AGE)
        if isinstance(target, int):
            return await self.sessions.running_page(key, target, within=within)
        return await self.sessions.details(key, target, within=within)

    def _learn(self, workspace: Workspace, check: Check, target: Target, read: Answer) -> None:
        """Remember what was read. Only the team's list says the domains: on its first page each is looked for once."""
        team_id = workspace.team_id
        if target == OWN_LIST:
            self.reads.monitor.record_list(workspace, read)
            self.reads.learn_some(team_id, check.found.values())
        elif isinstance(read, Session):
            self.reads.learn_some(team_id, [read])
        elif isinstance(read, SessionPage):
            self.reads.learn(team_id, read.sessions)
            self._listed.update({(team_id, one): True for one in check.new})

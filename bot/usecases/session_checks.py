"""Ask Anchor about the sessions of cards, and update the cards of those that ended. Without any, try the key."""

import asyncio
import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from bot.core.fields import Secret
from bot.core.session_checks import OWN_LIST, Answer, Check, Target
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, Session, SessionPage
from bot.core.workspace import Workspace
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.store.card_sessions import CardSessions
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.anchor_reads import FactReads, SessionReads
from bot.usecases.reminders import Reminders

_log = logging.getLogger(__name__)

INTERVAL = 60.0
"""Seconds from a check of a workspace to the next one. The first one follows two looks after the first card."""

PER_SECOND = 40
"""Sessions of a workspace that are checked in a second, so that checks of many take little of the processor's time."""

KEY_INTERVAL = 45.0  # seconds from a check to the next one of a workspace whose key alone is tried
LOOK_INTERVAL = 16.0  # seconds between two looks for workspaces with open cards
_AGE = 86_400.0  # seconds by which a session can be older than its card
_TIMEOUT = 10.0  # seconds for a read,
_LONGEST_CHECK = 30.0  # and for all of a check
_MOST_AT_ONCE = 20  # checks: reads must not take the processor from orders
MOST_LISTED = 10_000  # sessions of cards that have been looked for in a list


@dataclass(eq=False, repr=False)
class SessionChecks:
    """Checks of sessions. No workspace waits for the reads of another one."""

    anchor: AnchorClient
    sessions: AnchorSessions
    workspaces: Workspaces
    rows: CardSessions
    reads: SessionReads
    fact_reads: FactReads
    reminders: Reminders
    tasks: Tasks

    def __post_init__(self) -> None:
        self._next: dict[str, float] = {}  # the next check of each workspace, monotonic
        self._listed: LRUCache[tuple[str, SessionId], bool] = LRUCache(MOST_LISTED)
        self._turn = asyncio.Semaphore(_MOST_AT_ONCE)

    async def look(self) -> float:
        """Begin to check the workspaces whose turn it is: those with open cards, paused sessions or pauses by alerts.

        Raises StoreError.
        """
        now, pausing = time.monotonic(), await self.workspaces.pausing_teams()
        teams: dict[str, float | None] = dict.fromkeys(pausing) | await self.rows.teams()
        second_look = now + LOOK_INTERVAL / 2  # or a moment before it
        self._next = {team_id: self._next.get(team_id, second_look) for team_id in teams}
        for team_id in [team_id for team_id in teams if self._next[team_id] <= now]:
            self._next[team_id] = math.inf  # until this check has ended
            self.tasks.start(self._check_in_turn(team_id, teams[team_id], now))
        return LOOK_INTERVAL

    async def try_key(self, workspace: Workspace | None) -> None:
        """Try the key with Anchor; no answer says nothing."""
        if workspace is None or workspace.anchor_key is None:
            return
        self.reads.monitor.record_list(workspace, await self.anchor.try_key(workspace.anchor_key.value))

    async def _check_in_turn(self, team_id: str, since: float | None, now: float) -> None:
        """Check a workspace with sessions on cards or paused ones since a time, or else try its key."""
        interval = KEY_INTERVAL if since is None else INTERVAL
        try:
            async with self._turn:
                with suppress(StoreError):
                    workspace = await self.workspaces.find_now(team_id)
                    if since is None:
                        await self.try_key(workspace)
                    elif workspace is not None and workspace.anchor_key is not None:
                        count = await self._check(workspace, workspace.anchor_key.value, since)
                        interval = max(interval, count / PER_SECOND)
        finally:
            self._next[team_id] = now + interval

    async def _check(self, workspace: Workspace, key: Secret, since: float) -> int:
        """Read sessions of a workspace, and record what was read. Return how many there are."""
        team_id = workspace.team_id
        if not (sessions := await self.rows.open_sessions(team_id)):
            return 0
        new = frozenset(one for one in sessions if (team_id, one) not in self._listed)
        ending = frozenset(one for one, is_ending in sessions.items() if is_ending)
        check = Check([*sessions], new=new, ending=ending)
        await self._read(check, workspace, key, since)
        await self.rows.record_reads(team_id, check)
        ended = {one.id: one.status for one in check.found.values() if one.life is Life.ENDED}
        if ended:
            _log.info("sessions of cards have ended", extra={"team": team_id, "sessions": len(ended)})
        if ended or check.unknown:
            await self.reminders.tell_ended(team_id, ended, check.unknown)
        if check.ends:
            self.reminders.wake.set()
        await self.fact_reads.fill(team_id)
        return len(sessions)

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

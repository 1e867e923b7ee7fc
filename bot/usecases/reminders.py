"""Reminders of sessions that are paused, before Anchor ends them, and messages about those that ended while paused."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.cards import MOST_IN_SUMMARY, MOST_SINGLE, Card, Part, ResultContent
from bot.core.fields import Secret
from bot.core.reminders import UNKNOWN_AFTER, Deadline, deadline_of, remind_at
from bot.core.requests import Verb
from bot.core.session_checks import KEPT_FOR_CHECKS, Answer
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Phase, Session, SessionPage, SessionState
from bot.core.workspace import Workspace
from bot.messages.ending import ended_message, reminder_message
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.errors import StoreError
from bot.outbound.store.reminders import TOGETHER, Look, PausedSession, ReminderRows
from bot.outbound.workspaces import Workspaces
from bot.request_id import new_id
from bot.usecases.sessions import ReadBudget, SessionReads

_log = logging.getLogger(__name__)

LONGEST_INTERVAL = 64.0
"""Seconds between two looks for the pauses of other processes, of the command line, and of those that have ended."""

EARLY = 5.0  # seconds by which a reminder can come before its time
_SHORTEST_INTERVAL = 5.0  # seconds: what is read after a pause is known by then, and many have one look
_AGAIN_AFTER = 30.0  # seconds, if the session was not read
_READ_TIMEOUT = 10.0
_MOST_AT_ONCE = 10  # reads
_MOST_READ_ALONE = 3  # sessions of a workspace
_OLDEST = 86_400.0  # seconds by which a session can be older than its pause


@dataclass(frozen=True, slots=True)
class _Told:
    """The look at a pause, and if people are told, the part of a message for each channel."""

    look: Look
    parts: Mapping[str, Part] = field(default_factory=dict)
    has_ended: bool = False


@dataclass(eq=False)
class Reminders:
    """The reminders, so many seconds `before` a session ends, or 0 for none; `wake` is set by a pause."""

    rows: ReminderRows
    sessions: AnchorSessions
    workspaces: Workspaces
    reads: SessionReads
    budget: ReadBudget
    before: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def look_now(self, team_id: str, session_ids: Sequence[SessionId]) -> None:
        """Look at the pauses of sessions that have ended, or are gone. Raises StoreError."""
        await self.rows.look_now(team_id, session_ids)
        self.wake.set()

    async def look(self) -> float:
        """Look at the pauses that are due. Return in how many seconds the next one is. Raises StoreError."""
        if not self.before:
            return LONGEST_INTERVAL
        await asyncio.sleep(_SHORTEST_INTERVAL)
        due, next_in = await self.rows.due(EARLY)
        by_team = defaultdict[str, list[PausedSession]](list)
        for paused in due:
            by_team[paused.team_id].append(paused)
        told = [one for some in await asyncio.gather(*map(self._look_at_all, by_team.values())) for one in some]
        await self.rows.record([one.look for one in told], _grouped(told))
        times = [one.look.next_at - one.look.paused.now for one in told if one.look.next_at is not None]
        following = [] if next_in is None else [next_in - EARLY]
        return max(0.0, min([*times, *following, LONGEST_INTERVAL]) - _SHORTEST_INTERVAL)

    async def _look_at_all(self, some: Sequence[PausedSession]) -> list[_Told]:
        """Look at the pauses of a workspace. Of many, lists say when they began, and which have ended."""
        team_id, turn = some[0].team_id, asyncio.Semaphore(_MOST_AT_ONCE)
        try:
            workspace = await self.workspaces.find(team_id)
        except StoreError:
            return []
        if workspace is None:
            return [_Told(Look(paused)) for paused in some]
        if workspace.anchor_key is None:  # until an admin sets one
            later = some[0].now + LONGEST_INTERVAL
            return [_Told(Look(one, later, one.deadline, is_known=one.is_known)) for one in some]
        key, listed = workspace.anchor_key.value, dict[SessionId, Session]()
        known = [one for one in some if one.is_known]
        if len(known) > _MOST_READ_ALONE and self.budget.allows(team_id, 1):
            page = await self.sessions.statuses(key, since=min(one.paused_at for one in known) - _OLDEST)
            listed = {one.id: one for one in page.sessions} if isinstance(page, SessionPage) else {}
        listed |= await self._read_new(team_id, key, {one.session_id for one in some if not one.is_known})

        async def one(paused: PausedSession) -> _Told | None:
            async with turn:
                try:
                    return await self._look_at(paused, workspace, key, listed.get(paused.session_id))
                except StoreError:
                    return None
                except Exception:  # noqa: BLE001 - the others are looked at
                    _log.exception("paused session not looked at")
                    return None

        return [look for look in await asyncio.gather(*map(one, some)) if look is not None]

    async def _read_new(self, team_id: str, key: Secret, sessions: set[SessionId]) -> dict[SessionId, Session]:
        """Return what the pages of the running list say of many sessions; few are read alone."""
        found, number = dict[SessionId, Session](), 1
        while len(sessions - found.keys()) > _MOST_READ_ALONE and self.budget.allows(team_id, 1):
            page = await self.sessions.running_page(key, number, within=_READ_TIMEOUT)
            if not isinstance(page, SessionPage) or not page.sessions:
                break
            self.reads.learn(team_id, page.sessions)
            found |= {one.id: one for one in page.sessions if one.id in sessions}
            number += 1
        return found

    async def _look_at(self, paused: PausedSession, workspace: Workspace, key: Secret, listed: Session | None) -> _Told:
        """Decide about a pause: what is not known of its session is read, and before people are told, whether it ended.

        Without a request for that they are told, too. That Anchor does not know one which was never read is no end.
        """
        known, deadline = self.reads.known(paused.team_id, paused.session_id), paused.deadline
        if not paused.is_known and known is not None and known.max_minutes is not None:
            deadline = deadline_of(known, paused.now)
            at = remind_at(paused.paused_at, deadline, self.before, paused.now)
            if at > paused.now + EARLY:
                return _Told(Look(paused, at, deadline))
        again = paused.now + max(_AGAIN_AFTER, (paused.now - paused.paused_at) / 4)  # less and less often
        read: Answer | None = listed
        kept = 0 if paused.is_known else KEPT_FOR_CHECKS
        if read is None and self.budget.allows(paused.team_id, 1, kept=kept):
            read = await self.sessions.details(key, paused.session_id, within=_READ_TIMEOUT)
        is_gone = paused.is_known and isinstance(read, NotRead) and read.is_missing
        unknown_at = paused.paused_at + UNKNOWN_AFTER
        if not (isinstance(read, Session) or is_gone or paused.is_known) and paused.now + EARLY < unknown_at:
            return _Told(Look(paused, min(again, unknown_at), is_known=False))
        if isinstance(read, Session):
            self.reads.learn_some(paused.team_id, [read])
            known = self.reads.known(paused.team_id, paused.session_id) or read
            deadline = deadline if listed is not None and paused.is_known else deadline_of(known, paused.now)
        at = remind_at(paused.paused_at, deadline, self.before, paused.now)
        if is_gone or (isinstance(read, Session) and read.life is Life.ENDED):
            last = read if isinstance(read, Session) else None
            return await self._told(paused, workspace, deadline, last, has_ended=True)
        left = None if deadline is None or paused.now >= deadline.at else deadline
        if deadline is not None and left is None and not isinstance(read, Session):
            at = again  # nobody knows whether it has ended
        if at > paused.now + (TOGETHER if paused.is_with_batch else EARLY):
            return _Told(Look(paused, at, deadline))
        return await self._told(paused, workspace, left, known)

    async def _told(
        self,
        paused: PausedSession,
        workspace: Workspace,
        deadline: Deadline | None,
        known: Session | None,
        *,
        has_ended: bool = False,
    ) -> _Told:
        """Return the parts of messages: for the channel of the order, or if it had none for those of its alerts."""
        others = [] if paused.channel_id else await self.rows.channels(paused.team_id, paused.session_id)
        channels = [paused.channel_id] if paused.channel_id else others or [workspace.alerts_channel or paused.user_id]
        parts = {}
        for channel in channels:
            reason = paused.reason if channel == paused.channel_id else ""
            who = (paused.order_id, paused.user_id, channel, reason)
            state = SessionState(Phase.PAUSED, Verb.PAUSE, *who, paused.paused_at)
            if has_ended:
                message = ended_message(paused.session_id, state, "" if known is None else known.status)
            else:
                offers_end = workspace.policy.end is not None
                about = (paused.session_id, state, deadline)
                message = reminder_message(*about, now=paused.now, known=known, offers_end=offers_end)
            content = ResultContent(
                paused.order_id,
                message.text,
                message.blocks,
                reminds=paused.user_id,
                ends_at=0.0 if deadline is None or has_ended else deadline.at,
                batch_id="" if has_ended else paused.batch_id or "",
            )
            facts = None if known is None else known.for_card()
            parts[channel] = Part(new_id(), paused.session_id, content, facts)
        return _Told(Look(paused, None, deadline, is_told=True), parts, has_ended)


def _grouped(told: Sequence[_Told]) -> list[Card]:
    """Return the messages of each channel: one for those of a batch, for those that have ended, and for many."""
    groups = defaultdict[tuple[str, str, str], list[Part]](list)
    for one in told:
        paused = one.look.paused
        for channel, part in one.parts.items():
            groups[paused.team_id, channel, "ended" if one.has_ended else paused.batch_id or ""].append(part)
    cards = list[Card]()
    for (team_id, channel, group), parts in groups.items():
        most = MOST_IN_SUMMARY if group or len(parts) > MOST_SINGLE else 1
        for first in range(0, len(parts), most):
            some = tuple(parts[first : first + most])
            cards.append(Card(id=some[0].id, team_id=team_id, channel_id=channel, parts=some))
    return cards

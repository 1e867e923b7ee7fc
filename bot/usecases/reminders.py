"""Reminders of sessions that are paused, before Anchor ends them, and messages about those that ended while paused."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.core.alerts import MOST_IN_SUMMARY, MOST_SINGLE
from bot.core.cards import Card, Part, ResultContent
from bot.core.orders import Verb, program_name
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, SessionState
from bot.core.workspace import Workspace
from bot.messages.reminders import ended_message, reminder_message
from bot.outbound.store.reminders import PausedSession, ReminderRows
from bot.outbound.workspaces import Workspaces
from bot.runtime import new_id
from bot.usecases.anchor_reads import SessionReads

LONGEST_INTERVAL = 64.0
"""Seconds between two looks for the pauses of other processes, and of the command line."""

EARLY = 5.0  # seconds by which a reminder can come before its time


@dataclass(eq=False, repr=False)
class Reminders:
    """The reminders, so many seconds `before` a session ends, or 0 for none. `wake` is set once more ends are known."""

    rows: ReminderRows
    workspaces: Workspaces
    reads: SessionReads
    before: float
    wake: asyncio.Event

    async def look(self) -> float:
        """Remind of the pauses that are due. Return in how many seconds the next one is. Raises StoreError."""
        if not self.before:
            return LONGEST_INTERVAL
        due, next_in = await self.rows.due(EARLY)
        await self._tell(due)
        return LONGEST_INTERVAL if next_in is None else min(max(EARLY, next_in - EARLY), LONGEST_INTERVAL)

    async def tell_ended(self, team_id: str, ended: Mapping[SessionId, str], gone: Collection[SessionId]) -> None:
        """Tell of paused sessions that have ended, with their statuses, or are gone, once. Raises StoreError."""
        if self.before:
            paused = await self.rows.of_sessions(team_id, ended.keys(), gone)
            await self._tell(paused, {**ended, **dict.fromkeys(gone, "")})

    async def _tell(self, due: Sequence[PausedSession], ended: Mapping[SessionId, str] | None = None) -> None:
        """Post one message in each channel for those of a batch, for those that have ended, and for many."""
        groups, called = defaultdict[tuple[str, str, str], list[Part]](list), set[str]()
        for paused in due:
            workspace = None if paused.is_over else await self.workspaces.find(paused.team_id)
            if workspace is not None:
                channel = paused.channel_id or workspace.alerts_channel or paused.user_id
                part = self._part(paused, workspace, channel, None if ended is None else ended[paused.session_id])
                groups[paused.team_id, channel, (paused.batch_id or "") if ended is None else "ended"].append(part)
                called |= set() if program_name(paused.user_id) is None else {part.id}
        cards = list[Card]()
        for (team_id, channel, group), parts in groups.items():
            most = MOST_IN_SUMMARY if group or len(parts) > MOST_SINGLE else 1
            for first in range(0, len(parts), most):
                some = tuple(parts[first : first + most])
                mentions = any(one.id in called for one in some)  # nobody else has given the pause
                cards.append(Card(id=some[0].id, team_id=team_id, channel_id=channel, parts=some, mentions=mentions))
        if due:
            await self.rows.record(due, cards)

    def _part(self, paused: PausedSession, workspace: Workspace, channel: str, status: str | None) -> Part:
        """Return what a channel is told: the reminder, or with a status that the session has ended."""
        known = self.reads.known(paused.team_id, paused.session_id)
        reason = paused.reason if channel == paused.channel_id else ""
        who = (paused.order_id, paused.user_id, channel, reason)
        state = SessionState(Phase.PAUSED, Verb.PAUSE, *who, paused.paused_at)
        if status is not None:
            message = ended_message(paused.session_id, state, status)
        else:
            offers_end, about = workspace.policy.end is not None, (paused.session_id, state, paused.deadline)
            message = reminder_message(*about, known, offers_end=offers_end)
        content = ResultContent(
            paused.order_id,
            message.text,
            message.blocks,
            reminds=paused.user_id,
            ends_at=paused.deadline.at if paused.deadline and status is None else 0.0,
            batch_id="" if status is not None else paused.batch_id or "",
        )
        return Part(new_id(), paused.session_id, content, None if known is None else known.for_card())

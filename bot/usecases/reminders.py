"""Reminders of sessions that are paused, before Anchor ends them, and messages about those that ended while paused."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.core.cards import NewCard, ResultContent
from bot.core.fields import Secret
from bot.core.reminders import UNKNOWN_AFTER, Deadline, deadline_of, remind_at
from bot.core.requests import Verb
from bot.core.session_checks import KEPT_FOR_CHECKS, Answer
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Phase, Session, SessionPage, SessionState
from bot.core.workspace import Workspace
from bot.messages.ending import ended_message, reminder_message
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.cards import CardRows
from bot.outbound.store.errors import StoreError
from bot.outbound.store.reminders import TOGETHER, Look, PausedSession, ReminderRows
from bot.outbound.workspaces import Workspaces
from bot.request_id import new_id
from bot.runtime import happens
from bot.usecases.sessions import SessionReads

_log = logging.getLogger(__name__)

LONGEST_INTERVAL = 64.0
"""Seconds between two looks for the pauses of other processes, of the command line, and of those that have ended."""

_SHORTEST_INTERVAL = 5.0  # seconds: what is read after a pause is known by then
_AGAIN_AFTER = 30.0  # seconds, if the database fails, or the session was not read
_READ_TIMEOUT = 10.0
_MOST_AT_ONCE = 10  # reads
_MOST_READ_ALONE = 3  # sessions of a workspace
_OLDEST = 86_400.0  # seconds by which a session can be older than its pause


@dataclass(eq=False)
class Reminders:
    """The reminders, so many seconds `before` a session ends, or 0 for none; `wake` is set by a pause."""

    rows: ReminderRows
    card_rows: CardRows
    sessions: AnchorSessions
    workspaces: Workspaces
    reads: SessionReads
    before: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look at pauses when it is time, until cancelled."""
        while self.before:
            try:
                next_in = min(await self._look(), LONGEST_INTERVAL)
            except Exception as error:  # noqa: BLE001 - the next look may work
                next_in = _AGAIN_AFTER
                if not isinstance(error, StoreError):  # the check of the database reports that
                    _log.exception("paused sessions not looked at")
            await asyncio.sleep(_SHORTEST_INTERVAL)
            await happens(self.wake, within=max(0.0, next_in - _SHORTEST_INTERVAL))
            self.wake.clear()
            await asyncio.sleep(_SHORTEST_INTERVAL)

    async def _look(self) -> float:
        """Look at the pauses that are due. Return in how many seconds the next one is. Raises StoreError."""
        due, next_in = await self.rows.claim()
        by_team = defaultdict[str, list[PausedSession]](list)
        for paused in due:
            by_team[paused.team_id].append(paused)
        looks = [one for some in await asyncio.gather(*map(self._look_at_all, by_team.values())) for one in some]
        await self.rows.record(looks)
        times = [one.next_at - one.paused.now for one in looks if one.next_at is not None]
        return min([*times, LONGEST_INTERVAL if next_in is None else next_in])

    async def _look_at_all(self, some: Sequence[PausedSession]) -> list[Look]:
        """Look at the pauses of a workspace. Of many, lists say when they began, and which have ended."""
        team_id, turn = some[0].team_id, asyncio.Semaphore(_MOST_AT_ONCE)
        try:
            workspace = await self.workspaces.find(team_id)
        except StoreError:
            return []
        if workspace is None:
            return [Look(paused) for paused in some]
        if workspace.anchor_key is None:  # until an admin sets one
            return [Look(one, one.now + LONGEST_INTERVAL, one.deadline, is_known=one.is_known) for one in some]
        key, listed = workspace.anchor_key.value, dict[SessionId, Session]()
        known = [one for one in some if one.is_known]
        if len(known) > _MOST_READ_ALONE and await self.card_rows.allows_reads(team_id, 1):
            page = await self.sessions.statuses(key, since=min(one.paused_at for one in known) - _OLDEST)
            listed = {one.id: one for one in page.sessions} if isinstance(page, SessionPage) else {}
        listed |= await self._read_new(team_id, key, {one.session_id for one in some if not one.is_known})

        async def one(paused: PausedSession) -> Look | None:
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
        while len(sessions - found.keys()) > _MOST_READ_ALONE and await self.card_rows.allows_reads(team_id, 1):
            page = await self.sessions.running_page(key, number, within=_READ_TIMEOUT)
            if not isinstance(page, SessionPage) or not page.sessions:
                break
            self.reads.learn(team_id, page.sessions)
            found |= {one.id: one for one in page.sessions if one.id in sessions}
            number += 1
        return found

    async def _look_at(self, paused: PausedSession, workspace: Workspace, key: Secret, listed: Session | None) -> Look:
        """Decide about a pause: what is not known of its session is read, and before people are told, whether it ended.

        Without a request for that they are told, too. That Anchor does not know one which was never read is no end.
        """
        known, deadline = self.reads.known(paused.team_id, paused.session_id), paused.deadline
        if not paused.is_known and known is not None and known.max_minutes is not None:
            deadline = deadline_of(known, paused.now)
            at = remind_at(paused.paused_at, deadline, self.before, paused.now)
            if at > paused.now + TOGETHER:
                return Look(paused, at, deadline)
        again = paused.now + max(_AGAIN_AFTER, (paused.now - paused.paused_at) / 4)  # less and less often
        read: Answer | None = listed
        kept = 0 if paused.is_known else KEPT_FOR_CHECKS
        if read is None and await self.card_rows.allows_reads(paused.team_id, 1, kept=kept):
            read = await self.sessions.details(key, paused.session_id, within=_READ_TIMEOUT)
        is_gone = paused.is_known and isinstance(read, NotRead) and read.is_missing
        unknown_at = paused.paused_at + UNKNOWN_AFTER
        if not (isinstance(read, Session) or is_gone or paused.is_known) and paused.now + TOGETHER < unknown_at:
            return Look(paused, min(again, unknown_at), is_known=False)
        if isinstance(read, Session):
            self.reads.learn_some(paused.team_id, [read])
            known = self.reads.known(paused.team_id, paused.session_id) or read
            deadline = deadline if listed is not None and paused.is_known else deadline_of(known, paused.now)
        at = remind_at(paused.paused_at, deadline, self.before, paused.now)
        if is_gone or (isinstance(read, Session) and read.life is Life.ENDED):
            last = read if isinstance(read, Session) else None
            return Look(paused, None, deadline, await self._cards(paused, workspace, None, last, has_ended=True))
        left = None if deadline is None or paused.now >= deadline.at else deadline
        if deadline is not None and left is None and not isinstance(read, Session):
            at = again  # nobody knows whether it has ended
        if at > paused.now + TOGETHER:
            return Look(paused, at, deadline)
        return Look(paused, None, deadline, await self._cards(paused, workspace, left, known))

    async def _cards(
        self,
        paused: PausedSession,
        workspace: Workspace,
        deadline: Deadline | None,
        known: Session | None,
        *,
        has_ended: bool = False,
    ) -> list[NewCard]:
        """Return the messages: for the channel of the order, or if it had none for those of its session's alerts."""
        others = [] if paused.channel_id else await self.rows.channels(paused.team_id, paused.session_id)
        channels = [paused.channel_id] if paused.channel_id else others or [workspace.alerts_channel or paused.user_id]
        cards = []
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
            content = ResultContent(paused.order_id, message.text, message.blocks, reminds=paused.user_id)
            facts = None if known is None else known.for_card()
            cards.append(NewCard(new_id(), paused.team_id, channel, paused.session_id, content, facts=facts))
        return cards

"""The window in which people pause several sessions at once: what it shows is what is paused."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from bot.core.requests import Actor, ReplyAddress, Trigger
from bot.core.session_ids import SessionId
from bot.core.sessions import ALL_WORD, MOST_TOGETHER, Choice, NotRead, Phase, Session, SessionList, read_choice
from bot.messages import pausing
from bot.messages.blocks import View
from bot.messages.sessions import list_refusal, not_read_text, nothing_paused_text
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.errors import or_default
from bot.outbound.store.history import SessionStates
from bot.outbound.store.marks import ShownSessions
from bot.outbound.store.secrets import FieldCipher, seal, unseal_all
from bot.usecases.access import Access, AccessCheck
from bot.usecases.batches import Batch, Batches
from bot.usecases.incidents import report
from bot.usecases.modals import Modals, NotOpened
from bot.usecases.sessions import SessionReads

AGE_LIMIT = 600.0
"""Seconds for which a window pauses what it shows. Afterwards it first shows what has changed."""

_LONGEST_STATE = 3_000  # of `private_metadata`: https://docs.slack.dev/reference/views
_STORE_WAIT = 1.0  # seconds for the database
_DIGITS = 32  # of an id
_NOT_OPENED = NotOpened(*[pausing.NOT_OPENED] * 3)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submitted window, which went through the client, with what its inputs hold. `age` is that of the request."""

    view_id: str
    trigger_id: str
    state: str
    left_out: frozenset[str]
    reason: str
    age: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """Sessions that a window shows, since `at` (Unix seconds), 0 before it opens; `ids` is None if they are lost."""

    address: ReplyAddress
    choice: Choice
    at: int = 0
    ids: tuple[SessionId, ...] | None = ()
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PauseWindows:
    """The windows, and what comes of those that are submitted. Opening one pauses nothing."""

    access_check: AccessCheck
    reads: SessionReads
    states: SessionStates
    rows: ShownSessions
    auto_pauses: AutoPauseRows
    modals: Modals
    batches: Batches
    cipher: FieldCipher
    dashboard_url: str

    async def open(self, address: ReplyAddress, trigger: Trigger, choice: Choice) -> None:
        """Open the window, or report why it does not open."""
        access = await self.access_check.check_many(address.actor)
        if not isinstance(access, Access):
            await self.modals.delivery.deliver(address, list_refusal(access, dashboard_url=self.dashboard_url))
            return
        new, placeholder = _Shown(address, choice), pausing.several_answer(pausing.READING_SEVERAL)
        await self.modals.open(address, trigger, lambda _: self._view(access, new), placeholder, _NOT_OPENED)

    async def submit(self, actor: Actor, sent: Submitted) -> View | str:
        """Pause exactly what the window shows, but for what was left out, and return "".

        Return an error at that input if nothing is left, or a view: another offer in place of one that is too old.
        """
        shown = await self._read(actor, sent.state)
        if shown is None or (shown.ids is not None and not sent.left_out <= set(shown.ids)):
            return pausing.several_answer(pausing.SEVERAL_OUT_OF_DATE)
        access = await self.access_check.check_many(shown.address.actor)
        if not isinstance(access, Access):
            return pausing.several_answer(nothing_paused_text(access, dashboard_url=self.dashboard_url))
        if shown.ids is None or time.time() - shown.at > AGE_LIMIT:
            return await self._view(access, replace(shown, left_out=sent.left_out))
        wanted = tuple(one for one in shown.ids if one not in sent.left_out)
        if not wanted:
            return pausing.NOBODY_LEFT
        batch = Batch(
            address=shown.address,
            session_ids=wanted,
            words=None if shown.choice.is_named else shown.choice.words,
            since=shown.at,
            reason=sent.reason[: pausing.LONGEST_REASON],
            trigger_id=sent.trigger_id,
            age=sent.age,
        )
        await self.batches.pause(batch)
        if held_id := shown.choice.held_id:
            await or_default(self.auto_pauses.lift(actor.team_id, held_id), None, within=_STORE_WAIT)
        return ""

    async def _view(self, access: Access, before: _Shown) -> View:
        """Return the window that opens, or that follows what was shown before. Never raises."""
        try:
            before = replace(before, choice=await self._named(before))
            read = await self.reads.running(access)
            if isinstance(read, NotRead) and not (before.ids or before.choice.ids):
                return pausing.several_answer(not_read_text(read, dashboard_url=self.dashboard_url, ordered=ALL_WORD))
            offer = await self._offer(read, before)
            if not offer.sessions:
                return pausing.several_answer(pausing.none_runs_text(offer.chosen, before.choice))
            at = int(offer.running.read_at)  # what began later is not shown
            state, count = await self._write(before.address, at, offer)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return pausing.several_answer(report(error).text)
        if count < len(offer.sessions):
            offer = replace(offer, sessions=offer.sessions[:count], notes=(*offer.notes, pausing.NOT_WHOLE))
        return pausing.several_modal(offer, state, at=at)

    async def _named(self, before: _Shown) -> Choice:
        """Return the choice, of those that were held back with their ids; that of all if these can't be read."""
        choice, ids = before.choice, before.ids
        if not choice.held_id:
            return choice
        if not ids:
            reading = self.auto_pauses.held(before.address.actor.team_id, choice.held_id)
            ids = await or_default(reading, None, within=_STORE_WAIT)
        return Choice() if ids is None else replace(choice, ids=ids)

    async def _offer(self, read: SessionList | NotRead, before: _Shown) -> pausing.Offer:
        """Return what runs and is chosen; also what was shown before, here or in the message, unless it has ended."""
        team_id, ids = before.address.actor.team_id, before.ids or before.choice.ids
        running = read if isinstance(read, SessionList) else SessionList((), is_complete=False, read_at=time.time())
        chosen, listed = running.chosen(before.choice), {one.id for one in running.sessions}
        gone = [one for one in ids if one not in listed]
        ended = [one for one in gone if running.is_complete or one in running.ended]
        kept = [self.reads.known(team_id, one) or Session(id=one) for one in gone if one not in ended]
        sessions = (*chosen.sessions, *kept)[:MOST_TOGETHER]
        notes = (pausing.UNREAD_NOW,) if isinstance(read, NotRead) else (pausing.UNLISTED,) if kept else ()
        paused = await self.states.paused(team_id, [one.id for one in (*chosen.sessions, *kept)]) or {}
        offer = pausing.Offer(before.choice, running, chosen, sessions, before.left_out, notes=notes, paused=paused)
        if before.ids is None:
            return replace(offer, notes=(pausing.SHOWN_LOST,))
        if not before.at:
            return offer
        began = [one.id for one in chosen.sessions if one.id not in ids]
        changes = {"Began": began, "Ended": ended, "Resumed": await self._resumed(team_id, ids, before.at)}
        return replace(offer, changes=changes)

    async def _resumed(self, team_id: str, ids: Sequence[SessionId], since: int) -> list[SessionId]:
        states = await or_default(self.states.of(team_id, ids), None, within=_STORE_WAIT) or {}
        resumed = {one for one, state in states.items() if state.phase is Phase.RESUMED and state.at >= since}
        return [one for one in ids if one in resumed]

    async def _write(self, address: ReplyAddress, at: int, offer: pausing.Offer) -> tuple[str, int]:
        """Return the state of a window, and how many of its sessions it has: without the database those that fit."""
        ids = [one.id for one in offer.sessions]

        def state(number: int, kept: str = "") -> str:
            digits = "".join(ids[:number]).replace("-", "")
            return seal(address, self.cipher, offer.choice.as_text(), at, digits, kept)

        most = next(
            some for some in range(min(len(ids), pausing.MOST_OPTIONS), 0, -1) if len(state(some)) <= _LONGEST_STATE
        )
        if most < len(ids):
            kept = await or_default(self.rows.keep(address.actor.person, ids), None, within=_STORE_WAIT)
            if kept is not None:
                return state(0, kept), len(ids)
        return state(most), most

    async def _read(self, actor: Actor, state: str) -> _Shown | None:
        found = unseal_all(state, actor, self.cipher)
        if found is None or not found[1]:  # that of another modal has no such state
            return None
        address, (choice, at, digits, kept) = found
        parts = (digits[first : first + _DIGITS] for first in range(0, len(digits), _DIGITS))
        ids: tuple[SessionId, ...] | None = tuple(SessionId(str(UUID(part))) for part in parts)
        if kept:
            ids = await or_default(self.rows.find(actor.person, kept), None, within=_STORE_WAIT)
        return _Shown(address, read_choice(choice), at, ids)

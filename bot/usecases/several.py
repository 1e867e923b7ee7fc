"""The window in which people choose sessions and pause them: one, or several at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.outcomes import Refusal
from bot.core.requests import MOST_TOGETHER, Actor, Order, ReplyAddress, Source, Submission, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import ALL_WORD, Choice, NotRead, Session, SessionList
from bot.messages import several
from bot.messages.blocks import View
from bot.messages.buttons import PAUSE_SEVERAL, RESUME_BATCH
from bot.messages.results import incident_message
from bot.messages.sessions import list_refusal, not_read_text, nothing_paused_text
from bot.messages.settings import Reply
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.errors import or_default
from bot.outbound.store.secrets import FieldCipher, seal, unseal, unseal_all
from bot.runtime import log_incident
from bot.usecases.access import Access
from bot.usecases.batches import Batch, Batches
from bot.usecases.modals import Modals
from bot.usecases.sessions import SessionLists

_STORE_WAIT = 1.0  # seconds for the database
_STATE = 3  # values beside the address


@dataclass(frozen=True, slots=True)
class PauseWindow:
    """The window, and what comes of one that is submitted. Opening it pauses nothing."""

    lists: SessionLists
    auto_pauses: AutoPauseRows
    modals: Modals
    batches: Batches
    cipher: FieldCipher
    dashboard_url: str

    async def open(self, address: ReplyAddress, trigger_id: str, choice: Choice, notes: Sequence[str] = ()) -> None:
        """Open the window with what the choice means, all of it checked, or report why it does not open."""
        await self._open(address, trigger_id, choice, notes, preselected=True)

    async def open_unchecked(self, address: ReplyAddress, trigger_id: str, notes: Sequence[str] = ()) -> None:
        """Open the window with all that run and nothing checked, also for people who cannot pause several at once."""
        await self._open(address, trigger_id, Choice(), notes, preselected=False)

    async def _open(
        self, address: ReplyAddress, trigger_id: str, choice: Choice, notes: Sequence[str], *, preselected: bool
    ) -> None:
        access = await self._access(address.actor, is_several=preselected)
        if not isinstance(access, Access):
            await self.modals.delivery.deliver(address, list_refusal(access, dashboard_url=self.dashboard_url))
            return

        async def make(_: object) -> View:
            try:
                return await self._view(address, access, choice, notes, preselected=preselected)
            except Exception as error:  # noqa: BLE001 - every exception is reported to the person
                return Reply("Incident", incident_message(log_incident(error)).text).view(PAUSE_SEVERAL)

        await self.modals.open(address, trigger_id, make, PAUSE_SEVERAL)

    async def _access(self, actor: Actor, *, is_several: bool) -> Access | Refusal:
        check = self.lists.access_check
        return await (
            check.check_several(actor) if is_several else check.check(Order(Verb.PAUSE, SessionId(""), actor))
        )

    async def _view(
        self, address: ReplyAddress, access: Access, choice: Choice, notes: Sequence[str], *, preselected: bool
    ) -> View:
        team_id = address.actor.team_id
        if choice.held_id:
            ids = await or_default(self.auto_pauses.held(team_id, choice.held_id), None, within=_STORE_WAIT)
            if ids is None:
                choice, notes, preselected = Choice(), [*notes, several.HELD_UNKNOWN], False
            else:
                choice = replace(choice, ids=ids)
        read = await self.lists.reads.running(access)
        if isinstance(read, NotRead) and not choice.ids:
            why = not_read_text(read, dashboard_url=self.dashboard_url, ordered=ALL_WORD)
            return Reply("NotRead", why).view(PAUSE_SEVERAL)
        running = read if isinstance(read, SessionList) else SessionList((), is_complete=False, read_at=time.time())
        chosen, listed = running.chosen(choice), {one.id for one in running.sessions}
        unlisted = [one for one in choice.ids if one not in listed | running.ended and not running.is_complete]
        kept = [self.lists.reads.known(team_id, one) or Session(id=one) for one in unlisted]
        sessions = (*chosen.sessions, *kept)
        if not sessions:
            return several.none_runs(chosen, choice).view(PAUSE_SEVERAL)
        doubts = [several.UNLISTED] if kept else []
        paused = await self.lists.states.paused(team_id, [one.id for one in sessions]) or {}
        shown = sessions[:MOST_TOGETHER]
        offer = several.Offer(choice, chosen, shown, preselected, (*notes, *doubts), paused)
        words = choice.words if preselected and not choice.is_named else None
        state = seal(address, self.cipher, words, choice.held_id, running.read_at)
        return several.pause_window(offer, state)

    async def submit(self, actor: Actor, sent: Submission) -> Reply:
        """Pause exactly the sessions that are checked, and return what is said of that when they are recorded."""
        found = unseal_all(sent.seen, actor, self.cipher)
        if found is None or len(found[1]) != _STATE:
            return several.OUT_OF_DATE
        address, (words, held_id, since) = found
        ids, reason = sent.sessions(several.SESSIONS), sent.text(several.REASON).reveal().strip()
        reason = reason[: several.LONGEST_REASON]
        if not ids:
            return several.NOBODY_CHOSEN
        if len(ids) == 1:
            order = Order(Verb.PAUSE, ids[0], address.actor, reason, sent.trigger_id or None, sent.age, Source.SHORTCUT)
            await self._pause_one(order, address)
        else:
            access = await self._access(address.actor, is_several=True)
            if not isinstance(access, Access):
                return Reply("Refused", nothing_paused_text(access, dashboard_url=self.dashboard_url))
            many = Batch(
                address=address,
                session_ids=ids[:MOST_TOGETHER],
                words=words,
                since=since,
                reason=reason,
                trigger_id=sent.trigger_id,
                age=sent.age,
            )
            await self.batches.pause(many)
        if held_id and isinstance(await self._access(address.actor, is_several=len(ids) > 1), Access):
            await or_default(self.auto_pauses.lift(actor.team_id, held_id), None, within=_STORE_WAIT)
        return several.BEGUN

    async def _pause_one(self, order: Order, address: ReplyAddress) -> None:
        """Begin to pause a session, and return when its order is recorded, or after a second."""
        orders, tasks = self.batches.orders, self.batches.tasks
        running, is_repeated = orders.start(order, address)
        if not is_repeated:
            tasks.start(orders.deliver(running, address))
        await asyncio.wait({running.recorded}, timeout=_STORE_WAIT)

    async def ask_to_resume(self, address: ReplyAddress, trigger_id: str, batch_id: str) -> None:
        """Open the window that asks whether to resume what was paused at once, or report why it does not open."""
        origin = seal(replace(address, response_url=None), self.cipher)  # it would take 5 results
        question = partial(self.batches.question, address.actor, batch_id, origin)
        await self.modals.open(address, trigger_id, lambda _: question(), RESUME_BATCH)

    async def resume(self, actor: Actor, sent: Submission) -> Reply:
        """Resume what the window about a batch asked about, and return what is said of that."""
        origin, _, batch_id = sent.seen.partition(" ")
        if (address := unseal(origin, actor, self.cipher)) is None:
            return several.OUT_OF_DATE
        is_read = await self.batches.resume(address, batch_id, sent.view_id, sent.age)
        return several.BEGUN if is_read else several.NOT_RESUMED

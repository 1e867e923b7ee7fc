"""Several sessions at once: the window in which people choose them, and their orders, which have one result."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from bot.core.cards import BatchContent
from bot.core.commands import MOST_TOGETHER, Choice
from bot.core.journal import BatchedOrder
from bot.core.orders import Actor, Order, ReplyAddress, Source, Submission, Verb
from bot.core.outcomes import NEWER, Paused, Refusal
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead, Session, SessionList
from bot.messages import batches
from bot.messages.blocks import View
from bot.messages.buttons import PAUSE_SEVERAL
from bot.messages.outcomes import NOT_DONE
from bot.messages.results import incident_message
from bot.messages.sessions import NOTHING_PAUSED, list_refusal, not_read_text, spoken_name
from bot.messages.settings import Reply
from bot.outbound.store.auto_pause_rules import AutoPauseRows
from bot.outbound.store.encryption import FieldCipher, seal, unseal
from bot.outbound.store.errors import or_default
from bot.outbound.store.running_orders import RunningOrder
from bot.runtime import Tasks, log_incident, new_id
from bot.usecases.anchor_reads import SessionLists
from bot.usecases.orders import Orders
from bot.usecases.permissions import Access
from bot.usecases.results import MessageDelivery
from bot.usecases.views import Modals

_STORE_WAIT = 1.0  # seconds that people wait for the database
_STORED_WITHIN = 10.0  # seconds for the last outcomes and the card to be stored; then they are told without these


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The sessions that a person wants to be paused, in their sequence.

    To be resumed they have `versions`: the ids of the last orders that the person knew of.

    The result goes to `address`. `trigger_id` is Slack's id of the invocation: a batch that comes twice is one. `age`
    is how many seconds old it was, at least, when it was read.
    """

    address: ReplyAddress
    session_ids: tuple[SessionId, ...]
    reason: str = ""
    trigger_id: str = ""
    age: float = 0.0
    source: Source = Source.BATCH
    id: str = field(default_factory=new_id)
    versions: tuple[str, ...] = ()

    @property
    def verb(self) -> Verb:
        """Return what is done with them."""
        return Verb.RESUME if self.versions else Verb.PAUSE

    def orders(self) -> list[Order]:
        """Return the order of each session."""
        trigger = self.trigger_id
        return [
            Order(
                self.verb,
                session_id,
                self.address.actor,
                self.reason,
                f"{trigger}/{session_id}" if trigger else None,
                self.age,
                self.source,
                version,
                self.id,
            )
            for session_id, version in zip_longest(self.session_ids, self.versions)
        ]


@dataclass(frozen=True, slots=True)
class Batches:
    """Execution of batches. Each session has an ordinary order; a card counts up and tells the result."""

    orders: Orders
    delivery: MessageDelivery
    tasks: Tasks

    async def resume(self, address: ReplyAddress, batch_id: str, trigger_id: str, age: float) -> None:
        """Begin to resume what a batch has paused, except what has a newer order, or report why not.

        Nothing is sent if the request is late: `age` is in seconds, at least.
        """
        access = await self.orders.session_control.access_check.check(Order(Verb.RESUME, SessionId(""), address.actor))
        if not isinstance(access, Access):
            refusal = list_refusal(access, verdict=NOT_DONE[Verb.RESUME], verb=Verb.RESUME)
            await self.delivery.deliver(address, refusal)
            return
        reading = self._paused_and_newer(address.actor.team_id, batch_id)
        paused, newer = await or_default(reading, (None, {}), within=_STORE_WAIT)
        if not paused:
            await self.delivery.deliver(address, batches.NO_DATABASE if paused is None else batches.NONE_LEFT)
            return
        ids, versions = tuple(one.session_id for one in paused), tuple(one.id for one in paused)
        batch = Batch(address=address, session_ids=ids, versions=versions, trigger_id=trigger_id, age=age)
        await self.pause(batch, newer)

    async def _paused_and_newer(self, team_id: str, batch_id: str) -> tuple[list[BatchedOrder], dict[str, Refusal]]:
        """Return what a batch has paused, and the newer orders because of which some of that is not resumed."""
        states = self.orders.session_cards.states
        paused = [one for one in await states.of_batch(team_id, batch_id) if isinstance(one.outcome, Paused)]
        now, newer = await states.of(team_id, [one.session_id for one in paused]), dict[str, Refusal]()
        for one in paused:
            if (state := now.get(one.session_id)) and state.order_id != one.id:
                newer[one.session_id] = Refusal(NEWER[state.verb], state.user_id, state.at)
        return paused, newer

    async def pause(self, batch: Batch, known: Mapping[str, Refusal] | None = None) -> None:
        """Begin to pause the sessions, or to resume, but for those whose outcomes are `known`.

        Return when their orders are recorded, or after a second.
        """
        place = replace(batch.address, response_url=None, clicked=None)  # of each; the batch has one result
        started = [self.orders.start(order, place, (known or {}).get(order.session_id)) for order in batch.orders()]
        if running := [one for one, is_repeated in started if not is_repeated]:
            self.tasks.start(self._tell(batch, running))
            await _are_recorded(running)

    async def _tell(self, batch: Batch, running: Sequence[RunningOrder]) -> None:
        """Let a card tell the outcomes. Without the database, tell them when all of them are known."""
        address, is_recorded = batch.address, await _are_recorded(running)
        own = [one for one in running if not one.is_repeated]
        actor = address.actor
        known = [self.orders.facts.reads.known(actor.team_id, one) for one in batch.session_ids]
        outside = sum(one is not None and one.is_task is False for one in known)
        names = {one.id: spoken_name(one) for one in known if one is not None}
        about = (batch.reason, batch.verb, outside, names)
        content = BatchContent(actor.user_id, actor.channel_id, *about)
        if not own:  # Slack sent the batch to another process, too
            return
        kept: set[asyncio.Future[bool]] = set()
        if is_recorded:
            keeping = self.tasks.start(self.orders.session_cards.keep_batch(own[0], content))
            kept = {self.tasks.start(self.orders.let_batch_tell(one, keeping)) for one in own}
        await asyncio.wait([one.result for one in own])
        if kept:
            done, missing = await asyncio.wait(kept, timeout=_STORED_WITHIN)
            if not missing and all(one.result() for one in done):
                return
        orders = [BatchedOrder(one.id, one.order.session_id, one.outcome) for one in own]
        note = "" if is_recorded or batch.versions else batches.UNRECORDED
        message = batches.batch_message(content, orders, batch.id, note=note)
        delivered = await self.delivery.deliver(address, message)
        for one in own:
            self.orders.record_told(one, delivered.route if delivered else None)


async def _are_recorded(running: Sequence[RunningOrder]) -> bool:
    """Return whether all orders are recorded within a second."""
    await asyncio.wait([one.recorded for one in running], timeout=_STORE_WAIT)
    return all(one.is_recorded for one in running)


@dataclass(frozen=True, slots=True)
class PauseWindow:
    """The window, and what comes of one that is submitted. Opening it pauses nothing."""

    lists: SessionLists
    auto_pauses: AutoPauseRows
    modals: Modals
    batches: Batches
    cipher: FieldCipher

    async def open(
        self, address: ReplyAddress, trigger_id: str, choice: Choice | None, notes: Sequence[str] = ()
    ) -> None:
        """Open the window with what the choice means, all of it checked, or report why it does not open.

        Without a choice it has all that run and nothing checked, also for people who cannot pause several at once.
        """
        preselected = choice is not None
        access = await self._access(address.actor, is_several=preselected)
        if not isinstance(access, Access):
            await self.modals.delivery.deliver(address, list_refusal(access))
            return

        async def make(_: object) -> View:
            try:
                return await self._view(address, access, choice or Choice(), notes, preselected=preselected)
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
                choice, notes, preselected = Choice(), [*notes, batches.HELD_UNKNOWN], False
            else:
                choice = replace(choice, ids=ids)
        read = await self.lists.reads.running(access)
        if isinstance(read, NotRead) and not choice.ids:
            why = not_read_text(read, verdict=NOTHING_PAUSED)
            return Reply("NotRead", why).view(PAUSE_SEVERAL)
        running = read if isinstance(read, SessionList) else SessionList((), is_complete=False, read_at=time.time())
        chosen, listed = running.chosen(choice), {one.id for one in running.sessions}
        unlisted = [one for one in choice.ids if one not in listed | running.ended and not running.is_complete]
        kept = [self.lists.reads.known(team_id, one) or Session(id=one) for one in unlisted]
        chosen = replace(chosen, sessions=(*chosen.sessions, *kept))
        if not chosen.sessions:
            return batches.none_runs(chosen, choice).view(PAUSE_SEVERAL)
        doubts = [batches.UNLISTED] if kept else []
        paused = await self.lists.states.paused(team_id, [one.id for one in chosen.sessions]) or {}
        return batches.pause_window(
            choice,
            chosen,
            paused,
            preselected=preselected,
            notes=(*notes, *doubts),
            state=seal(address, self.cipher, choice.held_id),
        )

    async def submit(self, actor: Actor, sent: Submission) -> Reply:
        """Pause exactly the sessions that are checked, and return what is said of that when they are recorded."""
        found = unseal(sent.seen, actor, self.cipher)
        if found is None or len(found[1]) != 1:
            return batches.OUT_OF_DATE
        address, (held_id,) = found
        ids, reason = sent.sessions(batches.SESSIONS), sent.text(batches.REASON).reveal().strip()
        reason = reason[: batches.LONGEST_REASON]
        if not ids:
            return batches.NOBODY_CHOSEN
        if len(ids) == 1:
            order = Order(Verb.PAUSE, ids[0], address.actor, reason, sent.trigger_id or None, sent.age, Source.SHORTCUT)
            await self._pause_one(order, address)
        else:
            access = await self._access(address.actor, is_several=True)
            if not isinstance(access, Access):
                refusal = list_refusal(access, verdict=NOTHING_PAUSED)
                return Reply("Refused", refusal.text)
            many = Batch(
                address=address,
                session_ids=ids[:MOST_TOGETHER],
                reason=reason,
                trigger_id=sent.trigger_id,
                age=sent.age,
            )
            await self.batches.pause(many)
        if held_id and isinstance(await self._access(address.actor, is_several=len(ids) > 1), Access):
            await or_default(self.auto_pauses.lift(actor.team_id, held_id), None, within=_STORE_WAIT)
        return batches.BEGUN

    async def _pause_one(self, order: Order, address: ReplyAddress) -> None:
        """Begin to pause a session, and return when its order is recorded, or after a second."""
        orders, tasks = self.batches.orders, self.batches.tasks
        running, is_repeated = orders.start(order, address)
        if not is_repeated:
            tasks.start(orders.deliver(running, address))
        await asyncio.wait({running.recorded}, timeout=_STORE_WAIT)

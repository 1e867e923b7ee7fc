"""Batches: orders for several sessions that are given at once, and their one result."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.outcomes import Paused, Refusal, Why
from bot.core.requests import Actor, Order, ReplyAddress, Source, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Choice, NotRead, SessionList
from bot.messages.blocks import View
from bot.messages.buttons import RESUME_BATCH
from bot.messages.lines import spoken_name
from bot.messages.outcomes import worded
from bot.messages.settings import Reply
from bot.messages.several import NOT_RESUMED, UNRECORDED, batch_message, begun_message, resume_modal
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.secrets import FieldCipher, seal
from bot.runtime import Tasks, new_id
from bot.usecases.access import Access
from bot.usecases.delivery import MessageDelivery
from bot.usecases.orders import Orders

_RECORDED_WITHIN = 1.0  # seconds that the ack waits for the record, and for what is to be resumed
_STORED_WITHIN = 10.0  # seconds for the last outcomes and the card to be stored; then they are told without these
_NEWER = {Verb.PAUSE: Why.PAUSED_SINCE, Verb.RESUME: Why.RESUMED_SINCE, Verb.END: Why.ENDED_SINCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The sessions that a person wants to be paused, in their sequence, and the `words` that chose them, "" for all.

    Without words they were chosen one by one; with them, people are told of those that match and began since `since`
    (Unix seconds). To be resumed they have `versions`: the ids of the last orders that the person knew of.

    The result goes to `address`. `trigger_id` is Slack's id of the invocation: a batch that comes twice is one. `age`
    is how many seconds old it was, at least, when it was read.
    """

    address: ReplyAddress
    session_ids: tuple[SessionId, ...]
    words: str | None = None
    since: float = field(default_factory=time.time)
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
    cipher: FieldCipher
    tasks: Tasks

    async def question(self, actor: Actor, batch_id: str, origin: str) -> View:
        """Return the modal that asks before what a batch has paused is resumed; `origin` is its sealed address."""
        order = Order(Verb.RESUME, SessionId(""), actor)
        access = await self.orders.session_control.access_check.check(order)
        if not isinstance(access, Access):
            wording = worded(Verb.RESUME, access, dashboard_url=self.orders.dashboard_url)
            return Reply("Refused", f"{wording.reason}\n{wording.advice}").view(RESUME_BATCH)
        states = self.orders.session_cards.states
        try:
            orders = await states.of_batch(actor.team_id, batch_id)
            now = await states.of(actor.team_id, [one.session_id for one in orders])
        except StoreError:
            return NOT_RESUMED.view(RESUME_BATCH)
        return resume_modal(orders, now, f"{origin} {batch_id}")

    async def resume(self, address: ReplyAddress, batch_id: str, trigger_id: str, age: float) -> bool:
        """Begin to resume what a batch has paused, except what has a newer order. Return whether it was read in time.

        Nothing is sent if the request is late: `age` is in seconds, at least.
        """
        reading = self._paused_and_newer(address.actor.team_id, batch_id)
        if (found := await or_default(reading, None, within=_RECORDED_WITHIN)) is None:
            return False
        paused, newer = found
        ids, versions = tuple(one.session_id for one in paused), tuple(one.id for one in paused)
        batch = Batch(address=address, session_ids=ids, versions=versions, trigger_id=trigger_id, age=age)
        await self.pause(batch, newer)
        return True

    async def _paused_and_newer(self, team_id: str, batch_id: str) -> tuple[list[BatchedOrder], dict[str, Refusal]]:
        """Return what a batch has paused, and the newer orders because of which some of that is not resumed."""
        states = self.orders.session_cards.states
        paused = [one for one in await states.of_batch(team_id, batch_id) if isinstance(one.outcome, Paused)]
        now, newer = await states.of(team_id, [one.session_id for one in paused]), dict[str, Refusal]()
        for one in paused:
            if (state := now.get(one.session_id)) and state.order_id != one.id:
                newer[one.session_id] = Refusal(_NEWER[state.verb], state.user_id, state.at)
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
        actor, sealed = address.actor, seal(address, self.cipher)
        known = [self.orders.facts.reads.known(actor.team_id, one) for one in batch.session_ids]
        outside = sum(one is not None and one.is_task is False for one in known)
        names = {one.id: spoken_name(one) for one in known if one is not None}
        about = (batch.reason, batch.words or "", sealed, batch.verb, outside, names)
        content = BatchContent(actor.user_id, actor.channel_id, *about)
        if not own:  # Slack sent the batch to another process, too
            return
        kept: set[asyncio.Future[bool]] = set()
        if is_recorded:
            keeping = self.tasks.start(self.orders.session_cards.keep_batch(own[0], content))
            kept = {self.tasks.start(self.orders.let_batch_tell(one, keeping)) for one in own}
        await asyncio.wait([one.result for one in own])
        if batch.words is not None:
            self.tasks.start(self._tell_begun(batch, batch.words))
        if kept:
            done, missing = await asyncio.wait(kept, timeout=_STORED_WITHIN)
            if not missing and all(one.result() for one in done):
                return
        orders = [BatchedOrder(one.id, one.order.session_id, one.outcome) for one in own]
        message = batch_message(content, orders, batch.id, note="" if is_recorded or batch.versions else UNRECORDED)
        delivered = await self.delivery.deliver(address, message)
        for one in own:
            self.orders.record_told(one, delivered.route if delivered else None)

    async def _tell_begun(self, batch: Batch, words: str) -> None:
        """Read the list once more, and name what began meanwhile, with Pause, or say that this is not known."""
        order = Order(Verb.PAUSE, SessionId(""), batch.address.actor)
        access = await self.orders.session_control.access_check.check(order)
        found = await self.orders.facts.reads.anchor.running(access.key) if isinstance(access, Access) else None
        known = set(batch.session_ids)
        matching = found.chosen(Choice(words)).sessions if isinstance(found, SessionList) else ()
        new = [one for one in matching if one.id not in known and (one.created_at or 0.0) > batch.since]
        if new or isinstance(found, NotRead):
            await self.delivery.deliver(batch.address, begun_message(new or None, now=time.time()))


async def _are_recorded(running: Sequence[RunningOrder]) -> bool:
    """Return whether all orders are recorded within a second."""
    await asyncio.wait([one.recorded for one in running], timeout=_RECORDED_WITHIN)
    return all(one.is_recorded for one in running)

"""Batches: orders for many sessions that are given at once, and their one result."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.requests import Order, ReplyAddress, Source, Verb
from bot.core.session_ids import SessionId
from bot.messages.batches import UNRECORDED, batch_message
from bot.outbound.store.secrets import FieldCipher, seal
from bot.request_id import new_id
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery
from bot.usecases.orders import Orders, RunningOrder

_RECORDED_WITHIN = 1.0  # seconds that the ack waits for the record
_STORED_WITHIN = 10.0  # seconds for the last outcomes to be stored; then they are told without the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The sessions that a person wants to be paused, in their sequence, and the `words` that chose them, "" for all.

    The result goes to `address`. `trigger_id` is Slack's id of the invocation: a batch that comes twice is one. `age`
    is how many seconds old it was, at least, when it was read.
    """

    address: ReplyAddress
    session_ids: tuple[SessionId, ...]
    words: str = ""
    reason: str = ""
    trigger_id: str = ""
    age: float = 0.0
    source: Source = Source.BATCH
    id: str = field(default_factory=new_id)

    def orders(self) -> list[Order]:
        """Return the order of each session."""
        actor, trigger = self.address.actor, self.trigger_id
        return [
            Order(
                Verb.PAUSE,
                one,
                actor,
                self.reason,
                f"{trigger}/{one}" if trigger else None,
                self.age,
                self.source,
                batch_id=self.id,
            )
            for one in self.session_ids
        ]


@dataclass(frozen=True, slots=True)
class Batches:
    """Execution of batches. Each session has an ordinary order; a card counts up and tells the result."""

    orders: Orders
    delivery: MessageDelivery
    cipher: FieldCipher
    tasks: Tasks

    async def pause(self, batch: Batch) -> None:
        """Begin to pause the sessions. Return when their orders are recorded, or after a second."""
        place = replace(batch.address, response_url=None, clicked=None)  # of each; the batch has one result
        started = [self.orders.start(order, place) for order in batch.orders()]
        if running := [one for one, is_repeated in started if not is_repeated]:
            self.tasks.start(self._tell(batch, running))
            await _are_recorded(running)

    async def _tell(self, batch: Batch, running: Sequence[RunningOrder]) -> None:
        """Let a card tell the outcomes. Without the database, tell them when all of them are known."""
        address, is_recorded = batch.address, await _are_recorded(running)
        own = [one for one in running if not one.entry.is_lost]
        actor, sealed = address.actor, seal(address, self.cipher)
        content = BatchContent(actor.user_id, actor.channel_id, batch.reason, batch.words, sealed)
        if is_recorded:
            for one in own:
                self.tasks.start(self.orders.let_batch_tell(one, content))
        if not own:  # Slack sent the batch to another process, too
            return
        await asyncio.wait([one.outcome for one in own])
        if is_recorded:
            await asyncio.wait([one.entry.written for one in own], timeout=_STORED_WITHIN)
            if all(one.entry.written.done() for one in own):
                return
        done = [BatchedOrder(one.entry.id, one.entry.order.session_id, one.entry.outcome) for one in own]
        message = batch_message(content, done, batch.id, note="" if is_recorded else UNRECORDED)
        receipt = await self.delivery.deliver(address, message)
        for one in own:
            self.orders.journal.told(one.entry, receipt.route if receipt else None)


async def _are_recorded(running: Sequence[RunningOrder]) -> bool:
    """Return whether all orders are recorded within a second."""
    waiting = [one.entry.inserted for one in running]
    await asyncio.wait(waiting, timeout=_RECORDED_WITHIN)
    return all(one.done() for one in waiting)

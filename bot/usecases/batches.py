"""Batches: orders for many sessions that are given at once, and their one result."""

import asyncio
from dataclasses import dataclass, field, replace

from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.requests import Order, ReplyAddress, Source, Verb
from bot.core.session_ids import SessionId
from bot.messages.batches import UNRECORDED, batch_message
from bot.request_id import new_id
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery
from bot.usecases.orders import Orders, RunningOrder

_RECORDED_WITHIN = 1.0  # seconds that the ack waits for the record


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
    source: Source = Source.COMMAND
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
    """Execution of batches. Each session has an ordinary order."""

    orders: Orders
    delivery: MessageDelivery
    tasks: Tasks

    async def pause(self, batch: Batch) -> None:
        """Begin to pause the sessions. Return when their orders are recorded, or after a second."""
        place = replace(batch.address, response_url=None, clicked=None)  # of each; the batch has one result
        started = [self.orders.start(order, place) for order in batch.orders()]
        running = [one for one, is_repeated in started if not is_repeated]
        if running:
            self.tasks.start(self._tell(batch, running))
            await asyncio.wait([one.entry.inserted for one in running], timeout=_RECORDED_WITHIN)

    async def _tell(self, batch: Batch, running: list[RunningOrder]) -> None:
        await asyncio.wait([one.entry.inserted for one in running], timeout=_RECORDED_WITHIN)
        is_recorded = all(one.entry.is_stored for one in running)
        await asyncio.wait([one.outcome for one in running])
        content = BatchContent(batch.address.actor.user_id, batch.reason, batch.words)
        done = [BatchedOrder(one.entry.id, one.entry.order.session_id, one.outcome.result()) for one in running]
        message = batch_message(content, done, batch.id, note="" if is_recorded else UNRECORDED)
        receipt = await self.delivery.deliver(batch.address, message)
        for one in running:
            self.orders.journal.told(one.entry, receipt.route if receipt else None)

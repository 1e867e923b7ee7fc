"""The listeners of payloads: their table, their context, and the ack with its deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.concurrency import Tasks
from bot.core.requests import Order, ReplyAddress
from bot.messages.blocks import Message, as_response
from bot.usecases.orders import Orders, RunningOrder

ACK_WAIT = 2.0
"""The age of a request, in seconds, until which its ack waits for the outcome. Slack waits 3."""

_SPARE = 0.5  # seconds after `ack_wait` until which an ack is sent: a later one can get lost, and the outcome with it

ACK_ARRIVES = 1.0
"""Seconds within which an ack arrives in Slack. An update of a modal that is there before it is overwritten by it."""

_LOOK_EVERY = 0.6  # seconds between two looks whether the bot is congested,
_CONGESTED_WAIT = 0.1  # and then for an outcome that does not depend on Anchor

_LEAST_WAIT = 0.5  # seconds for an order to be recorded that came late, so that its ack is late anyway

Listener = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Routes:
    """Listeners by slash command, `action_id`, `callback_id` of views and of shortcuts, and event type."""

    commands: dict[str, Listener] = field(default_factory=dict)
    actions: dict[str, Listener] = field(default_factory=dict)
    attachment_actions: dict[str, Listener] = field(default_factory=dict)
    message_shortcuts: dict[str, Listener] = field(default_factory=dict)
    views: dict[str, Listener] = field(default_factory=dict)
    events: dict[str, Listener] = field(default_factory=dict)
    global_shortcuts: dict[str, Listener] = field(default_factory=dict)


@dataclass(slots=True)
class Ack:
    """The answer to a payload, set by the listener: empty, a message, or other JSON.

    Listeners do not pass it to Bolt's `ack`: Socket Mode would have to parse Bolt's JSON again. A `status` of 503
    makes Slack send an event again, and show a warning at a clicked button. An announcement says that the result comes
    later. Otherwise a message about an order is its result.
    """

    message: Message | None = None
    fields: dict[str, Any] | None = None
    status: int = 200
    is_announcement: bool = False
    order: RunningOrder | None = None

    def json(self) -> dict[str, Any] | None:
        """Return the JSON; None if it is empty."""
        return self.fields if self.message is None else as_response(self.message)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A listener's context besides the payload.

    `age` is how many seconds old it is at least, `given_at` the earliest monotonic time at which it was given.
    `may_be_old` says that it can be minutes old in spite of that. The ack waits for an outcome until the request is
    `ack_wait` seconds old.
    """

    address: ReplyAddress
    age: float
    given_at: float
    ack: Ack
    ack_wait: float
    may_be_old: bool = False

    async def is_done_in_time(self, work: asyncio.Task[Any], is_congested: Callable[[], bool] = lambda: False) -> bool:
        """Wait for `work`, but no longer if it is slow anyway, because the bot `is_congested`.

        Return whether the ack can carry its result.
        """
        is_last, ends = False, self.given_at + self.ack_wait
        while not (work.done() or is_last):
            longest, left = _CONGESTED_WAIT if is_congested() else _LOOK_EVERY, ends - time.monotonic()
            is_last = longest == _CONGESTED_WAIT or left <= longest
            await asyncio.wait({work}, timeout=max(0.0, min(left, longest)))
        return work.done() and time.monotonic() < ends + _SPARE

    async def is_safe_in_time(self, running: RunningOrder, delivery: asyncio.Task[None] | None = None) -> bool:
        """Wait until the end of the process would not lose the order or its result. Return whether that is so."""
        left = self.given_at + self.ack_wait + _SPARE - time.monotonic()
        return await running.is_safe(delivery, within=max(_LEAST_WAIT, left))


async def start_order(
    orders: Orders, tasks: Tasks, order: Order, address: ReplyAddress, request: RequestContext
) -> RunningOrder | None:
    """Start an order whose outcome follows the ack, and return it; None if Slack sent it before.

    The ack is an error if the order could be lost: Slack shows it to the person.
    """
    running, is_repeated = orders.start(order, address)
    delivery = None if is_repeated else tasks.start(orders.deliver(running, address))
    if not await request.is_safe_in_time(running, delivery):
        request.ack.status = 503
    return None if is_repeated else running

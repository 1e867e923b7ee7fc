"""The use case: one road to Anchor for every surface."""

import asyncio
import logging
import time
from functools import partial

from bot.core.outcomes import (
    Answered,
    Doubt,
    Outcome,
    Overloaded,
    Repeated,
    Stopping,
    Unconfirmed,
)
from bot.core.requests import Order
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.gate import Gate
from bot.lane import DOUBT_LASTS, Lane
from bot.once import Once
from bot.outbound.anchor import AnchorClient
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

CAPACITY = 10_000
"""How many tasks may be under way before new work is refused; a command takes up to three."""


class Control:
    """Carries requests to Anchor: once each, in one lane a session, as many as the bot can answer for."""

    def __init__(self, anchor: AnchorClient, gate: Gate, *, once: Once, tasks: Tasks, capacity: int = CAPACITY) -> None:
        self._anchor = anchor
        self._gate = gate
        self._once = once
        self._tasks = tasks
        self._capacity = capacity
        self._lanes: dict[tuple[str, SessionId], Lane] = {}
        self._stopping = False

    def stop(self) -> None:
        """Take no new work."""
        self._stopping = True

    def interrupt(self) -> None:
        """Wait for Anchor no longer: whoever still waits is told that the outcome is not known."""
        for lane in self._lanes.values():
            lane.interrupt()

    async def carry_out(self, order: Order) -> Outcome:
        """Do what a person ordered, and log who did what."""
        began = time.monotonic()
        outcome = await self._decide(order)
        _log.info(
            order.verb.value,
            extra={
                "outcome": type(outcome).__name__,
                "session": order.session_id,
                "user": order.asker.user_id,
                "team": order.asker.team_id,
                "channel": order.asker.channel_id,
                "ms": round((time.monotonic() - began) * 1000),
            },
        )
        return outcome

    async def _decide(self, order: Order) -> Outcome:
        if self._stopping:
            return Stopping()
        if len(self._tasks) > self._capacity:
            return Overloaded()
        admitted = await self._gate.admit(order)
        if not isinstance(admitted, tuple):
            return admitted
        if order.trigger_id and not self._once.first(order.trigger_id):
            return Repeated()
        workspace, key = admitted
        return self._gate.learn(workspace, await self._ask_anchor(order, key))

    async def _ask_anchor(self, order: Order, key: Secret) -> Answered:
        name = (order.asker.team_id, order.session_id)
        lane = self._lanes.setdefault(name, Lane(self._tasks, time.monotonic))
        send = partial(self._anchor.order, key=key, session_id=order.session_id)
        result = lane.order(order.verb, send)
        await asyncio.wait({result})
        self._let_go(name)
        return Unconfirmed(Doubt.STOPPED) if result.cancelled() else result.result()

    def _let_go(self, name: tuple[str, SessionId]) -> None:
        """Forget a lane in which nothing can happen any more."""
        lane = self._lanes.get(name)
        if lane is None or lane.is_busy:
            return
        if lane.is_in_doubt:
            asyncio.get_running_loop().call_later(DOUBT_LASTS, self._let_go, name)
        else:
            del self._lanes[name]

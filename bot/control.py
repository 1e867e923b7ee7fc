"""The use case: one road to Anchor for every surface."""

import asyncio
import logging
import time
from functools import partial

from bot.core.outcomes import (
    AnchorOutcome,
    Answered,
    Doubt,
    KeyRejected,
    Outcome,
    Overloaded,
    Repeated,
    Stopping,
    Unconfirmed,
)
from bot.core.requests import Order, Verb
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.core.workspace import Workspace
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
        self._interrupted = False

    def stop(self) -> None:
        """Take no new work."""
        self._stopping = True

    def interrupt(self) -> None:
        """Wait for Anchor no longer: whoever still waits is told that the outcome is not known.

        Of what still waits for Slack or the store nothing is sent any more: its outcome would come too late.
        """
        self._interrupted = True
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
        if self._interrupted:
            return Stopping()
        if order.trigger_id and not self._once.first(order.trigger_id):
            return Repeated()
        workspace, key = admitted
        outcome = await self._ask_anchor(order, workspace, key)
        while order.verb is Verb.PAUSE and _is_of_older_key(outcome, workspace):  # a resume could undo a newer pause
            outcome = await self._ask_anchor(order, workspace, key)
        return outcome

    async def _ask_anchor(self, order: Order, workspace: Workspace, key: Secret) -> Answered:
        name = (order.asker.team_id, order.session_id)
        lane = self._lanes.setdefault(name, Lane(self._tasks, time.monotonic))
        result = lane.order(order.verb, partial(self._send, workspace, key, order.session_id))
        await asyncio.wait({result})
        self._let_go(name)
        return Unconfirmed(Doubt.STOPPED) if result.cancelled() else result.result()

    async def _send(
        self, workspace: Workspace, key: Secret, session_id: SessionId, verb: Verb, *, withdrawn: asyncio.Event
    ) -> list[AnchorOutcome]:
        """What is learnt here is of this key: others who wait for the outcome may have come with another."""
        attempts = await self._anchor.order(verb, key, session_id, withdrawn=withdrawn)
        return self._gate.learn(workspace, attempts)

    def _let_go(self, name: tuple[str, SessionId]) -> None:
        """Forget a lane in which nothing can happen any more."""
        lane = self._lanes.get(name)
        if lane is None or lane.is_busy:
            return
        if lane.is_in_doubt:
            asyncio.get_running_loop().call_later(DOUBT_LASTS, self._let_go, name)
        else:
            del self._lanes[name]


def _is_of_older_key(outcome: Outcome, workspace: Workspace) -> bool:
    """Whether Anchor refused a key that was replaced before this order came, which joined one that had it."""
    return isinstance(outcome, KeyRejected) and outcome.key_version < workspace.key_version

"""The use case: one road to Anchor for every surface."""

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial

from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    KeyRejected,
    NoKey,
    Outcome,
    Overloaded,
    Overtaken,
    Refusal,
    Repeated,
    Stopping,
    StoreFailed,
    Unconfirmed,
    WrongWorkspace,
)
from bot.core.policy import Role, judge
from bot.core.requests import Order
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.core.workspace import Workspace
from bot.lane import DOUBT_LASTS, Lane
from bot.once import Once
from bot.outbound.anchor import AnchorClient
from bot.outbound.roles import Roles
from bot.outbound.workspaces import StoreError, Workspaces
from bot.tasks import Tasks
from bot.watch import Watch

_log = logging.getLogger(__name__)

CAPACITY = 10_000
"""How many tasks may be under way before new work is refused; a command takes up to three."""


class Control:
    """Carries requests to Anchor: once each, in one lane a session, as many as the bot can answer for."""

    def __init__(
        self,
        anchor: AnchorClient,
        workspaces: Workspaces,
        roles: Roles,
        watch: Watch,
        *,
        once: Once,
        tasks: Tasks,
        capacity: int = CAPACITY,
    ) -> None:
        self._anchor = anchor
        self._workspaces = workspaces
        self._roles = roles
        self._watch = watch
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
        workspace = await self._workspace_of(order.asker.team_id)
        if not isinstance(workspace, Workspace):
            return workspace
        role = await self._roles.of(workspace.bot_token, order.asker)
        if role is Role.UNREADABLE:
            self._watch.unreadable(workspace)
        if denial := judge(workspace.policy, order.verb, order.asker, role):
            return denial
        if workspace.anchor_key is None:
            return NoKey(may_set=role is Role.ADMIN)
        if order.trigger_id and not self._once.first(order.trigger_id):
            return Repeated()
        outcome = await self._ask_anchor(order, workspace.anchor_key.value)
        self._watch.used(workspace, outcome)
        is_refused = isinstance(outcome, KeyRejected)
        return replace(outcome, by_admins=workspace.is_managed) if is_refused else outcome

    async def _workspace_of(self, team_id: str) -> Workspace | Refusal:
        """The workspace, or why there is none."""
        try:
            workspace = await self._workspaces.find(team_id)
        except StoreError as error:
            _log.error("a workspace can't be looked up", extra={"team": team_id, "why": str(error)})
            return StoreFailed()
        return workspace or WrongWorkspace()

    async def _ask_anchor(self, order: Order, key: Secret) -> AnchorOutcome | Overtaken:
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

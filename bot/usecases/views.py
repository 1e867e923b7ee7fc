"""Views of Slack: modals, which open within the 3 seconds of a trigger, and what Home shows a person."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.core.orders import Actor, ReplyAddress
from bot.core.permissions import Role, can_pause
from bot.core.sessions import Overview
from bot.core.workspace import Workspace
from bot.messages.batches import NOT_OPENED
from bot.messages.blocks import Block, View
from bot.messages.home import Home, home_view
from bot.messages.sessions import list_blocks
from bot.messages.settings import ONE_MOMENT
from bot.outbound.slack.client import SlackClient, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.workspaces import Workspaces
from bot.runtime import KeyedLocks, Tasks
from bot.usecases.anchor_reads import SessionLists
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.results import MessageDelivery

_log = logging.getLogger(__name__)

_GAP_WAIT = 0.3  # seconds for which Home waits to know about the audit trail
_ANCHOR_WAIT = 1.5  # seconds; then Home shows that Anchor is slow, and its button reads again
_ACK_ARRIVES = 1.0  # seconds; an update of a modal that is there before an ack is overwritten by it
_OPEN_WAIT = 0.5  # seconds for a modal to be made before a placeholder opens: a trigger lasts 3

MakeView = Callable[[Workspace], Coroutine[Any, Any, View]]


@dataclass(frozen=True, slots=True)
class Modals:
    """Opener of modals."""

    workspaces: Workspaces
    slack: SlackClient
    delivery: MessageDelivery
    tasks: Tasks

    async def open(self, address: ReplyAddress, trigger_id: str, make: MakeView, name: str) -> None:
        """Open the modal `name` that `make` returns, or report that it does not open.

        A placeholder opens first if making takes longer than a trigger may wait. https://docs.slack.dev/surfaces/modals
        """
        why, is_open = "the app is not installed", False
        try:
            # as it is now, or the change would conflict
            if (workspace := await self.workspaces.find(address.actor.team_id, max_age=0.0)) is not None:
                is_open, why = await self._open(workspace, trigger_id, make, name), "Slack did not open it"
        except StoreError as error:
            why = str(error)
        if not is_open:
            _log.error("modal not opened", extra={"team": address.actor.team_id, "why": why})
            await self.delivery.deliver(address, NOT_OPENED)

    async def _open(self, workspace: Workspace, trigger_id: str, make: MakeView, name: str) -> bool:
        token, making = workspace.bot_token, self.tasks.start(make(workspace))
        await asyncio.wait({making}, timeout=_OPEN_WAIT)
        first = making.result() if making.done() else ONE_MOMENT.view(name)
        view_id = await self.slack.open_view(token, trigger_id, first)
        if view_id is None or first is (view := await making):
            return view_id is not None
        return await self.slack.update_view(token, view_id, view) is not ViewResult.FAILED  # a closed one is no failure

    async def update_after_ack(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in an open modal once its ack has arrived there. Return whether it is shown."""
        await asyncio.sleep(_ACK_ARRIVES)
        try:
            workspace = await self.workspaces.find(actor.team_id)
        except StoreError:
            return False
        return (
            workspace is not None
            and await self.slack.update_view(workspace.bot_token, view_id, view) is ViewResult.SHOWN
        )


@dataclass(eq=False, repr=False)
class HomeView:
    """Publisher of Home, one view at a time per person: the newest is last."""

    workspaces: Workspaces
    roles: RoleCache
    slack: SlackClient
    monitor: WorkspaceMonitor
    lists: SessionLists

    def __post_init__(self) -> None:
        self._locks = KeyedLocks()

    async def publish(self, actor: Actor, *, notice: str = "") -> bool:
        """Publish a person's Home, and return whether that succeeded; never raises."""
        async with self._locks.get((actor.team_id, actor.user_id)):
            try:
                return await self._publish(actor, notice)
            except StoreError as error:
                _log.error("database error; Home not updated", extra={"team": actor.team_id, "why": str(error)})
            except Exception:  # noqa: BLE001 - nobody waits for this, so nobody else would log it
                _log.exception("Home not updated", extra={"team": actor.team_id, "user": actor.user_id})
        return False

    async def _publish(self, actor: Actor, notice: str) -> bool:
        workspace = await self.workspaces.find(actor.team_id, max_age=0.0)  # an admin sees a change at once
        if workspace is None:
            return False
        role = await self.roles.fetch(workspace, actor)  # not cached: a new admin sees the controls at once
        if role is Role.UNKNOWN:
            role = await self.roles.get_for_pause(workspace, actor)
        sees_sessions = can_pause(workspace.policy, actor, role)
        sessions = await self._sessions(actor) if sees_sessions else ()
        has_gap = role is Role.ADMIN and await self._has_gap(workspace)
        home = Home(workspace, role, secrets.token_hex(4), notice, sessions, has_gap)
        return await self.slack.publish_home(workspace.bot_token, actor.user_id, home_view(home))

    async def _has_gap(self, workspace: Workspace) -> bool:
        gap = self.workspaces.store.audit.gap(workspace.team_id)
        return bool(await or_default(gap, "", within=_GAP_WAIT))

    async def _sessions(self, actor: Actor) -> tuple[Block, ...]:
        found = await self.lists.overview(actor, within=_ANCHOR_WAIT)
        if not isinstance(found, Overview):
            return ()
        return tuple(list_blocks(found))

"""Open modals within the 3 seconds of a trigger, and update them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.core.requests import Actor, ReplyAddress
from bot.core.workspace import Workspace
from bot.messages.blocks import View
from bot.messages.settings import ONE_MOMENT
from bot.messages.several import NOT_OPENED
from bot.outbound.slack.client import SlackClient, ViewResult
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

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

"""The modal with the sessions: opened within the 3 seconds of a trigger, and updated with what Anchor says."""

import asyncio
import logging
from collections.abc import Callable

from bot.concurrency import Tasks
from bot.core.requests import Actor, ReplyAddress
from bot.core.session_overview import Overview
from bot.core.workspace import Workspace
from bot.messages.message import ephemeral
from bot.messages.modal_results import MODAL_NOT_OPENED, TOO_LATE
from bot.messages.session_list import list_refusal
from bot.messages.session_modal import loading_modal, message_modal, sessions_modal
from bot.messages.view import View
from bot.outbound.slack.client import SlackViews
from bot.outbound.workspaces import StoreError, Workspaces
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.session_list import SessionLists

_log = logging.getLogger(__name__)

_OPEN_WAIT = 0.5  # seconds for the lists before the modal opens without them: a trigger lasts 3


class SessionModal:
    """The modal with the sessions that run, and those that this app paused. `now` gives Unix seconds."""

    def __init__(  # noqa: PLR0913 - collaborators and settings
        self,
        lists: SessionLists,
        workspaces: Workspaces,
        views: SlackViews,
        delivery: MessageDelivery,
        tasks: Tasks,
        *,
        now: Callable[[], float],
        dashboard_url: str,
    ) -> None:
        self._lists = lists
        self._workspaces = workspaces
        self._views = views
        self._delivery = delivery
        self._tasks = tasks
        self._now = now
        self._dashboard_url = dashboard_url

    async def open(self, address: ReplyAddress, trigger_id: str, *, note: str = "") -> None:
        """Open the modal, or tell the person why it does not open; `note` is mrkdwn above the lists."""
        actor, workspace = address.actor, await self._workspace(address.actor)
        if workspace is None:
            await self._delivery.deliver(address, ephemeral(MODAL_NOT_OPENED))
            return
        making = self._tasks.start(self._view(actor, note))
        await asyncio.wait({making}, timeout=_OPEN_WAIT)
        first = making.result() if making.done() else loading_modal(note)
        view_id = await self._views.open(workspace.bot_token, trigger_id, first)
        if view_id is None:
            await self._delivery.send_dm(actor.team_id, actor.user_id, ephemeral(TOO_LATE))
        elif first is not (view := await making):
            await self._views.update(workspace.bot_token, view_id, view)

    async def update(self, actor: Actor, view_id: str, *, note: str = "") -> None:
        """Show the lists as they are now. Nobody waits for them if the modal was closed."""
        workspace = await self._workspace(actor)
        if workspace is not None:
            await self._views.update(workspace.bot_token, view_id, await self._view(actor, note))

    async def _workspace(self, actor: Actor) -> Workspace | None:
        try:
            return await self._workspaces.find(actor.team_id)
        except StoreError as error:
            _log.error("modal not opened", extra={"team": actor.team_id, "why": str(error)})
            return None

    async def _view(self, actor: Actor, note: str) -> View:
        """Return the modal. Never raises."""
        try:
            found = await self._lists.overview(actor)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return message_modal(report(error), note)
        if isinstance(found, Overview):
            return sessions_modal(found, now=self._now(), dashboard_url=self._dashboard_url, note=note)
        return message_modal(list_refusal(found, dashboard_url=self._dashboard_url), note)

"""Let a person choose the session to pause, in a modal that knows where the results go."""

import asyncio
import logging
from dataclasses import dataclass

from bot.concurrency import Tasks
from bot.core.message_ids import Mentions
from bot.core.requests import Actor, ReplyAddress
from bot.core.session_list import NotRead, SessionList
from bot.messages.modal_results import ONE_MOMENT, answer_view
from bot.messages.session_choice import TITLE, choice_modal, choice_not_opened_message, running_modal, unread_modal
from bot.messages.session_list import list_refusal, not_read_text
from bot.messages.view import View
from bot.outbound.slack.client import SlackViews, ViewResult
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.sealed_address import seal, unseal
from bot.outbound.workspaces import StoreError, Workspaces
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.session_list import SessionLists

_log = logging.getLogger(__name__)

_LIST_WAIT = 1.0  # seconds for the sessions before the modal opens without them: a trigger lasts 3


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """The modal to choose in: among the ids of a message, or if it has none, among the sessions that run."""

    workspaces: Workspaces
    views: SlackViews
    lists: SessionLists
    delivery: MessageDelivery
    tasks: Tasks
    cipher: FieldCipher
    dashboard_url: str

    async def open(self, address: ReplyAddress, trigger_id: str, mentions: Mentions) -> None:
        """Open the modal, or tell the person that it did not open."""
        making = self.tasks.start(self._view(address, mentions))
        await asyncio.wait({making}, timeout=_LIST_WAIT)
        if not await self._show(address, trigger_id, making):
            await self.delivery.deliver(address, choice_not_opened_message())

    def address(self, actor: Actor, origin: str) -> ReplyAddress | None:
        """Return where the results of a submitted modal go; None if the modal is not one of this person's."""
        return unseal(origin, actor, self.cipher)

    async def _show(self, address: ReplyAddress, trigger_id: str, making: asyncio.Task[View]) -> bool:
        """Open the modal that is being made, with a placeholder if that takes long. Return whether it is shown."""
        team_id = address.actor.team_id
        try:
            workspace = await self.workspaces.find(team_id)
        except StoreError as error:
            _log.error("modal not opened", extra={"team": team_id, "why": str(error)})
            return False
        if workspace is None:
            return False
        first = making.result() if making.done() else answer_view(TITLE, ONE_MOMENT)
        view_id = await self.views.open(workspace.bot_token, trigger_id, first)
        if view_id is None:
            return False
        if first is not (view := await making):
            return await self.views.update(workspace.bot_token, view_id, view) is not ViewResult.FAILED
        return True

    async def _view(self, address: ReplyAddress, mentions: Mentions) -> View:
        """Return the modal. Never raises."""
        origin, is_complete = seal(address, self.cipher), mentions.is_complete
        if mentions.found:
            return choice_modal(mentions, origin)
        try:
            found = await self.lists.running(address.actor)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return answer_view(TITLE, report(error).text)
        if isinstance(found, SessionList):
            return running_modal(found, origin, is_complete=is_complete)
        if isinstance(found, NotRead):
            return unread_modal(not_read_text(found, dashboard_url=self.dashboard_url), origin, is_complete=is_complete)
        return answer_view(TITLE, list_refusal(found, dashboard_url=self.dashboard_url).text)

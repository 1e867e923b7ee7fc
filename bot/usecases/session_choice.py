"""Let a person choose among the session ids of a message, in a modal that knows where the results go."""

import logging

from bot.core.message_ids import Mentions
from bot.core.requests import Actor, ReplyAddress
from bot.messages.session_choice import choice_modal, choice_not_opened_message
from bot.outbound.slack.client import SlackViews
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.sealed_address import seal, unseal
from bot.outbound.workspaces import StoreError, Workspaces
from bot.usecases.message_delivery import MessageDelivery

_log = logging.getLogger(__name__)


class SessionChoice:
    """The modal to choose in."""

    def __init__(
        self, workspaces: Workspaces, views: SlackViews, delivery: MessageDelivery, cipher: FieldCipher
    ) -> None:
        self._workspaces = workspaces
        self._views = views
        self._delivery = delivery
        self._cipher = cipher

    async def open(self, address: ReplyAddress, trigger_id: str, mentions: Mentions) -> None:
        """Open the modal, or tell the person that it did not open."""
        if not await self._is_open(address, trigger_id, mentions):
            await self._delivery.deliver(address, choice_not_opened_message())

    def address(self, actor: Actor, origin: str) -> ReplyAddress | None:
        """Return where the results of a submitted modal go; None if the modal is not one of this person's."""
        return unseal(origin, actor, self._cipher)

    async def _is_open(self, address: ReplyAddress, trigger_id: str, mentions: Mentions) -> bool:
        team_id = address.actor.team_id
        try:
            workspace = await self._workspaces.find(team_id)
        except StoreError as error:
            _log.error("modal not opened", extra={"team": team_id, "why": str(error)})
            return False
        if workspace is None:
            return False
        modal = choice_modal(mentions, seal(address, self._cipher))
        return await self._views.open(workspace.bot_token, trigger_id, modal) is not None

"""Tells those who should know what an admin has changed: a change that nobody meant must not go unseen."""

import asyncio
import logging

from bot.core.messages.message import Message
from bot.core.workspace import Workspace
from bot.outbound.present_admins import PresentAdmins
from bot.outbound.teller import Teller
from bot.outbound.workspaces import StoreError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)


class Herald:
    """Sends direct messages in the background."""

    def __init__(self, admins: PresentAdmins, teller: Teller, tasks: Tasks) -> None:
        self._admins = admins
        self._teller = teller
        self._tasks = tasks

    def announce(self, workspace: Workspace, message: Message, *also: str | None) -> None:
        """Tell the admins who have opened the app's Home, and these people: whoever made the change is among them."""
        self._tasks.start(self._tell(workspace, message, also))

    async def _tell(self, workspace: Workspace, message: Message, also: tuple[str | None, ...]) -> None:
        try:
            admins = await self._admins.of(workspace)
        except StoreError as error:
            _log.warning("the admins can't be looked up", extra={"team": workspace.team_id, "why": str(error)})
            admins = []
        people = dict.fromkeys(person for person in (*also, *admins) if person)
        await asyncio.gather(*[self._teller.write_to(workspace.team_id or "", one, message) for one in people])

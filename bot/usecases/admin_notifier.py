"""Notify admins of changes, so that an unintended change is noticed."""

import asyncio
import logging

from bot.concurrency import Tasks
from bot.core.policy import Role
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.messages.blocks import Message
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.message_delivery import MessageDelivery

_log = logging.getLogger(__name__)

POSSIBLE_ADMINS = frozenset({Role.ADMIN, Role.UNKNOWN, Role.SCOPE_MISSING})
"""The roles of a recorded admin who can still be one."""

# Slack accepts messages to people who have left: https://github.com/slackapi/python-slack-sdk/issues/1156
LEFT = frozenset({Role.DEACTIVATED, Role.OUTSIDER})


class CurrentAdmins:
    """The recorded admins of a workspace who are still admins in Slack."""

    def __init__(self, workspaces: Workspaces, roles: RoleCache) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def list(self, workspace: Workspace) -> list[str]:
        """Return their user ids, the most recently recorded first. Raises StoreError."""
        recorded = await self._workspaces.admins(workspace.team_id)
        roles = await asyncio.gather(*[self.role(workspace, user_id) for user_id in recorded])
        return [user_id for user_id, role in zip(recorded, roles, strict=True) if role in POSSIBLE_ADMINS]

    async def role(self, workspace: Workspace, user_id: str) -> Role:
        """Return the role of a person in the workspace."""
        team_id = workspace.team_id
        return await self._roles.get(workspace, Actor(team_id, "", user_id, home_team_id=team_id))


class AdminNotifier:
    """Direct messages to admins, sent in the background."""

    def __init__(self, admins: CurrentAdmins, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._admins = admins
        self._delivery = delivery
        self._tasks = tasks

    def notify_change(self, workspace: Workspace, message: Message, *also: str | None) -> None:
        """Notify the admins, and the people in `also`: the author of the change is one of them."""
        self._tasks.start(self._notify(workspace, message, also))

    async def _notify(self, workspace: Workspace, message: Message, also: tuple[str | None, ...]) -> None:
        try:
            admins = await self._admins.list(workspace)
        except StoreError as error:
            _log.warning(
                "admin lookup failed; admins not notified", extra={"team": workspace.team_id, "why": str(error)}
            )
            admins = []
        user_ids = dict.fromkeys(user_id for user_id in (*also, *admins) if user_id)
        await asyncio.gather(*[self._delivery.send_dm(workspace.team_id, user_id, message) for user_id in user_ids])

"""The admins of a workspace that the bot knows: those who have opened its Home, while they are admins."""

import asyncio

from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.workspaces import Workspaces

_STILL = {Role.ADMIN, Role.UNKNOWN, Role.UNREADABLE}  # of whom Slack says nothing now, it said so once
_GONE = {Role.DEACTIVATED, Role.OUTSIDER}


class PresentAdmins:
    """Asks the store who they were, and Slack who of them still is one."""

    def __init__(self, workspaces: Workspaces, roles: Roles) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def of(self, workspace: Workspace) -> list[str]:
        """Their user ids, those first who opened it last. Raises StoreError."""
        seen = await self._workspaces.admins(workspace.team_id or "")
        roles = await asyncio.gather(*[self._role(workspace, user_id) for user_id in seen])
        return [user_id for user_id, role in zip(seen, roles, strict=True) if role in _STILL]

    async def has_left(self, workspace: Workspace, user_id: str) -> bool:
        """Whether Slack says that somebody is gone: it takes what is written to them, and nobody reads it.

        https://github.com/slackapi/python-slack-sdk/issues/1156
        """
        return await self._role(workspace, user_id) in _GONE

    async def includes(self, workspace: Workspace, user_id: str) -> bool:
        """Whether somebody is an admin, as far as can be told."""
        return await self._role(workspace, user_id) in _STILL

    async def _role(self, workspace: Workspace, user_id: str) -> Role:
        team_id = workspace.team_id or ""
        return await self._roles.of(workspace.bot_token, Asker(team_id, "", user_id, own_team_id=team_id))

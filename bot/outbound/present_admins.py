"""The admins of a workspace that the bot knows: those who have opened its Home, while they are admins."""

import asyncio

from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.workspaces import Workspaces


class PresentAdmins:
    """Asks the store who they were, and Slack who of them still is one."""

    def __init__(self, workspaces: Workspaces, roles: Roles) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def of(self, workspace: Workspace) -> list[str]:
        """Their user ids, those first who opened it last. Raises StoreError."""
        team_id = workspace.team_id or ""
        seen = await self._workspaces.admins(team_id)
        askers = [Asker(team_id, "", user_id, own_team_id=team_id) for user_id in seen]
        roles = await asyncio.gather(*[self._roles.of(workspace.bot_token, asker) for asker in askers])
        return [user_id for user_id, role in zip(seen, roles, strict=True) if role is Role.ADMIN]

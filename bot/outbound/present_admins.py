"""The admins of a workspace that the bot knows: those who have opened its Home, while they are admins."""

import asyncio

from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.workspaces import Workspaces

STILL = frozenset({Role.ADMIN, Role.UNKNOWN, Role.UNREADABLE})
"""What somebody may be who was an admin: of whom Slack says nothing now, it said so once."""

GONE = frozenset({Role.DEACTIVATED, Role.OUTSIDER})
"""What somebody is who has left: Slack takes what is written to them, and nobody reads it.

https://github.com/slackapi/python-slack-sdk/issues/1156
"""


class PresentAdmins:
    """Asks the store who they were, and Slack who of them still is one."""

    def __init__(self, workspaces: Workspaces, roles: Roles) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def of(self, workspace: Workspace) -> list[str]:
        """Their user ids, those first who opened it last. Raises StoreError."""
        seen = await self._workspaces.admins(workspace.team_id or "")
        roles = await asyncio.gather(*[self.role(workspace, user_id) for user_id in seen])
        return [user_id for user_id, role in zip(seen, roles, strict=True) if role in STILL]

    async def role(self, workspace: Workspace, user_id: str) -> Role:
        """What somebody is in the workspace."""
        team_id = workspace.team_id or ""
        return await self._roles.of(workspace.bot_token, Asker(team_id, "", user_id, own_team_id=team_id))

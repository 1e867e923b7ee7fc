"""Whether somebody may change a workspace's settings, asked anew for every change."""

from bot.core.administration import NotAdmin, NotServed
from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.workspaces import Workspaces


class Rights:
    """Asks the store and Slack."""

    def __init__(self, workspaces: Workspaces, roles: Roles) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def granted(self, asker: Asker) -> Workspace | NotAdmin | NotServed:
        """The workspace as it is now, where this person may change it; raises StoreError.

        What Slack said before does not count: it may have been a while ago.
        """
        workspace = await self._workspaces.find(asker.team_id)
        if workspace is None:
            return NotServed()
        role = await self._roles.now(workspace.bot_token, asker)
        return workspace if role is Role.ADMIN else NotAdmin(role)

"""Whether somebody may change a workspace's settings, asked anew for every change."""

from bot.core.administration import NotAdmin, NotServed, Outdated
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
        workspace = await self.current(asker)
        if isinstance(workspace, NotServed):
            return workspace
        role = await self._roles.now(workspace.bot_token, asker)
        return workspace if role is Role.ADMIN else NotAdmin(role)

    async def current(self, asker: Asker) -> Workspace | NotServed:
        """The workspace as it is now; raises StoreError."""
        return await self._workspaces.find(asker.team_id) or NotServed()

    async def missed(self, asker: Asker) -> NotServed | Outdated:
        """Why a change was not made though it was granted; raises StoreError."""
        workspace = await self.current(asker)
        return workspace if isinstance(workspace, NotServed) else Outdated()

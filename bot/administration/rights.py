"""Whether somebody may change a workspace's settings, asked anew for every change."""

from collections.abc import Callable

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
        workspace = await self._workspaces.find(asker.team_id)
        if workspace is None:
            return NotServed()
        role = await self._roles.now(workspace.bot_token, asker)
        return workspace if role is Role.ADMIN else NotAdmin(role)

    async def missed(self, asker: Asker, *, unless: Callable[[Workspace], bool]) -> NotServed | Outdated | None:
        """Why a change was not made though it was granted, or None where it holds already; raises StoreError.

        `unless` says whether it does: Slack may have lost the answer of before, so that somebody asks once more.
        """
        workspace = await self._workspaces.find(asker.team_id)
        if workspace is None:
            return NotServed()
        return None if unless(workspace) else Outdated()

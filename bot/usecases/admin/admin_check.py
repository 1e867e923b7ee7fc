"""Check whether a person is allowed to change a workspace's settings, and explain conflicts."""

from collections.abc import Awaitable, Callable

from bot.core.admin_outcomes import NotAdmin, NotServed, Outdated
from bot.core.policy import Role
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.outbound.slack.roles import RoleCache
from bot.outbound.workspaces import Workspaces


class AdminCheck:
    """Authorization of changes, by the workspace in the store and the person's role in Slack."""

    def __init__(self, workspaces: Workspaces, roles: RoleCache) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def check(self, actor: Actor) -> Workspace | NotAdmin | NotServed:
        """Return the workspace if this person is an admin of it now, not by the cache. Raises StoreError."""
        workspace = await self._workspaces.find(actor.team_id)
        if workspace is None:
            return NotServed()
        role = await self._roles.fetch(workspace.bot_token, actor)
        return workspace if role is Role.ADMIN else NotAdmin(role)


async def explain_conflict(
    find: Callable[[str], Awaitable[Workspace | None]], team_id: str, already_holds: Callable[[Workspace], bool]
) -> NotServed | Outdated | None:
    """Return why a change was not made, or None if it already holds (a duplicate request). Raises StoreError."""
    workspace = await find(team_id)
    if workspace is None:
        return NotServed()
    return None if already_holds(workspace) else Outdated()

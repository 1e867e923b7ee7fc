"""What the admins of a workspace change in Slack."""

from collections.abc import Awaitable
from typing import TypeVar

from bot.core.anchor_key import AnchorKey
from bot.core.policy import Policy
from bot.outbound.store.installations import Installations
from bot.outbound.store.stored_workspaces import StoredWorkspaces

_T = TypeVar("_T")


class Configuration:
    """Every method may raise StoreUnreachableError.

    A change says whether it was made: not where the workspace is gone, or not as the admin has seen it.
    """

    def __init__(self, installations: Installations, workspaces: StoredWorkspaces) -> None:
        self._installations = installations
        self._workspaces = workspaces

    async def set_key(self, team_id: str, key: AnchorKey, *, if_version: int) -> bool:
        """Give the workspace another Anchor key."""
        return await self._change(team_id, self._installations.set_key(team_id, key, if_version=if_version))

    async def remove_key(self, team_id: str, *, if_version: int) -> bool:
        """Keep nothing of the workspace's Anchor key."""
        return await self._change(team_id, self._installations.remove_key(team_id, if_version=if_version))

    async def set_policy(self, team_id: str, policy: Policy, *, if_version: int) -> bool:
        """Let others do things than did before."""
        return await self._change(team_id, self._installations.set_policy(team_id, policy, if_version=if_version))

    async def set_alerts_token(self, team_id: str, digest: str, *, if_version: int) -> bool:
        """Let programs post alerts with the token of that digest and with no other."""
        change = self._installations.set_alerts_token(team_id, digest, if_version=if_version)
        return await self._change(team_id, change)

    async def move_alerts(self, team_id: str, channel: str, *, before: str | None) -> bool:
        """Let alerts that name no channel of their own go there, and no longer to the one of `before`."""
        return await self._change(team_id, self._installations.move_alerts(team_id, channel, before=before))

    async def _change(self, team_id: str, change: Awaitable[_T]) -> _T:
        with self._workspaces.changing(team_id):
            return await change

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

    A change says whether it was made: not where the workspace is gone, or of another version than the admin has seen.
    Whether or not, and also where nobody can tell, what was read before is not used any more.
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

    async def set_alerts_token(self, team_id: str, digest: str | None) -> bool:
        """Let programs post alerts with the token of that digest and with no other; with None, not at all."""
        return await self._change(team_id, self._installations.set_alerts_token(team_id, digest))

    async def set_alerts_channel(self, team_id: str, channel: str | None) -> bool:
        """Let alerts go there that name no channel of their own; with None, nowhere."""
        return await self._change(team_id, self._installations.set_alerts_channel(team_id, channel))

    async def _change(self, team_id: str, change: Awaitable[_T]) -> _T:
        try:
            return await change
        finally:
            self._workspaces.drop(team_id)

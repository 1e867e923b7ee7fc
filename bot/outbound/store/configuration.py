"""What the admins of a workspace change in Slack."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.core.anchor_key import AnchorKey
from bot.core.policy import Policy
from bot.outbound.store.admins import Admins
from bot.outbound.store.installations import Installations
from bot.outbound.store.stored_workspaces import StoredWorkspaces

_T = TypeVar("_T")


class Configuration:
    """Every method may raise StoreUnreachableError; `now` gives Unix seconds.

    A change says whether it was made: not where the workspace is gone, or of another version than the admin has seen.
    Whether or not, and also where nobody can tell, what was read before is not used any more.
    """

    def __init__(
        self, installations: Installations, admins: Admins, workspaces: StoredWorkspaces, now: Callable[[], float]
    ) -> None:
        self._installations = installations
        self._admins = admins
        self._workspaces = workspaces
        self._now = now

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

    async def note_admin(self, team_id: str, user_id: str) -> None:
        """Somebody was met who is an admin of that workspace."""
        await self._admins.note(team_id, user_id, self._now())

    async def admins(self, team_id: str) -> list[str]:
        """The user ids of those who were met, the last ones first."""
        return await self._admins.of(team_id)

    async def _change(self, team_id: str, change: Awaitable[_T]) -> _T:
        try:
            return await change
        finally:
            self._workspaces.drop(team_id)

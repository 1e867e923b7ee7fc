"""The repository of served workspaces, and its implementation for one workspace from the settings."""

from dataclasses import replace
from typing import Protocol

from bot.core.workspace import KeyCheck, Uninstall, Workspace

_MAX_ADMINS = 100


class Workspaces(Protocol):
    """Repository of the served workspaces. Every method can raise StoreError."""

    async def find(self, team_id: str) -> Workspace | None:
        """Return the workspace of a verified request, or None if it is not served."""

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """Return the workspace of an alerts URL, whose last part is `ref` (or "")."""

    async def delete_uninstalled(self, uninstall: Uninstall) -> None:
        """Delete an uninstalled workspace, unless the app was reinstalled since."""

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""

    async def claim_notice(self, team_id: str, name: str) -> bool:
        """Return whether the caller is the first to claim this notice; never if the workspace is not served."""

    async def release_notice(self, team_id: str, name: str) -> None:
        """Release the claim: the notice was not delivered."""

    async def record_admin(self, team_id: str, user_id: str) -> None:
        """Record that an admin of the workspace has opened the app's Home."""

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of the recorded admins, the most recent first."""


class SingleWorkspace:
    """The workspace of SLACK_BOT_TOKEN and ANCHOR_API_KEY, kept in memory. Raises nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._claimed: set[str] = set()
        self._admins: list[str] = []

    def identify(self, team_id: str, enterprise_id: str) -> None:
        """Set the team of the bot token, and its organisation or "". From now on no other team is served."""
        self._workspace = replace(self._workspace, team_id=team_id, enterprise_id=enterprise_id)

    async def find(self, team_id: str) -> Workspace | None:
        """Return the workspace if it serves this team."""
        return self._workspace if self._workspace.serves(team_id) else None

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """Return the workspace if the alerts URL names none."""
        return None if ref else self._workspace

    async def delete_uninstalled(self, uninstall: Uninstall) -> None:
        """Do nothing: the settings still name the workspace."""

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version."""
        served = await self.find(team_id)
        if served is not None and served.anchor_key is not None and served.key_version == version:
            self._workspace = replace(served, anchor_key=replace(served.anchor_key, check=check))

    async def claim_notice(self, team_id: str, name: str) -> bool:
        """Return whether this is the first claim since startup."""
        if not self._workspace.serves(team_id) or name in self._claimed:
            return False
        self._claimed.add(name)
        return True

    async def release_notice(self, team_id: str, name: str) -> None:
        """Release the claim."""
        if self._workspace.serves(team_id):
            self._claimed.discard(name)

    async def record_admin(self, team_id: str, user_id: str) -> None:
        """Record an admin until shutdown."""
        if self._workspace.serves(team_id):
            self._admins = [user_id, *(other for other in self._admins if other != user_id)][:_MAX_ADMINS]

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of the recorded admins, the most recent first."""
        return list(self._admins) if self._workspace.serves(team_id) else []

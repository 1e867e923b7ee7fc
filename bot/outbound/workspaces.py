"""The workspaces that the bot serves, and the simplest kind: one, from the settings."""

from dataclasses import replace
from typing import Protocol

from bot.core.anchor_key import KeyCheck
from bot.core.installation import Departure
from bot.core.workspace import Workspace

_MOST_ADMINS = 100


class StoreError(Exception):
    """What is known of the workspaces can't be had. The text says why, fit for a log."""


class Workspaces(Protocol):
    """Who is served, with which key and token. Every method may raise StoreError."""

    async def find(self, team_id: str) -> Workspace | None:
        """The workspace that a verified request of `team_id` belongs to, or None where it is not served."""

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """The workspace whose alerts go to `ref`, the last part of their URL, "" where it has none."""

    async def forget(self, departure: Departure) -> None:
        """Keep nothing of a workspace that the app has left, unless it was installed anew since."""

    async def note_check(self, team_id: str, version: int, check: KeyCheck) -> bool:
        """Remember what Anchor says of the key of that version, and say whether that is news."""

    async def is_first(self, team_id: str, name: str) -> bool:
        """Whether a workspace is to be told the notice of that name: once. Never where it is not served."""

    async def take_back(self, team_id: str, name: str) -> None:
        """Nobody could be told that notice: it is to be told again."""

    async def note_admin(self, team_id: str, user_id: str) -> None:
        """Remember that an admin of the workspace has opened the app's Home."""

    async def admins(self, team_id: str) -> list[str]:
        """The user ids of those who did, the last ones first."""


class SingleWorkspace:
    """The workspace of SLACK_BOT_TOKEN and ANCHOR_API_KEY. Raises nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._told: set[str] = set()
        self._admins: list[str] = []

    def identify(self, team_id: str) -> None:
        """Remember whose the bot token is, as Slack says. From now on no other team is served."""
        self._workspace = replace(self._workspace, team_id=team_id)

    async def find(self, team_id: str) -> Workspace | None:
        """As the protocol says."""
        return self._workspace if self._workspace.serves(team_id) else None

    async def owner_of_alerts(self, ref: str) -> Workspace | None:
        """As the protocol says: the alerts' URL has no name of a workspace in it."""
        return None if ref else self._workspace

    async def forget(self, departure: Departure) -> None:
        """Nothing: what is known stands in the settings."""

    async def note_check(self, team_id: str, version: int, check: KeyCheck) -> bool:
        """As the protocol says."""
        served = await self.find(team_id)
        if served is None or served.anchor_key is None or served.key_version != version:
            return False
        before, self._workspace = served, replace(served, anchor_key=replace(served.anchor_key, check=check))
        return self._workspace != before

    async def is_first(self, team_id: str, name: str) -> bool:
        """As the protocol says: once since the bot was started."""
        if not self._workspace.serves(team_id) or name in self._told:
            return False
        self._told.add(name)
        return True

    async def take_back(self, team_id: str, name: str) -> None:
        """As the protocol says."""
        if self._workspace.serves(team_id):
            self._told.discard(name)

    async def note_admin(self, team_id: str, user_id: str) -> None:
        """As the protocol says: until the bot is stopped."""
        if self._workspace.serves(team_id):
            self._admins = [user_id, *(known for known in self._admins if known != user_id)][:_MOST_ADMINS]

    async def admins(self, team_id: str) -> list[str]:
        """As the protocol says."""
        return list(self._admins) if self._workspace.serves(team_id) else []

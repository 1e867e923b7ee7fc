"""The workspaces that the bot serves: one, from the settings."""

from dataclasses import replace

from bot.core.policy import serves
from bot.core.workspace import Workspace


class SingleWorkspace:
    """The workspace of SLACK_BOT_TOKEN and ANCHOR_API_KEY."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def identify(self, team_id: str) -> None:
        """Remember whose the bot token is, as Slack says. From now on no other team is served."""
        self._workspace = replace(self._workspace, team_id=team_id)

    def find(self, team_id: str) -> Workspace | None:
        """The workspace that a verified request of `team_id` belongs to, or None where it is not served."""
        return self._workspace if serves(self._workspace, team_id) else None

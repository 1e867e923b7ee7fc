"""Who may do what."""

from bot.core.workspace import Workspace


def serves(workspace: Workspace, team_id: str) -> bool:
    """Whether a request from `team_id`, the installing team of a verified payload, may use the workspace's key.

    Until Slack has said whose the bot token is, every verified request counts as its own: the signature shows that
    it came for this app, and a brake that waits for Slack to come back is none.
    """
    return workspace.team_id is None or workspace.team_id == team_id

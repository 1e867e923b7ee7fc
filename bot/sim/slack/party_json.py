"""People, workspaces and organisations as apps get them in payloads."""

from bot.sim.slack.content import Part
from bot.sim.slack.workspace import Enterprise, User, Workspace


def user_json(user: User) -> Part:
    """Return who did it."""
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def team_json(workspace: Workspace) -> Part:
    """Return a workspace, with its organisation if it has one."""
    team: Part = {"id": workspace.team_id, "domain": workspace.domain}
    if enterprise := workspace.enterprise:
        team |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
    return team


def enterprise_json(enterprise: Enterprise | None) -> Part | None:
    """Return a Grid organisation."""
    return {"id": enterprise.id, "name": enterprise.name} if enterprise else None

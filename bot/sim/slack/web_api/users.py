"""users.info: who somebody is, and whether they administer the workspace.

https://docs.slack.dev/reference/methods/users.info
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.sim.slack.web_api.call import ApiError, Caller, Method
from bot.sim.slack.workspace import User, Workspace


def _info(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    user = caller.workspace.users.get(str(arguments.get("user")))
    if user is None:
        raise ApiError("user_not_found")
    if user.team_id == caller.workspace.team_id:
        return {"user": _member(user) | _in_enterprise(caller.workspace, user)}
    if _is_colleague(caller, user):
        elsewhere = replace(user, is_admin=False, is_owner=False, is_primary_owner=False)  # whatever they are at home
        return {"user": _member(elsewhere) | _in_enterprise(caller.workspace, user)}
    return {"user": _stranger(user)}


def _is_colleague(caller: Caller, user: User) -> bool:
    """True for somebody from another workspace of the same Grid organisation."""
    home, ours = caller.platform.workspaces.get(user.team_id), caller.workspace.enterprise
    return home is not None and ours is not None and home.enterprise == ours


def _stranger(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "is_stranger": True,
        "is_bot": user.is_bot,
    }


def _member(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "is_admin": user.is_admin,
        "is_owner": user.is_owner,
        "is_primary_owner": user.is_primary_owner,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1_784_000_000,
        "profile": {"display_name": user.name, "real_name": user.name.capitalize()},
    }


def _in_enterprise(workspace: Workspace, user: User) -> dict[str, object]:
    if workspace.enterprise is None:
        return {}
    return {
        "enterprise_user": {
            "id": user.id,
            "enterprise_id": workspace.enterprise.id,
            "enterprise_name": workspace.enterprise.name,
            "is_admin": False,
            "is_owner": False,
            "teams": [user.team_id],
        }
    }


METHODS = {"users.info": Method(_info, scope="users:read", takes_json=False)}

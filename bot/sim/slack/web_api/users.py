"""users.info: who somebody is, and whether they administer the workspace.

https://docs.slack.dev/reference/methods/users.info
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sim.slack.web_api.call import ApiError, Caller, Method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.sim.slack.workspace import User, Workspace


def _info(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    user = caller.workspace.users.get(str(arguments.get("user")))
    if user is None:
        raise ApiError("user_not_found")
    if user.team_id != caller.workspace.team_id:
        return {"user": _stranger(user)}
    return {"user": _member(user) | _in_enterprise(caller.workspace, user)}


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
            "teams": [workspace.team_id],
        }
    }


METHODS = {"users.info": Method(_info, scope="users:read", takes_json=False)}

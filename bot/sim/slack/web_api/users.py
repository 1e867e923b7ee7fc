"""users.info: who somebody is, and whether they administer the workspace.

https://docs.slack.dev/reference/methods/users.info
https://docs.slack.dev/reference/objects/user-object
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.sim.slack.web_api.call import ApiError, Caller, Method
from bot.sim.slack.workspace import Enterprise, User, Workspace


def _info(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    workspace = caller.workspace
    user = workspace.users.get(str(arguments.get("user")))
    if user is None:
        raise ApiError("user_not_found")
    if not caller.platform.is_colleague(workspace, user):
        channels = [one for one in workspace.channels.values() if user.id in one.members and not one.is_archived]
        if not channels:
            raise ApiError("user_not_visible")
        meets_bot = any(workspace.installation.bot_user_id in channel.members for channel in channels)
        stranger = {} if meets_bot else {"is_stranger": True}
        return {"user": _who(user) | stranger | {"is_bot": user.is_bot} | _in_enterprise(caller, user)}
    if user.team_id != workspace.team_id:
        user = replace(user, is_admin=False, is_owner=False, is_primary_owner=False)  # whatever they are at home
    return {"user": _member(workspace, user) | _in_enterprise(caller, user)}


def _who(user: User) -> dict[str, object]:
    return {"id": user.id, "team_id": user.team_id, "name": user.name, "deleted": user.deleted}


def _member(workspace: Workspace, user: User) -> dict[str, object]:
    return (
        _who(user)
        | ({} if user.deleted else _roles(user))  # of those who were deactivated Slack tells less
        | {
            "is_bot": user.is_bot,
            "is_app_user": False,
            "updated": 1_784_000_000,
            "profile": {"display_name": user.name, "real_name": user.name.capitalize()} | _of_app(workspace, user),
        }
    )


def _roles(user: User) -> dict[str, object]:
    return {
        "is_admin": user.is_admin,
        "is_owner": user.is_owner,
        "is_primary_owner": user.is_primary_owner,
        "is_restricted": user.is_restricted or user.is_ultra_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    }


def _of_app(workspace: Workspace, user: User) -> dict[str, object]:
    app = workspace.installation
    return {"bot_id": app.bot_id, "api_app_id": app.app_id} if user.id == app.bot_user_id else {}


def _in_enterprise(caller: Caller, user: User) -> dict[str, object]:
    enterprise = caller.platform.enterprise_of(caller.workspace, user)
    if enterprise is None:
        return {}
    return {
        "enterprise_user": {
            "id": user.id,
            "enterprise_id": enterprise.id,
            "enterprise_name": enterprise.name,
            "is_admin": user.is_org_admin,
            "is_owner": user.is_org_owner,
            "teams": _teams(caller, enterprise, user),
        }
    }


def _teams(caller: Caller, enterprise: Enterprise, user: User) -> list[str]:
    """Return the workspaces of the organisation of which somebody is a member."""
    sisters = (one for one in caller.platform.workspaces.values() if one.enterprise == enterprise)
    members = (one for one in sisters if user.id in one.users and one.users[user.id].team_id == one.team_id)
    return list(dict.fromkeys([user.team_id, *(one.team_id for one in members)]))


METHODS = {"users.info": Method(_info, scope="users:read", takes_json=False)}

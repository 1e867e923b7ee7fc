"""auth.test: whose token this is.

https://docs.slack.dev/reference/methods/auth.test
"""

from collections.abc import Mapping

from bot.sim.slack.web_api.call import Caller, Method


def _test(caller: Caller, _: Mapping[str, object]) -> dict[str, object]:
    workspace, app = caller.workspace, caller.workspace.installation
    enterprise = {"enterprise_id": workspace.enterprise.id} if workspace.enterprise else {}
    return enterprise | {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.domain.capitalize(),
        "user": app.bot_name,
        "team_id": workspace.team_id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


METHODS = {"auth.test": Method(_test)}

"""oauth.v2.access: a code becomes a token of the app in a workspace.

https://docs.slack.dev/reference/methods/oauth.v2.access
"""

import secrets

from bot.sim.slack.oauth import Codes, Consented
from bot.sim.slack.platform import Platform
from bot.sim.slack.web_api.arguments import Arguments
from bot.sim.slack.web_api.call import ApiError

OAUTH_ACCESS = "oauth.v2.access"


def oauth_access(platform: Platform, codes: Codes, arguments: Arguments) -> dict[str, object]:
    """Install the app as a person consented; the credentials may be in the header, as HTTP Basic, or in the form."""
    _check_client(platform, arguments)
    consented = codes.redeem(str(arguments.values.get("code", "")))
    if consented is None:
        raise ApiError("invalid_code")
    if arguments.values.get("redirect_uri") != consented.redirect_uri:
        raise ApiError("bad_redirect_uri")
    return _granted(platform, consented)


def _check_client(platform: Platform, arguments: Arguments) -> None:
    in_form = (str(arguments.values.get("client_id")), str(arguments.values.get("client_secret")))
    client_id, client_secret = arguments.basic or in_form
    if client_id != platform.registration.client_id:
        raise ApiError("invalid_client_id")
    if client_secret != platform.registration.client_secret:
        raise ApiError("bad_client_secret")


def _granted(platform: Platform, consented: Consented) -> dict[str, object]:
    workspace = consented.workspace
    app, enterprise = workspace.installation, workspace.enterprise
    if not consented.org_wide:
        _install(consented)
    rotating = {"refresh_token": "xoxe-1-SIMULATED", "expires_in": 43_200}
    return {
        "app_id": app.app_id,
        "authed_user": {"id": consented.user_id},
        "scope": ",".join(sorted(consented.scopes if consented.org_wide else app.scopes)),
        "token_type": "bot",
        "access_token": _new_token() if consented.org_wide else app.bot_token,
        "bot_user_id": app.bot_user_id,
        "team": None if consented.org_wide else {"id": workspace.team_id, "name": workspace.domain.capitalize()},
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": consented.org_wide,
        **(rotating if platform.registration.rotates_tokens else {}),
    }


def _install(consented: Consented) -> None:
    """Put the app in: with a new token and these scopes, or where it is in already with the old one and with both."""
    app = consented.workspace.installation
    if app.refusal is None:
        app.scopes |= consented.scopes
    else:
        app.bot_token, app.scopes, app.refusal = _new_token(), set(consented.scopes), None


def _new_token() -> str:
    return f"xoxb-{secrets.randbelow(10**10):010}-SIMULATED-{secrets.token_hex(12)}"

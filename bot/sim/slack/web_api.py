"""Slack's Web API over HTTP: arguments, tokens, and who somebody is."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from aiohttp import web

from bot.sim.faults import inject_fault
from bot.sim.slack.block_kit import Surface, problems
from bot.sim.slack.methods import METHODS, ApiCall, ApiError, Caller, Method
from bot.sim.slack.oauth import Codes, Consented
from bot.sim.slack.platform import Platform
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.socket_mode import Sockets
from bot.sim.slack.workspace import Enterprise, User, Workspace

# Reads the arguments and the token of a call from where Slack looks for them.
# https://docs.slack.dev/apis/web-api

_FORMS = frozenset({"application/x-www-form-urlencoded", "text/plain"})
_JSON_IN_FORMS = frozenset({"blocks", "attachments", "metadata"})
_FLAGS_IN_FORMS = frozenset({"unfurl_links", "unfurl_media", "mrkdwn", "reply_broadcast", "link_names"})
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, without the token.

    `bearer` is the token if it came in the header, `basic` a name and a password that came there instead.
    """

    values: Mapping[str, object]
    token: str | None
    bearer: str | None
    basic: tuple[str, str] | None = None
    is_json: bool = False
    violations: tuple[Violation, ...] = ()


def read_arguments(request: web.Request, body: bytes) -> Arguments:
    """Read a GET or POST; ApiError if its body can't be read."""
    is_json = bool(body) and request.content_type == "application/json"
    values: dict[str, object] = dict(parse_qsl(request.query_string, keep_blank_values=True))
    token_in_url = "token" in values
    if body:
        values |= _json(body) if is_json else _form(request, body)
    in_body = values.pop("token", None)
    header = request.headers.get("Authorization", "")
    token = bearer = header.removeprefix("Bearer ") if header.startswith("Bearer ") else None
    if token is None and isinstance(in_body, str) and not is_json and not token_in_url:
        token = in_body  # Slack takes it from a form, and from nowhere else
    wrong = () if in_body is None else (Violation(Rule.TOKEN_OUTSIDE_HEADER, request.path),)
    return Arguments(values, token, bearer, _basic(header), is_json, wrong)


def _basic(header: str) -> tuple[str, str] | None:
    """https://www.rfc-editor.org/rfc/rfc7617#section-2."""
    scheme, _, given = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if scheme == "Basic" and colon else None


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    return value


def _form(request: web.Request, body: bytes) -> dict[str, object]:
    if "Content-Type" not in request.headers:
        raise ApiError("missing_post_type")
    if request.content_type not in _FORMS:
        raise ApiError("invalid_post_type")
    pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return {name: _from_form(name, value) for name, value in pairs}


def _from_form(name: str, value: str) -> object:
    if name in _FLAGS_IN_FORMS:
        return _FLAGS.get(value, value)
    if name not in _JSON_IN_FORMS:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ApiError(f"invalid_{name}_format") from None


# apps.connections.open: where the app can connect a websocket in Socket Mode.
#
# https://docs.slack.dev/reference/methods/apps.connections.open

_TURNED_OFF = "[WARN] Socket Mode is not turned on."


def connections_open(platform: Platform, sockets: Sockets, arguments: Arguments) -> dict[str, object]:
    """Return a URL for one connection; the app token must be in the header."""
    if arguments.token is None:
        raise ApiError("not_authed")
    if platform.workspace_of_token(arguments.bearer):
        raise ApiError("not_allowed_token_type")
    if arguments.bearer != platform.app_token:
        raise ApiError("invalid_auth")
    if sockets.enabled and not sockets.claims_off:
        return {"url": sockets.new_url()}
    return {"url": sockets.new_url(), "response_metadata": {"messages": [_TURNED_OFF]}}


# auth.test: whose token this is. auth.revoke: it is nobody's from now on.
#
# https://docs.slack.dev/reference/methods/auth.test
# https://docs.slack.dev/reference/methods/auth.revoke


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


def _revoke(caller: Caller, _: Mapping[str, object]) -> dict[str, object]:
    caller.workspace.installation.refusal = "token_revoked"
    return {"revoked": True}


# oauth.v2.access: a code becomes a token of the app in a workspace.
#
# https://docs.slack.dev/reference/methods/oauth.v2.access


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


# users.info: who somebody is, and whether they administer the workspace.
#
# https://docs.slack.dev/reference/methods/users.info
# https://docs.slack.dev/reference/objects/user-object


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


_METHODS: Mapping[str, Method] = {
    "auth.test": Method(_test),
    "auth.revoke": Method(_revoke),
    "users.info": Method(_info, scope="users:read", takes_json=False),
    **METHODS,
}


def _validated(arguments: Arguments) -> dict[str, object]:
    """https://docs.slack.dev/reference/methods/blocks.validate."""
    found = []
    for kind, text in arguments.values.items():
        content = json.loads(str(text))
        surface: Surface = "message" if kind == "message" else content["type"]
        found += problems(content.get("blocks", []), surface=surface)
    return {"ok": not found, **({"error": "invalid_blocks", "errors": found} if found else {})}


class WebApi:
    """All methods over HTTP; `calls` has every call in order of arrival."""

    def __init__(self, platform: Platform, sockets: Sockets, codes: Codes) -> None:
        self.calls: list[ApiCall] = []
        self._platform = platform
        self._without_bot: Mapping[str, Callable[[Arguments], dict[str, object]]] = {  # need no token of a bot
            "api.test": lambda _: {},
            "blocks.validate": _validated,
            "apps.connections.open": lambda arguments: connections_open(platform, sockets, arguments),
            "oauth.v2.access": lambda arguments: oauth_access(platform, codes, arguments),
        }

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        name = request.match_info["method"]
        body = await request.read()
        arguments = self._read(name, request, body)
        token = "" if isinstance(arguments, ApiError) else arguments.token or ""
        fault = self._platform.faults.take(name) or self._platform.faults.take(token)

        def handle() -> web.Response:
            return self._answer(name, arguments)

        return await inject_fault(fault, request, handle) or web.Response()

    def _read(self, name: str, request: web.Request, body: bytes) -> Arguments | ApiError:
        try:
            arguments = read_arguments(request, body)
        except ApiError as unreadable:
            self._record(name, {}, None)
            return unreadable
        self._record(name, arguments.values, arguments.token)
        self._platform.record(arguments.violations)
        return arguments

    def _record(self, name: str, values: Mapping[str, object], token: str | None) -> None:
        self.calls.append(ApiCall(name, values, token, self._platform.clock.moment()))
        self._platform.change_event.notify()

    def _answer(self, name: str, arguments: Arguments | ApiError) -> web.Response:
        """Answer a call. With a token, also a failed one has the header with the scopes that the token has."""
        scopes: dict[str, str] = {}
        try:
            if isinstance(arguments, ApiError):
                raise arguments
            if name in self._without_bot:
                return web.json_response({"ok": True} | self._without_bot[name](arguments))
            workspace = self._workspace(name, arguments.token)
            scopes["X-OAuth-Scopes"] = ",".join(sorted(workspace.installation.scopes))
            body = self._run(name, workspace, arguments)
        except ApiError as error:
            return _refused(error, scopes)
        return web.json_response({"ok": True} | body, headers=scopes)

    def _workspace(self, name: str, token: str | None) -> Workspace:
        if name not in _METHODS:
            raise ApiError("unknown_method", req_method=name)
        if token is None:
            raise ApiError("not_authed")
        if token == self._platform.app_token:
            raise ApiError("not_allowed_token_type")
        workspace = self._platform.workspace_of_token(token)
        if workspace is None:
            raise ApiError("invalid_auth")
        if workspace.installation.refusal:
            raise ApiError(workspace.installation.refusal)
        return workspace

    def _run(self, name: str, workspace: Workspace, arguments: Arguments) -> dict[str, object]:
        method, scopes = _METHODS[name], workspace.installation.scopes
        if method.scope and method.scope not in scopes:
            raise ApiError("missing_scope", needed=method.scope, provided=",".join(sorted(scopes)))
        values = arguments.values
        if arguments.is_json and not method.takes_json:
            self._platform.record([Violation(Rule.JSON_TO_FORM_METHOD, name)])
            values = {}  # Slack does not look into the body
        return method.run(Caller(self._platform, workspace), values)


def _refused(error: ApiError, headers: Mapping[str, str]) -> web.Response:
    if error.retry_after is None:
        return web.json_response(error.body, headers=headers)
    return web.json_response(error.body, status=429, headers={**headers, "Retry-After": str(error.retry_after)})

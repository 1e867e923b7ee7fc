"""Serves the Web API: reads a call, checks its token and scope, and lets the method answer."""

import json
from collections.abc import Mapping

from aiohttp import web

from bot.sim.fault_injection import inject_fault
from bot.sim.slack.block_kit import Surface, problems
from bot.sim.slack.oauth import Codes
from bot.sim.slack.platform import Platform
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.socket_mode import Sockets
from bot.sim.slack.web_api import apps, auth, chat, oauth, scheduled, users, views
from bot.sim.slack.web_api.arguments import Arguments, read_arguments
from bot.sim.slack.web_api.call import ApiCall, ApiError, Caller, Method
from bot.sim.slack.workspace import Workspace

_METHODS: Mapping[str, Method] = auth.METHODS | chat.METHODS | scheduled.METHODS | users.METHODS | views.METHODS
_TEST = "api.test"  # https://docs.slack.dev/reference/methods/api.test: needs no token
_VALIDATE = "blocks.validate"  # https://docs.slack.dev/reference/methods/blocks.validate: the same


def _validated(values: Mapping[str, object]) -> dict[str, object]:
    found = []
    for kind, text in values.items():
        content = json.loads(str(text))
        surface: Surface = "message" if kind == "message" else content["type"]
        found += problems(content.get("blocks", []), surface=surface)
    return {"ok": not found, **({"error": "invalid_blocks", "errors": found} if found else {})}


class WebApi:
    """All methods over HTTP; `calls` has every call in order of arrival."""

    def __init__(self, platform: Platform, sockets: Sockets, codes: Codes) -> None:
        self.calls: list[ApiCall] = []
        self._platform = platform
        self._sockets = sockets
        self._codes = codes

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        name = request.match_info["method"]
        body = await request.read()
        fault = self._platform.faults.take(name)

        def handle() -> web.Response:
            return self._answer(name, arguments)

        arguments = self._read(name, request, body)
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
            if name == _TEST:
                return web.json_response({"ok": True})
            if name == _VALIDATE:
                return web.json_response(_validated(arguments.values))
            if name == apps.CONNECTIONS_OPEN:
                opened = apps.connections_open(self._platform, self._sockets, arguments)
                return web.json_response({"ok": True} | opened)
            if name == oauth.OAUTH_ACCESS:
                granted = oauth.oauth_access(self._platform, self._codes, arguments)
                return web.json_response({"ok": True} | granted)
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

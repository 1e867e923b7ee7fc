"""Installing the app: the consent page and its codes."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from aiohttp import web

from bot.sim.slack.platform import Platform
from bot.sim.slack.workspace import Workspace

LIFETIME = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Consented:
    """A grant, and the URL that the browser is sent back to; `org_wide` is for the whole organisation."""

    workspace: Workspace
    user_id: str
    scopes: frozenset[str]
    redirect_uri: str
    org_wide: bool = False


class Codes:
    """All that were given out and not yet used. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: dict[str, tuple[Consented, float]] = {}

    def issue(self, consented: Consented) -> str:
        """Give out a code."""
        code = f"1234567890.{secrets.randbelow(10**12):012}.{secrets.token_hex(32)}"
        self._codes[code] = (consented, self._now() + LIFETIME)
        return code

    def redeem(self, code: str) -> Consented | None:
        """Take a code back; None for one that is used, too old or unknown."""
        consented, expires_at = self._codes.pop(code, (None, 0.0))
        return consented if self._now() < expires_at else None


class Consent:
    """The page. What the person chooses comes as a form.

    `decision` is allow or cancel, `team` the workspace, `user` who it is; `org_wide` is set for the whole organisation.
    """

    def __init__(self, platform: Platform, codes: Codes) -> None:
        self._platform = platform
        self._codes = codes

    async def show(self, request: web.Request) -> web.Response:
        """Ask the person."""
        problem = self._problem(request.query)
        return _error(problem) if problem else _page(self._platform.workspaces.values())

    async def decide(self, request: web.Request) -> web.Response:
        """Send the browser back to the app, with a code or with an error."""
        query = request.query
        if problem := self._problem(query):
            return _error(problem)
        form = {name: str(value) for name, value in (await request.post()).items()}
        answer = {"code": self._code(query, form)} if form.get("decision") == "allow" else {"error": "access_denied"}
        state = {"state": query["state"]} if "state" in query else {}
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(answer | state)}"})

    def _problem(self, query: Mapping[str, str]) -> str | None:
        registration = self._platform.registration
        if query.get("client_id") != registration.client_id:
            return "invalid_client_id"
        if not registration.knows(query.get("redirect_uri", "")):
            return "bad_redirect_uri"
        scopes = set(filter(None, query.get("scope", "").split(",")))
        return None if scopes and scopes <= set(registration.scopes) else "invalid_scope"

    def _code(self, query: Mapping[str, str], form: Mapping[str, str]) -> str:
        workspace = self._platform.workspaces[form["team"]]
        scopes = frozenset(query["scope"].split(","))
        user = form.get("user") or next(user.id for user in workspace.users.values() if not user.is_bot)
        return self._codes.issue(Consented(workspace, user, scopes, query["redirect_uri"], "org_wide" in form))


def _error(problem: str) -> web.Response:
    return web.Response(status=400, text=f"Something went wrong when authorizing this app. Error details: {problem}")


def _page(workspaces: Iterable[Workspace]) -> web.Response:
    options = "".join(f'<option value="{escape(one.team_id)}">{escape(one.domain)}</option>' for one in workspaces)
    form = (
        f'<form method="post"><select name="team">{options}</select>'
        '<button name="decision" value="allow">Allow</button>'
        '<button name="decision" value="cancel">Cancel</button></form>'
    )
    return web.Response(text=f"<!doctype html><title>Slack, simulated</title>{form}", content_type="text/html")

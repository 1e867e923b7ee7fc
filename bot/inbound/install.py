"""GET /slack/install and /slack/oauth_redirect: from "Add to Slack" to the saved workspace.

Bolt's own pages do not fit: they keep installations in plain files, and accept a state twice.
"""

import base64
import hashlib
import logging
import time
from html import escape
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bot.config.environment import Settings
from bot.core.fields import Secret
from bot.core.workspace import Installation
from bot.inbound.http import Rejected, RejectionLog
from bot.messages import install as pages
from bot.outbound.slack.oauth import SlackOAuth
from bot.outbound.store.errors import StoreError
from bot.outbound.store.install_states import InstallStates
from bot.outbound.store.workspaces import WorkspaceRows
from bot.runtime import log_incident

_log = logging.getLogger(__name__)

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
_COOKIE_MAX_AGE = 3600  # seconds; longer than the state, so that a late callback is reported as expired
_MAX_LENGTH = 500  # characters of a query parameter or cookie
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1.5rem;color:#1f2a44;"
    "background:#fff}h1{font-size:1.6rem;line-height:1.25}a{color:#0b5cad}p{overflow-wrap:anywhere}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every answer to a browser, also of redirects. https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP"""


def open_oauth(settings: Settings, session: aiohttp.ClientSession) -> SlackOAuth:
    """Return the OAuth client of the app that workspaces install."""
    return SlackOAuth(
        session,
        api_url=settings.slack_api_url,
        client_id=settings.slack_client_id.reveal(),
        client_secret=settings.slack_client_secret,
        redirect_uri=f"{settings.base_url}{REDIRECT_PATH}",
    )


class Install:
    """The two pages of a bot with the public URL `base_url`.

    Only the `allowed` teams can install the app, and those that have, but for no `allowed`: all. A team that cannot
    keeps no token of the app.
    """

    def __init__(
        self, oauth: SlackOAuth, states: InstallStates, rows: WorkspaceRows, allowed: frozenset[str], *, base_url: str
    ) -> None:
        self._oauth = oauth
        self._states = states
        self._rows = rows
        self._allowed = allowed
        self._rejections = RejectionLog()
        self._install_url = f"{base_url}{INSTALL_PATH}"
        self._is_https = urlsplit(base_url).scheme == "https"
        # browsers accept the prefix only from this host over https
        # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
        self._cookie = "__Host-anchor-install" if self._is_https else "anchor-install"

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return both routes. HEAD is not allowed, so that link checkers start no installation."""
        return (web.get(INSTALL_PATH, self.begin, allow_head=False), web.get(REDIRECT_PATH, self.end, allow_head=False))

    async def begin(self, _: web.Request) -> web.Response:
        """Redirect the browser to Slack, with a cookie that identifies it in the callback. Nothing is stored."""
        pending = self._states.begin(now=time.time())
        response = web.Response(status=302, headers=_HEADERS | {"Location": self._oauth.consent_url(pending.state)})
        response.set_cookie(
            self._cookie,
            pending.browser_nonce.reveal(),
            max_age=_COOKIE_MAX_AGE,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def end(self, request: web.Request) -> web.Response:
        """Complete the installation, and show the outcome, which is logged unless strangers can cause it."""
        state, code, error = (request.query.get(name, "")[:_MAX_LENGTH] for name in ("state", "code", "error"))
        nonce = request.cookies.get(self._cookie, "")[:_MAX_LENGTH]
        try:
            page = await self._complete(state, Secret(code), error, nonce)
        except StoreError as failure:
            _log.error("database error; installation not completed", extra={"why": str(failure)})
            page = pages.unavailable_page(pages.NO_DATABASE)
        except Exception as exception:  # noqa: BLE001 - every exception is reported to the person
            page = pages.unavailable_page(pages.broken(log_incident(exception)))
        if page == pages.BEGIN_AGAIN:
            self._rejections.record(Rejected(page.status, f"installation: {page.outcome}"))
        else:
            fields = {"outcome": page.outcome, "team": page.team_id, "why": page.why}
            _log.info("installation", extra={name: value for name, value in fields.items() if value})
        return self._respond(page)

    async def _complete(self, state: str, code: Secret, error: str, browser_nonce: str) -> pages.Page:
        """Save the installation, and return its page. The parameters are unchecked, "" for an absent one."""
        if not await self._states.end(state, browser_nonce, now=time.time()):
            return pages.BEGIN_AGAIN
        if error:
            is_denied = error == "access_denied"
            return pages.declined_page(pages.DENIED) if is_denied else pages.operator_page(error)
        if not code.reveal():
            return pages.BEGIN_AGAIN
        granted = await self._oauth.exchange(code)
        if not isinstance(granted, Installation):
            return granted
        team_id = granted.team_id
        if self._allowed and team_id not in self._allowed and not await self._rows.is_installed(team_id):
            await self._oauth.revoke(granted.bot_token)
            return pages.declined_page(pages.workspace_declined(team_id), team_id=team_id, again=False)
        has_key = await self._rows.save(granted)
        return pages.installed_page(team_id, granted.team_name, has_key=has_key)

    def _respond(self, page: pages.Page) -> web.Response:
        link = f'<p><a href="{escape(self._install_url)}">Begin again</a></p>' if page.again else ""
        lines = "".join(f"<p>{escape(line)}</p>" for line in page.lines)
        text = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
            f"<body><main><h1>{escape(page.title)}</h1>{lines}{link}</main></body></html>"
        )
        return web.Response(status=page.status, text=text, content_type="text/html", headers=_HEADERS)

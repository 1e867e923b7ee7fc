"""GET /slack/install and /slack/oauth_redirect: a browser on its way to Slack, and back.

Outside of Bolt, whose own pages keep installations in plain files and a state that can be used twice.
"""

import logging
from urllib.parse import urlsplit

from aiohttp import web

from bot.core.messages.install_pages import NOT_BEGUN, Page, broken_page, page_of
from bot.core.secret import Secret
from bot.inbound.html_page import HEADERS, html_response
from bot.inbound.incidents import log_incident
from bot.installer import Installer, WayBack
from bot.outbound.workspaces import StoreError

_log = logging.getLogger(__name__)

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
_COOKIE_LASTS = 3600  # seconds; longer than the state, so that who comes late is told that, and not something else
_LONGEST = 500  # characters of anything that Slack or a browser brings


class Install:
    """The two pages of a bot that browsers reach at `base_url`."""

    def __init__(self, installer: Installer, *, base_url: str) -> None:
        self._installer = installer
        self._again = f"{base_url}{INSTALL_PATH}"
        self._is_https = urlsplit(base_url).scheme == "https"
        # a cookie of that prefix can be set by this very host only, over https
        # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
        self._cookie = "__Host-anchor-install" if self._is_https else "anchor-install"

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Both. Only a GET begins or ends something: whoever looks whether a link is alive does not."""
        return (
            web.get(INSTALL_PATH, self.begin, allow_head=False),
            web.get(REDIRECT_PATH, self.end, allow_head=False),
        )

    async def begin(self, _: web.Request) -> web.Response:
        """Send the browser to Slack, with a cookie to know it by when it comes back."""
        try:
            url, browser = await self._installer.begin()
        except StoreError as error:
            _log.error("the database can't be used", extra={"why": str(error)})
            return self._show(NOT_BEGUN)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person gets a page
            return self._show(broken_page(log_incident(error)))
        response = web.Response(status=302, headers=HEADERS | {"Location": url})
        response.set_cookie(
            self._cookie,
            browser.reveal(),
            max_age=_COOKIE_LASTS,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def end(self, request: web.Request) -> web.Response:
        """Take the browser back from Slack, and say what came of it."""
        try:
            return self._show(page_of(await self._installer.end(self._way_back(request))))
        except Exception as error:  # noqa: BLE001 - likewise
            return self._show(broken_page(log_incident(error)))

    def _show(self, page: Page) -> web.Response:
        return html_response(page, again=self._again)

    def _way_back(self, request: web.Request) -> WayBack:
        given = {name: request.query.get(name, "")[:_LONGEST] for name in ("state", "code", "error")}
        browser = request.cookies.get(self._cookie, "")[:_LONGEST]
        return WayBack(given["state"], Secret(given["code"]), given["error"], Secret(browser))

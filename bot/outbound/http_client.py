"""The one HTTP client of the process: pooled, unlimited, without memory of cookies."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

import bot

CONNECT_TIMEOUT = 5.0
"""Seconds for the name look-up, TCP and TLS. Nothing has been sent when it runs out."""


def open_session() -> aiohttp.ClientSession:
    """The connection pool that httpx and slack_sdk share. Call it inside the running loop; close it at the end.

    Certificates are judged as httpx judges them: by certifi, or by SSL_CERT_FILE and SSL_CERT_DIR.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context()),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Content-Type"),
    )


def open_client(session: aiohttp.ClientSession) -> httpx.AsyncClient:
    """An httpx client over `session`. It sets no deadline but the one for connecting: callers bound each call.

    Cookies are refused on both floors, or those that Anchor sets for one workspace's key would go out with another's.
    """
    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session),
        headers={"user-agent": f"anchor-chatops/{bot.__version__}"},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        follow_redirects=False,
    )

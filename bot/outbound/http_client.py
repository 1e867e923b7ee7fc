"""The one HTTP client of the process: pooled, unlimited, without memory of cookies."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

import bot

CONNECT_TIMEOUT = 5.0
"""Seconds for the name look-up, TCP and TLS. Nothing has been sent when it runs out."""

NETWORK_ERRORS = (TimeoutError, OSError, httpx.HTTPError, aiohttp.ClientError)
"""What a call may raise for what the network or the other side does."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def never_sent(error: BaseException) -> bool:
    """Whether a call that ended in `error` certainly sent nothing.

    httpx-aiohttp 0.2 reports a refused connection, a failed name look-up, a reset and a stale connection alike as
    `ConnectTimeout`; only the cause, aiohttp's own exception, tells whether the request had left.
    """
    return isinstance(error, _NEVER_SENT) or isinstance(error.__cause__, _NEVER_SENT)


@cache
def _ssl_context() -> ssl.SSLContext:
    """The one SSL context of the process: loading the certificates takes longer than all else at startup.

    Certificates are verified as httpx verifies them: by certifi, or by SSL_CERT_FILE and SSL_CERT_DIR. Raises OSError.
    """
    return httpx.create_ssl_context()


def open_session() -> aiohttp.ClientSession:
    """The connection pool that httpx and slack_sdk share. Call it inside the running loop; close it at the end.

    Raises OSError if the certificates can't be read.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_ssl_context()),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Content-Type"),
    )


def open_client(session: aiohttp.ClientSession) -> httpx.AsyncClient:
    """An httpx client over `session`. It sets no deadline but the one for connecting: callers bound each call.

    Cookies are refused on both floors, or those that Anchor sets for one workspace's key would go out with another's.
    """
    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=_ssl_context(), client=session),
        headers={"user-agent": f"anchor-chatops/{bot.__version__}"},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        follow_redirects=False,
    )

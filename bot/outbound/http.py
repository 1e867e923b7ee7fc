"""HTTP requests to other systems: one client for all, and failures of the network by kind."""

import re
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport
from yarl import URL

import bot
from bot.core.fields import Proxy

CONNECT_TIMEOUT = 4.0  # seconds for DNS, TCP and TLS: less than any call, so that it is known that nothing was sent

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest body of an answer that is read whole: many times Slack's largest."""

NETWORK_ERRORS = (TimeoutError, OSError, httpx.HTTPError, aiohttp.ClientError)
"""The exceptions of a call that the network or the server causes."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def is_foreign(status_code: int, *, has_form: bool) -> bool:
    """Return whether an answer cannot be that of the API, as at a wrong URL: it is a 404, or no failure that can pass.

    `has_form` says that its body has the form of the API's. A gateway's failure says nothing about the URL.
    """
    is_failure = status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and status_code != HTTPStatus.NOT_IMPLEMENTED
    can_pass = is_failure or status_code == HTTPStatus.TOO_MANY_REQUESTS
    return status_code == HTTPStatus.NOT_FOUND or not (has_form or can_pass)


def never_sent(error: BaseException) -> bool:
    """Return whether a call that raised `error` certainly sent nothing.

    httpx-aiohttp 0.2 raises `ConnectTimeout` for refused, reset and stale connections; only its cause tells them apart.
    """
    return isinstance(error, _NEVER_SENT) or isinstance(error.__cause__, _NEVER_SENT)


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the SSL context of httpx (certifi, SSL_CERT_FILE, SSL_CERT_DIR), loaded once. Raises OSError."""
    return httpx.create_ssl_context()


class _Response(aiohttp.ClientResponse):
    """A response with a bounded body, and without its reason phrase: httpx-aiohttp 0.2 raises on one not in UTF-8."""

    async def start(self, connection: Connection) -> "_Response":
        await super().start(connection)
        self.reason = ""
        return self

    async def read(self) -> bytes:
        """Return the decoded body. slack_sdk reads it whole. Raises aiohttp.ClientPayloadError if it is too large."""
        if self._body is None:
            try:
                self._body = await self._read_within_limit()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _read_within_limit(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise aiohttp.ClientPayloadError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        return bytes(body)


def _requests_through(proxy: Proxy) -> type[aiohttp.ClientRequest]:
    """Return a class of requests that go through a proxy if it serves their host.

    So httpx, slack_sdk and the websockets need not know of it. aiohttp's `trust_env` would start a thread for each.
    """
    url = URL(proxy.url)
    headers = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}

    class ProxiedRequest(aiohttp.ClientRequest):
        def update_proxy(self, *_: object) -> None:
            is_served = self.is_ssl() and proxy.serves(self.url.host or "", self.url.port or 0)
            super().update_proxy(url if is_served else None, None, headers)

    return ProxiedRequest


def open_session(*traces: aiohttp.TraceConfig, proxy: Proxy | None = None) -> aiohttp.ClientSession:
    """Open the connection pool of httpx and slack_sdk, in the running loop.

    Raises OSError if the certificates cannot be read.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_ssl_context()),
        request_class=_requests_through(proxy) if proxy else aiohttp.ClientRequest,
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"anchor-chatops/{bot.__version__}"},
        skip_auto_headers=("Content-Type",),
        trace_configs=list(traces),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT),
    )


def transport_over(session: aiohttp.ClientSession) -> AiohttpTransport:
    """Return httpx's transport over `session`.

    It follows no redirects and keeps no cookies: Anchor's for one workspace's key must not be sent with another's.
    Without an httpx client around it a command takes less time.
    """
    return AiohttpTransport(verify=_ssl_context(), client=session)


def timeouts(connect: float = CONNECT_TIMEOUT) -> dict[str, Any]:
    """Return the `extensions` of a request: only connecting has a timeout, and callers bound each call."""
    return {"timeout": {"connect": connect, "pool": connect}}


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait (>= 0), or None if the header is absent or unreadable.

    A date is relative to the response's own Date header. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        delay = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, delay.total_seconds())

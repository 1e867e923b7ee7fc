"""HTTP requests to other systems: one client for all, failures of the network by kind, and single requests."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus

import aiohttp
import httpx
from aiohttp import StreamReader, hdrs
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage, StreamWriter
from cachetools import LRUCache
from multidict import CIMultiDict
from yarl import URL

import bot
from bot.core.fields import Proxy

CONNECT_TIMEOUT = 4.0  # seconds for DNS, TCP and TLS: less than any call, so that it is known that nothing was sent
# the timeout of a whole attempt at Anchor is ANCHOR_TIMEOUT, in config/settings.py

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest body of an answer that is read whole: many times Slack's largest."""

NETWORK_ERRORS = (TimeoutError, OSError, aiohttp.ClientError)
"""The exceptions of a call that the network or the server causes."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)

_USER_AGENT = f"anchor-chatops/{bot.__version__}"
_HEADERS = ("User-Agent", _USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate")
_MOST_ORIGINS = 100

_DATE_RESOLUTION = 1.0  # seconds, of the header `Date`

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def never_sent(error: BaseException) -> bool:
    """Return whether a call that raised `error` certainly sent nothing."""
    return isinstance(error, _NEVER_SENT)


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the SSL context of httpx (certifi, SSL_CERT_FILE, SSL_CERT_DIR), loaded once. Raises OSError."""
    return httpx.create_ssl_context()


class _Response(aiohttp.ClientResponse):
    async def read(self) -> bytes:
        """Return the decoded body. slack_sdk reads it whole. Raises aiohttp.ClientPayloadError if it is too large."""
        try:
            self._body = await read_body(self.content, MAX_BODY_BYTES)
        except BaseException:
            self.close()
            raise
        if len(self._body) > MAX_BODY_BYTES:
            self.close()
            raise aiohttp.ClientPayloadError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        return await super().read()


def _request_class(proxy: Proxy | None) -> type[aiohttp.ClientRequest]:
    """Return a class of requests that go through a proxy, if there is one, but for those of http URLs.

    So httpx, slack_sdk and the websockets need not know of it. aiohttp's `trust_env` would start a thread for each.
    """
    if proxy is None:
        return aiohttp.ClientRequest
    url = URL(proxy.url)
    headers = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}

    class ProxiedRequest(aiohttp.ClientRequest):
        def update_proxy(self, *_: object) -> None:
            super().update_proxy(url if self.is_ssl() else None, None, headers)

    return ProxiedRequest


def open_session(proxy: Proxy | None = None) -> aiohttp.ClientSession:
    """Open a connection pool of `Transport` or slack_sdk, in the running loop. Raises OSError without certificates."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_ssl_context()),
        request_class=_request_class(proxy),
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _USER_AGENT},
        skip_auto_headers=("Content-Type",),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT),
    )


class NotHttpError(aiohttp.ClientError):
    """The answer is not HTTP."""


@dataclass(eq=False, repr=False)
class Transport(httpx.AsyncBaseTransport):
    """httpx's transport over the connections of aiohttp. Stock httpx times out with 1,000 requests in flight.

    It follows no redirects and keeps no cookies: Anchor's for one workspace's key must not be sent with another's.
    A request of aiohttp, or an httpx client around it, would take twice as long.
    """

    session: aiohttp.ClientSession
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        self._origins: LRUCache[tuple[bytes, bytes], aiohttp.ClientRequest] = LRUCache(_MOST_ORIGINS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response. Raises NETWORK_ERRORS; callers bound each call.

        The bodies are streams, which `content_of` reads: with `content` httpx takes long to add headers to a request,
        which are added here, and to decode an answer, which aiohttp has decoded. The extension `target` is httpx's: the
        path and query in bytes, so that no URL has to be parsed. Others of a request are `connect_timeout` in seconds,
        and `max_bytes`, after which the content is cut off.
        https://www.python-httpx.org/advanced/extensions/#target
        """
        origin = self._origin(request.url)
        connection = await self._connect(origin, request.extensions.get("connect_timeout", CONNECT_TIMEOUT))
        try:
            message, payload = await _write(connection, request)
            content = await read_body(payload, request.extensions.get("max_bytes", MAX_BODY_BYTES))
        except HttpProcessingError as error:
            connection.close()
            raise NotHttpError(error.message) from error
        except BaseException:
            connection.close()
            raise
        finally:
            connection.release()  # which closes one whose body is not read
        return httpx.Response(message.code, headers=list(message.raw_headers), stream=httpx.ByteStream(content))

    def _origin(self, url: httpx.URL) -> aiohttp.ClientRequest:
        name = url.raw_scheme, url.netloc
        if (origin := self._origins.get(name)) is None:
            address, make = URL(f"{url.scheme}://{url.netloc.decode()}"), _request_class(self.proxy)
            origin = self._origins[name] = make(hdrs.METH_GET, address, session=self.session)
        return origin

    async def _connect(self, origin: aiohttp.ClientRequest, seconds: float) -> Connection:
        timeout = aiohttp.ClientTimeout(sock_connect=seconds, connect=seconds)
        assert self.session.connector is not None  # noqa: S101 - the session is open
        try:
            return await self.session.connector.connect(origin, [], timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {origin.url}") from error


async def _write(connection: Connection, request: httpx.Request) -> tuple[RawResponseMessage, StreamReader]:
    """Write a request, and return the head of the answer and its decoded body. Raises HttpProcessingError, too."""
    protocol = connection.protocol
    assert protocol is not None  # noqa: S101 - the connection is open
    protocol.set_response_params(read_until_eof=True)
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    target = request.extensions.get("target") or request.url.raw_path
    body, host = content_of(request), request.url.netloc.decode()
    length = () if request.method == hdrs.METH_GET else (("Content-Length", str(len(body))),)
    own = ((name.decode(), value.decode()) for name, value in request.headers.raw)
    headers = CIMultiDict((("Host", host), *_HEADERS, *length, *own))
    await writer.write_headers(f"{request.method} {target.decode()} HTTP/1.1", headers)
    await writer.write_eof(body)
    while True:
        message, payload = await protocol.read()
        if message.code >= HTTPStatus.OK:
            return message, payload


def content_of(message: httpx.Request | httpx.Response) -> bytes:
    """Return the body of a request or a response, which is decoded, whatever its headers say."""
    assert isinstance(message.stream, httpx.ByteStream)  # noqa: S101 - no other one is made
    return b"".join(message.stream)


async def read_body(payload: StreamReader, most: int) -> bytes:
    """Return a decoded body, or only its begin if it has more bytes. Raises NETWORK_ERRORS."""
    body = bytearray()
    async for chunk in payload.iter_any():
        body += chunk
        if len(body) > most:
            break
    return bytes(body)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait (>= 0), or None if the header is absent, unreadable or a date."""
    # https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    value = headers.get("retry-after", "").strip()
    return float(value) if _SECONDS.fullmatch(value) else None


def read_skew(date: str | None, *, began: float, ended: float) -> float | None:
    """Return by how many seconds a server's clock is ahead, by its `Date` header; None if that is unreadable.

    The clocks differ as far as the date lies outside of the request, which began and ended at these times (Unix
    seconds) of this machine.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    behind, ahead = began - theirs - _DATE_RESOLUTION, theirs - ended
    return ahead if ahead > 0 else -max(0.0, behind)

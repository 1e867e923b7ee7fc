"""HTTP requests to other systems: one client for all, and failures of the network by kind."""

import asyncio
import os
import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus

import aiohttp
import certifi
from aiohttp import StreamReader, connector, hdrs
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage, StreamWriter
from cachetools import LRUCache
from multidict import CIMultiDict
from yarl import URL

import bot
from bot.core.fields import Proxy

CONNECT_TIMEOUT = 4.0  # seconds for DNS, TCP and TLS: less than any call, so that it is known that nothing was sent

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest body of an answer that is read whole: many times Slack's largest."""

NETWORK_ERRORS = (TimeoutError, OSError, aiohttp.ClientError)
"""The exceptions of a call that the network or the server causes."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)

_USER_AGENT = f"anchor-chatops/{bot.__version__}"
_HEADERS = ("User-Agent", _USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate")
_MOST_ORIGINS = 100
_DETAILS_TIMEOUT = 1.0  # seconds for the body of a status that counts without it

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def is_foreign(status_code: int, *, has_form: bool) -> bool:
    """Return whether an answer cannot be that of the API, as at a wrong URL: it is a 404, or no failure that can pass.

    `has_form` says that its body has the form of the API's. A gateway's failure says nothing about the URL.
    """
    is_failure = status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and status_code != HTTPStatus.NOT_IMPLEMENTED
    can_pass = is_failure or status_code == HTTPStatus.TOO_MANY_REQUESTS
    return status_code == HTTPStatus.NOT_FOUND or not (has_form or can_pass)


def never_sent(error: BaseException) -> bool:
    """Return whether a call that raised `error` certainly sent nothing."""
    return isinstance(error, _NEVER_SENT)


# each session here has certificates of its own; those that aiohttp loads for others take 2 MB
connector._SSL_CONTEXT_VERIFIED = connector._SSL_CONTEXT_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # noqa: SLF001


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the certificates of SSL_CERT_FILE, of SSL_CERT_DIR, or else of certifi, loaded once. Raises OSError."""
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return ssl.create_default_context(cafile=file or (None if directory else certifi.where()), capath=directory)


class _Response(aiohttp.ClientResponse):
    async def read(self) -> bytes:
        """Return the decoded body. slack_sdk reads it whole. Raises aiohttp.ClientPayloadError if it is too large."""
        try:
            self._body = await read_body(self.content, MAX_BODY_BYTES)
        except BaseException:
            self.close()
            raise
        if self._body is None:
            self.close()
            raise aiohttp.ClientPayloadError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        return await super().read()


def _request_class(proxy: Proxy | None) -> type[aiohttp.ClientRequest]:
    """Return a class of requests that go through a proxy, if there is one and it serves their host.

    So slack_sdk and the websockets need not know of it. aiohttp's `trust_env` would start a thread for each.
    """
    if proxy is None:
        return aiohttp.ClientRequest
    url = URL(proxy.url)
    headers = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}

    serves = proxy.serves

    class ProxiedRequest(aiohttp.ClientRequest):
        def update_proxy(self, *_: object) -> None:
            is_served = self.is_ssl() and serves(self.url.host or "", self.url.port or 0)
            super().update_proxy(url if is_served else None, None, headers)

    return ProxiedRequest


def open_session(*traces: aiohttp.TraceConfig, proxy: Proxy | None = None) -> aiohttp.ClientSession:
    """Open a connection pool of `HttpClient` or slack_sdk, in the running loop. Raises OSError without certificates."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_ssl_context()),
        request_class=_request_class(proxy),
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _USER_AGENT},
        skip_auto_headers=("Content-Type",),
        trace_configs=list(traces),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT),
    )


@dataclass(frozen=True, slots=True)
class Request:
    """A request to `origin`, a URL without a path, for `target`, a path and query.

    A status of `bodiless` counts without the body of the answer: one that fails, or takes over a second, is empty.
    """

    method: str
    origin: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    _: KW_ONLY
    max_bytes: int = MAX_BODY_BYTES
    bodiless: Collection[int] = ()
    connect_timeout: float = CONNECT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; names of `headers` count in any case, and the decoded `body` is None if it is too large."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class NotHttpError(aiohttp.ClientError):
    """The answer is not HTTP."""


@dataclass(eq=False)
class HttpClient:
    """Requests over the connections of aiohttp; those of aiohttp itself take half as much again.

    It follows no redirects and keeps no cookies: Anchor's for one workspace's key must not be sent with another's.
    """

    session: aiohttp.ClientSession
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        self._origins: LRUCache[str, aiohttp.ClientRequest] = LRUCache(_MOST_ORIGINS)

    async def send(self, request: Request) -> Response:
        """Send a request, and return the answer. Raises NETWORK_ERRORS; callers bound each call."""
        try:
            return await self._exchange(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if request.method != hdrs.METH_GET:
                raise
            return await self._exchange(request)  # the server had closed the connection that was used again

    async def _exchange(self, request: Request) -> Response:
        origin = self._origin(request.origin)
        connection = await self._connect(origin, request.connect_timeout)
        try:
            message, payload = await _write(connection, origin, request)
            return Response(message.code, message.headers, await _read(payload, message.code, request))
        except HttpProcessingError as error:
            connection.close()
            raise NotHttpError(error.message) from error
        except BaseException:
            connection.close()
            raise
        finally:
            connection.release()  # which closes one whose body is not read

    def _origin(self, url: str) -> aiohttp.ClientRequest:
        if (origin := self._origins.get(url)) is None:
            make = _request_class(self.proxy)
            origin = self._origins[url] = make(hdrs.METH_GET, URL(url), session=self.session)
        return origin

    async def _connect(self, origin: aiohttp.ClientRequest, seconds: float) -> Connection:
        timeout = aiohttp.ClientTimeout(sock_connect=seconds, connect=seconds)
        assert self.session.connector is not None  # noqa: S101 - the session is open
        try:
            return await self.session.connector.connect(origin, [], timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {origin.url}") from error


async def _write(
    connection: Connection, origin: aiohttp.ClientRequest, request: Request
) -> tuple[RawResponseMessage, StreamReader]:
    """Write a request, and return the head of the answer and its decoded body. Raises HttpProcessingError, too."""
    protocol = connection.protocol
    assert protocol is not None  # noqa: S101 - the connection is open
    protocol.set_response_params(read_until_eof=True)
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    length = () if request.method == hdrs.METH_GET else (("Content-Length", str(len(request.body))),)
    headers = CIMultiDict((("Host", origin.headers["Host"]), *_HEADERS, *length, *request.headers.items()))
    await writer.write_headers(f"{request.method} {request.target} HTTP/1.1", headers)
    await writer.write_eof(request.body)
    while True:
        message, payload = await protocol.read()
        if message.code >= HTTPStatus.OK:
            return message, payload


async def _read(payload: StreamReader, status: int, request: Request) -> bytes | None:
    if status not in request.bodiless:
        return await read_body(payload, request.max_bytes)
    try:
        async with asyncio.timeout(_DETAILS_TIMEOUT):
            return await read_body(payload, request.max_bytes)
    except NETWORK_ERRORS:
        return b""


async def read_body(payload: StreamReader, max_bytes: int) -> bytes | None:
    """Return a decoded body; None if it is larger. Raises NETWORK_ERRORS."""
    body = bytearray()
    async for chunk in payload.iter_any():
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


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

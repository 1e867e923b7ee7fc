"""Send one request over the bot's HTTP stack, and tell at which step it failed."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum

import aiohttp
from yarl import URL

from bot.outbound.http import NETWORK_ERRORS
from bot.outbound.slack.clock import read_skew

_TIMEOUT = 5.0  # seconds, as for a call of Slack's Web API
_MAX_BODY_BYTES = 64 * 1024


class Step(Enum):
    """The step at which a request failed."""

    PROXY = "proxy"
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    WAIT = "wait"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Reached:
    """A response; `skew` is the seconds by which the server's clock is ahead, None if it did not say."""

    status: int
    body: bytes
    skew: float | None


@dataclass(frozen=True, slots=True)
class NotReached:
    """There was no response; `why` is the system's or the library's word for it, without secrets."""

    step: Step
    why: str


async def send(
    session: aiohttp.ClientSession,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reached | NotReached:
    """Send a request within 5 s, without following redirects. Raises no network errors."""
    try:
        request = session.request(method, URL(url), headers=headers, data=body, allow_redirects=False)
        return await asyncio.wait_for(_exchange(request), _TIMEOUT)
    except NETWORK_ERRORS as error:
        step = Step.PROXY if _is_of_proxy(error, URL(url).host) else _step_of(error)
        return NotReached(step, _why(error))


async def _exchange(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Reached:
    """Send a request, and read its response. Raises NETWORK_ERRORS."""
    began = time.time()
    async with request as response:
        skew = read_skew(response.headers.get("Date"), began=began, ended=time.time())
        return Reached(response.status, await response.content.read(_MAX_BODY_BYTES), skew)


def _is_of_proxy(error: Exception, host: str | None) -> bool:
    """Return whether the proxy failed; with one, only its own name is resolved."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.host != host
    return isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError)


def _step_of(error: Exception) -> Step:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Step.RESOLVE
        case aiohttp.ClientSSLError():
            return Step.TLS
        case TimeoutError():
            return Step.WAIT
        case aiohttp.ClientConnectorError():
            return Step.CONNECT
    return Step.READ


def _why(error: Exception) -> str:
    """Return the system's sentence; the text of other errors can contain values."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"HTTP {error.status}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or type(error).__name__

"""Send one request over the bot's HTTP stack, and find out at which step it failed."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.messages.checks import Finding, Unanswered
from bot.outbound.http import NETWORK_ERRORS
from bot.outbound.slack.client import read_skew

_TIMEOUT = 5.0  # seconds, as for a call of Slack's Web API
_MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reached:
    """A response; `skew` is the seconds by which the server's clock is ahead, None if it did not say."""

    status: int
    body: bytes
    skew: float | None


async def send(
    session: aiohttp.ClientSession,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reached | Finding:
    """Send a request within 5 s, without following redirects. Raises no network errors: they are findings."""
    try:
        request = session.request(method, URL(url), headers=headers, data=body, allow_redirects=False)
        return await asyncio.wait_for(_exchange(request), _TIMEOUT)
    except NETWORK_ERRORS as error:
        kind = Unanswered.CERTIFICATE_REFUSED if isinstance(error, aiohttp.ClientSSLError) else Unanswered.NOT_REACHED
        kind = Unanswered.PROXY_FAILED if _is_of_proxy(error, URL(url).host) else kind
        return Finding(kind, {"host": urlsplit(url).netloc, "why": _why(error)})


async def _exchange(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Reached:
    began = time.time()
    async with request as response:
        skew = read_skew(response.headers.get("Date"), began=began, ended=time.time())
        return Reached(response.status, await response.content.read(_MAX_BODY_BYTES), skew)


def _is_of_proxy(error: Exception, host: str | None) -> bool:
    """Return whether the proxy failed; with one, only its own name is resolved."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.host != host
    return isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError)


def _why(error: Exception) -> str:
    """Return the system's sentence or the library's word; the text of other errors can contain values."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"HTTP {error.status}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or type(error).__name__

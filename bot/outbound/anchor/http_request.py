"""Send one request to Anchor's API, and read its answer."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable

import httpx

from bot import request_id
from bot.core.secret import Secret
from bot.outbound.http_client import CONNECT_TIMEOUT, NETWORK_ERRORS, calling_when_sent, timeouts

_log = logging.getLogger(__name__)

_CLEAR_BY_STATUS = frozenset({401, 403, 429, 502, 503, 504})
_DETAILS_TIMEOUT = 1.0  # seconds for the body of a status that is clear by itself
_CONNECT_SHARE = 0.9  # of an attempt's time, so that a failed connection is told apart from a lost response


class AnchorHttp:
    """Anchor's API at `base_url`. https://docs.anchorbrowser.io/api-reference."""

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: str) -> None:
        self._transport = transport
        self._base_url = base_url.rstrip("/")

    async def request(  # noqa: PLR0913 - a request
        self,
        method: str,
        path: str,
        key: Secret,
        *,
        within: float,
        max_bytes: int,
        on_sent: Callable[[], None] | None = None,
    ) -> tuple[httpx.Response, bytes]:
        """Return the response and its body, without the key, and b"" for a larger one. Raises NETWORK_ERRORS.

        `within` is in seconds. `on_sent` is called once the request is written to its connection.
        """
        connect, began, status = min(CONNECT_TIMEOUT, within * _CONNECT_SHARE), time.monotonic(), 0
        headers = {"anchor-api-key": key.reveal(), "x-request-id": request_id.current() or request_id.new_id()}
        request = httpx.Request(method, self._base_url + path, headers=headers, extensions=timeouts(connect))
        try:
            async with asyncio.timeout(within):
                with calling_when_sent(on_sent):
                    response = await self._transport.handle_async_request(request)
                status = response.status_code
                async with contextlib.aclosing(response):
                    return response, _without(key, await _read_body(response, max_bytes))
        finally:
            fields = {"call": f"{method} {path.partition('?')[0]}", "status": status or "none"}
            _log.debug("attempt at Anchor", extra=fields | {"ms": round((time.monotonic() - began) * 1000)})


def _without(key: Secret, body: bytes) -> bytes:
    """Redact the key in a body, because Anchor's messages are posted to the channel."""
    plain = key.reveal()
    for encoded in {plain, json.dumps(plain)[1:-1], plain.replace("/", "\\/")}:
        body = body.replace(encoded.encode(), b"(key)")
    return body


async def _read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """Return the body, or b"" if it is too large, or if it fails and the status is clear without it."""
    is_clear, body = response.status_code in _CLEAR_BY_STATUS, bytearray()
    try:
        async with asyncio.timeout(_DETAILS_TIMEOUT if is_clear else None):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    return b""
    except NETWORK_ERRORS:
        if not is_clear:
            raise
        return b""
    return bytes(body)

"""Read the body of a request, within limits of size and time."""

import asyncio

from aiohttp import web

from bot.inbound.rejections import Rejected

_MAX_BYTES = 1024 * 1024
_TIMEOUT = 5.0  # seconds; Slack itself waits 3 for the whole answer


async def read_body(request: web.Request) -> bytes | Rejected:
    """Return the raw body, or the reason to reject the request."""
    if "Content-Encoding" in request.headers:
        return Rejected(415, "Send the body without Content-Encoding.")
    try:
        async with asyncio.timeout(_TIMEOUT):
            body = await _read_within_size(request)
    except (ConnectionError, web.RequestPayloadError):
        return Rejected(400, "The body is incomplete, or its framing is wrong.")
    except TimeoutError:
        return Rejected(408, f"The body did not arrive within {_TIMEOUT:g} s.")
    return Rejected(413, f"The body is larger than {_MAX_BYTES} bytes.") if body is None else body


async def _read_within_size(request: web.Request) -> bytes | None:
    """Return the body, or None as soon as it is too large."""
    if (request.content_length or 0) > _MAX_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            return None
    return bytes(body)

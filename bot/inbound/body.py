"""Read the body of a request, within limits of size and time."""

import asyncio

from aiohttp import web

from bot.inbound.door import Rejected

_LARGEST_BODY = 1024 * 1024
_SLOWEST_BODY = 5.0  # seconds; Slack itself waits 3 for the whole answer


async def read_body(request: web.Request) -> bytes | Rejected:
    """The raw body, or why it can't be had."""
    if "Content-Encoding" in request.headers:
        return Rejected(415, "Send the body without Content-Encoding.")
    try:
        async with asyncio.timeout(_SLOWEST_BODY):
            body = await _read_within_size(request)
    except (ConnectionError, web.RequestPayloadError):
        return Rejected(400, "The body broke off, or its framing is wrong.")
    except TimeoutError:
        return Rejected(408, f"The body did not arrive within {_SLOWEST_BODY:g} s.")
    return Rejected(413, f"The body is larger than {_LARGEST_BODY} bytes.") if body is None else body


async def _read_within_size(request: web.Request) -> bytes | None:
    """The body, or None as soon as it is known to be too large."""
    if (request.content_length or 0) > _LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return None
    return bytes(body)


def turn_away(rejected: Rejected) -> web.Response:
    """The answer to a request whose body, or the rest of it, is not wanted."""
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()
    return response

"""Read the bodies of requests within limits; answer rejected requests, and log them without their content."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

_log = logging.getLogger(__name__)

LOG_INTERVAL = 10.0
MAX_BYTES = 1024 * 1024
_TIMEOUT = 5.0  # seconds for the body; Slack itself waits 3 for the whole answer


@dataclass(frozen=True, slots=True)
class Rejected:
    """The HTTP status and the reason of a rejection."""

    status: int
    why: str


class RejectionLog:
    """Counter of rejections that logs at most one line per 10 s and HTTP status: strangers cannot fill the log.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unlogged: Counter[int] = Counter()
        self._next_line_at: dict[int, float] = {}

    def record(self, rejected: Rejected) -> None:
        """Count a rejection, and log the count if the last line of this status is old enough."""
        self._unlogged[rejected.status] += 1
        now = self._clock()
        if now < self._next_line_at.get(rejected.status, now):
            return
        self._next_line_at[rejected.status] = now + LOG_INTERVAL
        fields = {"status": rejected.status, "why": rejected.why, "count": self._unlogged.pop(rejected.status)}
        _log.warning("requests rejected", extra=fields)


def error_response(rejected: Rejected) -> web.Response:
    """Return the answer to a rejected request. It closes the connection: the body may be unread.

    A 200 has no body: Slack could show it.
    """
    if rejected.status == HTTPStatus.OK:
        return web.Response()
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()
    return response


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
    return Rejected(413, f"The body is larger than {MAX_BYTES} bytes.") if body is None else body


async def _read_within_size(request: web.Request) -> bytes | None:
    """Return the body, or None as soon as it is too large."""
    if (request.content_length or 0) > MAX_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)

"""Requests that are rejected, and bodies that are read within limits."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

_log = logging.getLogger(__name__)

LOG_INTERVAL = 10.0

LARGEST_BODY = 1024 * 1024
BODIES_CAPACITY = 32 * 1024 * 1024
_TIMEOUT = 5.0  # seconds; Slack itself waits 3 for the whole answer


@dataclass(frozen=True, slots=True)
class Rejected:
    """The HTTP status and the reason of a rejection."""

    status: int
    why: str


class RejectionLog:
    """Counter of rejections that logs at most one line per 10 s and HTTP status: strangers cannot fill the log."""

    def __init__(self) -> None:
        self._unlogged: Counter[int] = Counter()
        self._next_line_at: dict[int, float] = {}

    def record(self, rejected: Rejected) -> None:
        """Count a rejection, and log the count if the last line of this status is old enough."""
        self._unlogged[rejected.status] += 1
        now = time.monotonic()
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


_INCOMPLETE = Rejected(400, "The body is incomplete, or its framing is wrong.")
_TOO_SLOW = Rejected(408, f"The body did not arrive within {_TIMEOUT:g} s.")
_DROPPED = Rejected(408, "The body took longer than others, and these needed the memory. Send it again.")
_ENCODED = Rejected(415, "Send the body without Content-Encoding.")


class Bodies:
    """Bodies that are being read. Together they take at most `capacity` bytes: beyond that, the oldest are dropped.

    Slack's bodies arrive within milliseconds, so a flood of slow ones drops itself.
    """

    def __init__(self, *, largest: int = LARGEST_BODY, capacity: int = BODIES_CAPACITY) -> None:
        self._largest = largest
        self._capacity = capacity
        self._reading: OrderedDict[asyncio.Timeout, bytearray] = OrderedDict()
        self._size = 0

    async def read(self, request: web.Request) -> bytes | Rejected:
        """Return the raw body, or the reason to reject the request."""
        if "Content-Encoding" in request.headers:
            return _ENCODED
        if (request.content_length or 0) > self._largest:
            return self._too_large()
        limit, body = asyncio.timeout(_TIMEOUT), bytearray()
        try:
            if request.content.is_eof():  # it came with the header
                whole = request.content.read_nowait()
                return whole if len(whole) <= self._largest else self._too_large()
            self._reading[limit] = body
            async with limit:
                return await self._receive(request, limit, body)
        except (ConnectionError, web.RequestPayloadError) as error:
            error.__traceback__ = None  # its frames have the body, and the body's stream has the exception
            return _INCOMPLETE
        except TimeoutError:
            return _TOO_SLOW if limit in self._reading else _DROPPED
        finally:
            self._reading.pop(limit, None)
            self._size -= len(body)

    async def _receive(self, request: web.Request, limit: asyncio.Timeout, body: bytearray) -> bytes | Rejected:
        async for chunk in request.content.iter_any():
            if limit not in self._reading:
                break
            body += chunk
            self._size += len(chunk)
            if len(body) > self._largest:
                return self._too_large()
            while self._size > self._capacity:
                self._drop_oldest()
        return bytes(body) if limit in self._reading else _DROPPED

    def _drop_oldest(self) -> None:
        limit, body = self._reading.popitem(last=False)
        self._size -= len(body)
        body.clear()
        if not limit.expired():
            limit.reschedule(0.0)

    def _too_large(self) -> Rejected:
        return Rejected(413, f"The body is larger than {self._largest} bytes.")

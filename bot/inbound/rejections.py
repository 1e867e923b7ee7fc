"""Requests that are rejected, and bodies that are read within limits."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from bot.core.fairness import Tally

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
    """Return the answer, which closes the connection: the body may be unread. A 200 has none: Slack could show it."""
    if rejected.status == HTTPStatus.OK:
        return web.Response()
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()
    return response


_INCOMPLETE = Rejected(400, "The body is incomplete, or its framing is wrong.")
_TOO_SLOW = Rejected(408, f"The body took over {_TIMEOUT:g} s, or others needed the memory. Send it again.")
_ENCODED = Rejected(415, "Send the body without Content-Encoding.")


@dataclass(eq=False, slots=True)
class _Held:
    sender: Hashable
    drop: Callable[[], object]
    size: int = 0


class Bodies:
    """Bodies that are being read, or wait. Together they take at most `capacity` bytes, those of a sender `most_each`.

    Beyond that, the oldest of the sender with the most are dropped. Slack's bodies arrive within milliseconds, so a
    flood of slow ones drops itself.
    """

    def __init__(
        self, *, largest: int = LARGEST_BODY, capacity: int = BODIES_CAPACITY, most_each: int = BODIES_CAPACITY
    ) -> None:
        self._largest, self._capacity, self._most_each = largest, capacity, most_each
        self._held: OrderedDict[_Held, None] = OrderedDict()
        self._sizes: Tally[Hashable] = Tally()

    async def read(self, request: web.Request, sender: Hashable = None) -> bytes | Rejected:
        """Return the raw body, or the reason to reject the request."""
        if "Content-Encoding" in request.headers:
            return _ENCODED
        if (request.content_length or 0) > self._largest:
            return self._too_large()
        limit, body = asyncio.timeout(_TIMEOUT), bytearray()

        def drop() -> None:
            body.clear()
            if not limit.expired():
                limit.reschedule(0.0)

        try:
            if request.content.is_eof():  # it came with the header
                whole = request.content.read_nowait()
                return whole if len(whole) <= self._largest else self._too_large()
            with self.hold(sender, drop) as held:
                async with limit:
                    return await self._receive(request, held, body)
        except (ConnectionError, web.RequestPayloadError) as error:
            error.__traceback__ = None  # its frames have the body, and the body's stream has the exception
            return _INCOMPLETE
        except TimeoutError:
            return _TOO_SLOW

    async def _receive(self, request: web.Request, held: _Held, body: bytearray) -> bytes | Rejected:
        async for chunk in request.content.iter_any():
            if held not in self._held:
                break
            body += chunk
            if len(body) > self._largest:
                return self._too_large()
            self._grow(held, len(chunk))
        return bytes(body) if held in self._held else _TOO_SLOW

    @contextmanager
    def hold(self, sender: Hashable, drop: Callable[[], object], size: int = 0) -> Iterator[_Held]:
        """Count a body in the block, and call `drop` once if others need its memory."""
        held = _Held(sender, drop)
        self._held[held] = None
        try:
            self._grow(held, size)
            yield held
        finally:
            self._release(held)

    def _grow(self, held: _Held, number: int) -> None:
        held.size += number
        self._sizes.add(held.sender, number)
        while self._sizes[held.sender] > self._most_each:
            self._drop_oldest(held.sender)
        while self._sizes.total > self._capacity:
            self._drop_oldest(self._sizes.largest())

    def _drop_oldest(self, sender: Hashable) -> None:
        held = next(one for one in self._held if one.sender == sender)
        self._release(held)
        held.drop()

    def _release(self, held: _Held) -> None:
        if held in self._held:
            del self._held[held]
            self._sizes.remove(held.sender, held.size)

    def _too_large(self) -> Rejected:
        return Rejected(413, f"The body is larger than {self._largest} bytes.")

"""The HTTP server: connections, the address, rejections, and bodies within limits."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web, web_response

from bot.config.settings import http_url
from bot.core.fairness import Tally
from bot.runtime import begin_request

_log = logging.getLogger(__name__)

HEADER_TIMEOUT = 10.0  # seconds
LOG_INTERVAL = 10.0  # seconds between two lines about rejections with the same status

LARGEST_BODY = 1024 * 1024
BODIES_CAPACITY = 32 * 1024 * 1024
_BODY_TIMEOUT = 5.0  # seconds; Slack itself waits 3 for the whole answer
_CLOSE_TIMEOUT = 1.0  # seconds at shutdown for closing connections

LARGEST_UNSIGNED = 1024
"""The most bytes that are read of a request that cannot be Slack's, but for a check of the certificate."""

UNSIGNED_CAPACITY = 1024 * 1024  # the part of the memory for bodies that such requests have

web_response.SERVER_SOFTWARE = "anchor-bot"  # type: ignore[attr-defined] # strangers see no version


class HttpConnection(web.RequestHandler):
    """A connection that is closed if no complete header arrives in time, counted from its first byte or its opening."""

    __slots__ = ("_deadline", "_is_broken", "_loop_of_deadline", "_requests")

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:  # noqa: ANN401
        super().__init__(server, loop=loop, **options)
        self._loop_of_deadline = loop
        self._deadline: asyncio.TimerHandle | None = None
        self._requests = 0
        self._is_broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._wait_for_header()

    def data_received(self, data: bytes) -> None:
        """Begin to wait for the rest of a header, unless the bytes are of a body."""
        if self._is_broken:
            return  # aiohttp would make an error of each piece
        super().data_received(data)
        for message, _ in self._messages:
            if isinstance(error := getattr(message, "exc", None), Exception):
                error.__traceback__ = None  # its frames have the data, and the error
                self._is_broken = True
        if not self._requests and self._deadline is None:
            self._wait_for_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def begin_request(self) -> None:
        """Note that a header is complete."""
        self._requests += 1
        self._stop_waiting()

    def end_request(self) -> None:
        """Note that a request is answered."""
        self._requests -= 1

    def _wait_for_header(self) -> None:
        self._deadline = self._loop_of_deadline.call_later(HEADER_TIMEOUT, self.force_close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


async def _track_request(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], request: web.BaseRequest
) -> web.StreamResponse:
    begin_request()
    connection = request.protocol
    assert isinstance(connection, HttpConnection)  # noqa: S101 - for the type checker
    connection.begin_request()
    try:
        return await handler(request)
    except web.HTTPException as error:
        error.__traceback__ = None  # its frames have the request, and the request's route has the error
        return web.Response(status=error.status, body=error.body, headers=error.headers)
    finally:
        connection.end_request()


class NotListeningError(Exception):
    """The bot cannot listen on the address and port; the text says why."""


@asynccontextmanager
async def listening(
    application: web.Application, host: str, port: int, *, setting: str = "PORT", message: str = "listening"
) -> AsyncIterator[str]:
    """Serve an application in the block, and yield its URL; `setting` is the port's. Raises NotListeningError."""
    runner = web.AppRunner(application, shutdown_timeout=_CLOSE_TIMEOUT)
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - `setup` has made it
    runner.server.request_handler = partial(_track_request, runner.server.request_handler)
    connect = partial(
        HttpConnection,
        runner.server,
        loop=asyncio.get_running_loop(),
        access_log=None,
        read_bufsize=16 * 1024,  # what waits of a body that nobody reads yet
        auto_decompress=False,  # the bot refuses compressed bodies
        keepalive_timeout=75.0,
        lingering_time=1.0,  # seconds to read the rest of a refused body
    )
    try:
        server = await _listen(connect, host, port, setting)
        try:
            url = http_url(*server.sockets[0].getsockname()[:2])
            _log.info(message, extra={"url": url})
            yield url
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listen(connect: Callable[[], asyncio.Protocol], host: str, port: int, setting: str) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(connect, host, port, backlog=4096)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        names = f"{setting.replace('PORT', 'HOST')} and {setting}"
        raise NotListeningError(f"{names} ({host}:{port}) can't be listened on: {why}.") from None


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
    """Return the answer, which closes the connection: the body may be unread."""
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()
    return response


_INCOMPLETE = Rejected(400, "The body is incomplete, or its framing is wrong.")
_TOO_SLOW = Rejected(408, f"The body took over {_BODY_TIMEOUT:g} s, or others needed the memory. Send it again.")
_ENCODED = Rejected(415, "Send the body without Content-Encoding.")


@dataclass(slots=True, eq=False, repr=False)
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
        limit, body = asyncio.timeout(_BODY_TIMEOUT), bytearray()

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

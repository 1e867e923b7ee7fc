"""One connection to the HTTP server: a time limit for headers, which aiohttp lacks, and no `Server` header."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from bot import request_id

HEADER_TIMEOUT = 10.0  # seconds


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
        self._look_for_errors()
        if not self._requests and self._deadline is None:
            self._wait_for_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_error(self, *details: Any, **named: Any) -> web.StreamResponse:  # noqa: ANN401 - aiohttp's
        """Return the response to a request that is not HTTP; `prepare_response` is not called for it."""
        response = super().handle_error(*details, **named)
        anonymous = _AnonymousResponse(status=response.status, text=f"{response.status}: {response.reason}")
        anonymous.force_close()
        return anonymous

    def begin_request(self) -> None:
        """Note that a header is complete."""
        self._requests += 1
        self._stop_waiting()

    def end_request(self) -> None:
        """Note that a request is answered."""
        self._requests -= 1

    def _look_for_errors(self) -> None:
        """Cut the traceback of an error off: its frames have the data, and the error. Nothing is read after it."""
        for message, _ in self._messages:
            if isinstance(error := getattr(message, "exc", None), Exception):
                error.__traceback__ = None
                self._is_broken = True

    def _wait_for_header(self) -> None:
        self._deadline = self._loop_of_deadline.call_later(HEADER_TIMEOUT, self.force_close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _AnonymousResponse(web.Response):
    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        del self.headers[hdrs.SERVER]


@web.middleware
async def track_request(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Tell the connection of a request when its header is complete, and when it is answered; give the request an id."""
    request_id.begin()
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


async def prepare_response(_: web.Request, response: web.StreamResponse) -> None:
    """Remove the name and version of the server."""
    response.headers.popall(hdrs.SERVER, None)

"""An HTTP server on 127.0.0.1 that stops at once, however many of its requests hang."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Self, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.sim.faults import reset

_BACKLOG = 4096  # a thousand clients may connect in the same instant
_GRACE = 0.05  # seconds that aiohttp may spend on closing a connection


def free_port() -> int:
    """Return a port that is free now, for a server whose URL is needed before it listens.

    Those begin at 32768 (Linux) or above.
    """
    while True:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class LocalServer:
    """Serves `routes` while started. A `port` of 0 is chosen once. Stopped, it keeps its port until `release_port`.

    `resets` is called at every new connection and every arrival of bytes: True resets the connection unread.
    The `headers` of the moment are added to every answer.
    """

    def __init__(
        self,
        routes: Iterable[web.RouteDef],
        *,
        resets: Callable[[], bool] = lambda: False,
        headers: Callable[[], Mapping[str, str]] = dict,
        port: int = 0,
    ) -> None:
        self.port = port
        self._routes = list(routes)
        self._resets = resets
        self._headers = headers
        self._handling: set[asyncio.Task[object]] = set()
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._reserved: socket.socket | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self.release_port()

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_listening(self) -> bool:
        """Whether connections are accepted."""
        return self._listening is not None

    async def start(self) -> None:
        """Listen, at the same port each time. Raises OSError if it can't be had."""
        app = web.Application(middlewares=[self._track])
        app.add_routes(self._routes)
        app.on_response_prepare.append(self._add_headers)
        self._runner = runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await runner.setup()
        protocol = cast("web.Server", runner.server)  # made by setup()
        loop = asyncio.get_running_loop()
        try:
            bound, self._reserved = self._reserved or _bind(self.port), None
        except OSError:
            await runner.cleanup()
            raise
        _set_shared(bound, 1)
        self.port = bound.getsockname()[1]
        self._listening = await loop.create_server(
            lambda: _FaultProtocol(protocol(), self._resets), sock=bound, backlog=_BACKLOG
        )

    async def stop(self) -> None:
        """Refuse connections, drop the open ones and cancel what still hangs; the port stays reserved."""
        listening, runner = self._listening, self._runner
        self._listening = self._runner = None
        if listening is None or runner is None:
            return
        listening.close()
        self._reserved = _bind(self.port)
        _set_shared(self._reserved, 0)
        for task in self._handling:
            task.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)
        await runner.cleanup()
        await listening.wait_closed()

    def release_port(self) -> None:
        """Let others have the port of a stopped server."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    @web.middleware
    async def _track(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._handling.add(task)
        try:
            return await handler(request)
        finally:
            self._handling.discard(task)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers())


def _bind(port: int) -> socket.socket:
    """Return a socket that is bound to a port. It refuses connections until it listens."""
    bound = socket.socket()
    _set_shared(bound, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _set_shared(bound: socket.socket, value: int) -> None:
    """Set SO_REUSEADDR: 1 to bind or listen despite connections in TIME_WAIT, 0 to keep others from the port."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, value)


def black_hole(transport: asyncio.BaseTransport) -> None:
    """Turn a connection of a LocalServer into a black hole: bytes are accepted, but never reach the application."""
    cast("_FaultProtocol", transport.get_protocol()).is_black_hole = True


class _FaultProtocol(asyncio.Protocol):
    """Wraps aiohttp's protocol, and resets connections when `resets` says so."""

    def __init__(self, inner: asyncio.Protocol, resets: Callable[[], bool]) -> None:
        self._inner = inner
        self._resets = resets
        self._transport: asyncio.BaseTransport | None = None
        self.is_black_hole = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._resets():
            reset(transport)
            return
        self._transport = transport
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._resets():
            reset(self._transport)
        elif not self.is_black_hole:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

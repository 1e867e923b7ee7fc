"""Server of the simulated services: answers each request after a delay, without losing a moment."""

import asyncio
from collections.abc import Callable
from typing import cast

from bench.http_messages import HttpMessage, HttpReader

Answer = tuple[float, bytes]
"""The seconds after which to answer, and the bytes of the response."""

Handler = Callable[[HttpMessage, "ServerConnection"], Answer | None]
"""None: the handler has taken the connection over."""

_BACKLOG = 4096


class ServerConnection(asyncio.Protocol):
    """A connection to a simulated service."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._reader = HttpReader()
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.receive: Callable[[bytes], None] | None = None
        """Set by a handler that takes the connection over: the receiver of all further bytes."""

        self.on_lost: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the connection."""
        self._server.connections.discard(self)
        self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Answer the complete requests."""
        if self.receive is not None:
            self.receive(data)
            return
        for message in self._reader.feed(data):
            answer = self._server.handler(message, self)
            if answer is None:
                continue
            delay, response = answer
            if delay:
                self._loop.call_later(delay, self._write, response)
            else:
                self._write(response)

    def _write(self, response: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(response)


class Server:
    """A server on a free port of 127.0.0.1."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[ServerConnection] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: ServerConnection(self), "127.0.0.1", 0, backlog=_BACKLOG)
        self.port = server.sockets[0].getsockname()[1]

    def close_connections(self) -> None:
        """Close every connection, as a server does with those that were idle for long."""
        for connection in list(self.connections):
            connection.transport.close()

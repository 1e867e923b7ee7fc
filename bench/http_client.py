"""Client of the applications: one request at a time per connection, idle connections are used again."""

import asyncio
import time
from typing import cast

from bench.http_messages import HttpMessage, HttpReader

_MOST_IDLE = 1.0  # seconds; Node closes a connection after 5, perhaps while the next request is on its way


class _ClientConnection(asyncio.Protocol):
    def __init__(self) -> None:
        self._reader = HttpReader()
        self._waiting: asyncio.Future[HttpMessage] | None = None
        self.transport: asyncio.Transport
        self.is_open = True
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the application closed the connection ({exc})"))

    def data_received(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(message)

    def exchange(self, request: bytes) -> asyncio.Future[HttpMessage]:
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._waiting


class HttpClient:
    """Client of one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_ClientConnection] = []

    async def exchange(self, request: bytes) -> HttpMessage:
        """Return the response. Raises OSError."""
        connection = await self._connection()
        response = await connection.exchange(request)
        if connection.is_open and response.keeps_connection:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.transport.close()
        return response

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.transport.close()
        self._idle.clear()

    async def _connection(self) -> _ClientConnection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and time.monotonic() < connection.idle_since + _MOST_IDLE:
                return connection
            connection.transport.close()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_ClientConnection, "127.0.0.1", self._port)
        return connection


async def get_status(port: int, path: str) -> int:
    """Return the status of a GET request, or 0 if nobody listens."""
    client = HttpClient(port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        return (await client.exchange(request)).status
    except OSError:
        return 0
    finally:
        client.close()


async def is_listening(port: int) -> bool:
    """Return whether the port accepts connections."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True

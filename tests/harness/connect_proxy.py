"""Connections that are forwarded, and an HTTP proxy which only knows CONNECT, as forward proxies of companies do."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager


@asynccontextmanager
async def serving(
    connect: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    port: int = 0,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Serve connections, which end with the context, and yield the port."""
    connected: set[asyncio.Future[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.add(task := asyncio.ensure_future(connect(reader, writer)))
        await asyncio.wait({task})

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in connected:
            task.cancel()
        await asyncio.gather(*connected, return_exceptions=True)


Passes = Callable[[bytes, bool], Awaitable[bool]]
"""Called with some bytes, and whether they are an answer. If they do not pass, the connection ends."""


async def _always(data: bytes, is_answer: bool) -> bool:  # noqa: ARG001 - as it is called
    return True


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Passes, *, is_answer: bool) -> None:
    try:
        while (data := await reader.read(65536)) and await passes(data, is_answer):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def forward(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    to: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    passes: Passes = _always,
) -> None:
    """Forward both ways what passes until either side ends."""
    inner_reader, inner_writer = await to
    await asyncio.gather(
        _pipe(reader, inner_writer, passes, is_answer=False), _pipe(inner_reader, writer, passes, is_answer=True)
    )


@asynccontextmanager
async def connect_proxy(hosts: Mapping[str, int], credentials: str) -> AsyncIterator[tuple[int, list[str]]]:
    """Run a proxy that wants `credentials` (user:password); `hosts` has the ports of the targets, as host:port.

    It yields its port, and a list of the requests so far, as `host:port status`.
    """
    expected = f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}"
    requests: list[str] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        method, target, _ = request.split()
        status = 405 if method != "CONNECT" else 407 if expected not in headers else 200 if target in hosts else 502
        requests.append(f"{target} {status}")
        writer.write(f"HTTP/1.1 {status} -\r\n\r\n".encode())
        if status == 200:
            await forward(reader, writer, asyncio.open_connection("127.0.0.1", hosts[target]))
        writer.close()

    async with serving(connect) as port:
        yield port, requests

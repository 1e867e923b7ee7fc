"""HTTP requests as bytes, and a plain connection that sends any bytes to the bot."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_PAUSE = 0.05  # long enough for the bot to see the parts one by one

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; `status` is None if the connection ended without one."""

    status: int | None
    text: str = ""


def http_request(body: bytes, headers: Headers, *, chunked: bool = False) -> bytes:
    """A POST to the endpoint for Slack, framed properly."""
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    everything = [("Host", "bot.example.com"), ("Connection", "close"), *headers, framing]
    head = "".join(f"{name}: {value}\r\n" for name, value in everything)
    sent = in_chunks(body) if chunked else body
    return f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode(errors="surrogateescape") + sent


def in_chunks(body: bytes, size: int = 64 * 1024) -> bytes:
    """A body with Transfer-Encoding: chunked."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def send(url: str, *parts: bytes, ends: bool = False, pause: float = _PAUSE) -> Answer:
    """Send the parts with pauses in between, and read one response. `ends` closes this half of the connection."""
    async with _connection(url) as (reader, writer):
        sending = asyncio.create_task(_send(writer, parts, ends=ends, pause=pause))
        try:
            return await _read(reader)
        finally:
            sending.cancel()
            await asyncio.wait({sending})


async def send_and_reset(url: str, *parts: bytes) -> None:
    """Send the parts, and reset the connection."""
    async with _connection(url) as (_, writer):
        await _send(writer, parts, ends=False, pause=_PAUSE)
        await asyncio.sleep(_PAUSE)
        writer.transport.abort()
        await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, parts: Iterable[bytes], *, ends: bool, pause: float) -> None:
    with suppress(OSError):  # a refused request is not read to its end
        for number, part in enumerate(parts):
            if number:
                await asyncio.sleep(pause)
            writer.write(part)
            await writer.drain()
        if ends:
            writer.write_eof()


async def _read(reader: asyncio.StreamReader) -> Answer:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, OSError):
        return Answer(None)
    status_line, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status_line.split()[1]), body.decode())

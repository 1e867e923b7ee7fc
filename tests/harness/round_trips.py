"""The way to a PostgreSQL that counts round trips: how often the client sends something after an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from harness.connect_proxy import serving


@dataclass(slots=True)
class RoundTrips:
    """What was sent over connections to `url`, by round trip."""

    url: str
    sent: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def round_trips(url: str) -> AsyncIterator[RoundTrips]:
    parts = urlsplit(url)
    (socket,) = Path(parse_qs(parts.query)["host"][0]).glob(".s.PGSQL.*[0-9]")  # noqa: ASYNC240 - once
    counted = RoundTrips("")

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(socket))
        is_answered = True

        async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, asks: bool) -> None:
            nonlocal is_answered
            with closing(target):
                while data := await source.read(65536):
                    target.write(data)
                    if asks and is_answered:
                        counted.sent.append(b"")
                    if asks:
                        counted.sent[-1] += data
                    is_answered = not asks

        await asyncio.gather(forward(reader, inner_writer, asks=True), forward(inner_reader, writer, asks=False))

    async with serving(connect) as port:
        counted.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="").geturl()
        yield counted

"""Connections to the HTTP server: how long a header may take, and what no response tells about the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from bot.inbound import http_connection
from harness import HTTP_ONLY, SingleHarness, single_workspace

pytestmark = [pytest.mark.anyio, HTTP_ONLY]

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "_HEADER_TIMEOUT", 0.3)


@asynccontextmanager
async def connected(at: SingleHarness) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(at.bot.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(8):
        return await reader.read()


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize("sent", [b"", b"G", HEALTHZ[:-2]], ids=["nothing", "a byte", "all but the end"])
async def test_a_connection_without_a_complete_header_is_closed(sent: bytes) -> None:
    async with single_workspace() as at, connected(at) as (reader, writer):
        writer.write(sent)
        assert await rest_of(reader) == b""


@pytest.mark.usefixtures("short_timeout")
async def test_only_a_header_has_to_be_in_time() -> None:
    """Neither a body nor the pause until the next request; but its header."""
    async with single_workspace() as at, connected(at) as (reader, writer):
        writer.write(POST + b"12345")
        await asyncio.sleep(0.8)
        writer.write(b"67890")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 4")
    async with single_workspace() as at, connected(at) as (reader, writer):
        for _ in range(2):
            writer.write(HEALTHZ)
            assert (await reader.readuntil(b"true}")).startswith(b"HTTP/1.1 200 OK")
            await asyncio.sleep(0.8)
        writer.write(b"G")
        assert await rest_of(reader) == b""


@pytest.mark.parametrize(
    "request_bytes",
    [HEALTHZ, HEALTHZ.replace(b"healthz", b"nowhere"), POST + b"1234567890", b"no HTTP\r\n\r\n"],
    ids=["200", "404", "401", "400"],
)
async def test_no_response_names_the_server(request_bytes: bytes) -> None:
    async with single_workspace() as at, connected(at) as (reader, writer):
        writer.write(request_bytes)
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.")
    assert b"\r\nserver:" not in head.lower()

"""Connections to Slack that do not begin properly, how often they are tried, and their end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest
from aiohttp import web

from bot.inbound.slack import socket_connection, socket_mode
from bot.sim.local_server import LocalServer
from harness.conversation import until
from harness.product import Secret, Tasks

pytestmark = pytest.mark.anyio

HELLO = '{"type":"hello"}'


@asynccontextmanager
async def connector(*frames: str | bytes, url: str = "") -> AsyncIterator[socket_connection.SocketConnector]:
    """A connector that has to connect to `url`, or to a websocket that sends these frames."""

    async def connection(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        await socket.close()
        return socket

    async with LocalServer([web.get("/link", connection)]) as server, aiohttp.ClientSession() as session:
        address = SimpleNamespace(url=Secret(url or f"{server.origin}/link"), is_doubted=False)
        slack: Any = Mock(open_connection=AsyncMock(return_value=address))
        yield socket_connection.SocketConnector(session, slack, Secret("xapp-1"))


async def test_a_connection_begins_with_hello_and_its_binary_frames_are_ignored() -> None:
    async with connector(HELLO, b"\0", "one", "two") as slack:
        connection = await slack.connect()
        assert [frame async for frame in connection.frames()] == ["one", "two"]
        with pytest.raises(ConnectionError):
            await connection.send("too late")


@pytest.mark.parametrize(
    ("frames", "kind", "why"),
    [
        ((), "SlackUnreachableError", "hello"),
        ((HELLO.encode(),), "SlackUnreachableError", "hello"),
        (("[]",), "SlackUnreachableError", "hello"),
        (('{"type":"disconnect","reason":"too_many_websockets"}',), "SlackUnreachableError", "too_many_websockets"),
        (('{"type":"disconnect","reason":"novelty"}',), "SlackUnreachableError", "not documented"),
        (('{"type":"disconnect","reason":"link_disabled"}',), "SocketModeOffError", ".*"),
    ],
)
async def test_a_connection_that_begins_otherwise_is_a_failure(frames: tuple[str, ...], kind: str, why: str) -> None:
    async with connector(*frames) as slack:
        with pytest.raises(Exception, match=why) as caught:
            await slack.connect()
    assert caught.typename == kind


@pytest.mark.parametrize("url", ["ws://[?ticket=secret", "nonsense?ticket=secret", "ws://127.0.0.1:1/?ticket=secret"])
async def test_an_address_that_leads_nowhere_is_not_repeated_in_the_error(url: str) -> None:
    async with connector(url=url) as slack:
        with pytest.raises(Exception, match=r"^((?!secret).)*$") as caught:
            await slack.connect()
    assert caught.typename == "SlackUnreachableError"


def test_the_pauses_between_attempts_grow_and_are_bounded() -> None:
    delay = socket_connection.retry_delay
    assert [delay(attempt, 0.0, asked=False) for attempt in range(5)] == [0.0, 0.0, 0.25, 0.5, 1.0]
    assert [delay(attempt, 1.0, asked=False) for attempt in (2, 3, 8, 9, 10_000)] == [0.5, 1.0, 30.0, 30.0, 30.0]
    assert [delay(attempt, 1.0, asked=True) for attempt in (2, 5, 6, 10_000)] == [0.5, 4.0, 5.0, 5.0]


class Link:
    """A connection on which nothing comes; it counts how often it is closed."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self.is_doubted = False
        self.closed = 0

    async def frames(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    async def close(self) -> None:
        self.closed += 1


def slack_over(*links: Link) -> socket_mode.SocketMode:
    opened: Any = AsyncMock(side_effect=links)
    return socket_mode.SocketMode(opened, Mock(), Mock(), Tasks(), Mock())


async def test_a_connection_is_closed_three_seconds_after_its_successor_was_opened() -> None:
    """Until then, an envelope of it can need it for an ack."""
    first, second = Link(), Link()
    slack = slack_over(first, second)
    await slack.start()
    first.closing.set()
    await asyncio.sleep(2.5)
    assert first.closed == 0
    await until(lambda: first.closed)
    assert second.closed == 0
    await slack.close()


@pytest.mark.parametrize("read_for", [None, 0.05], ids=["before anybody has begun to read it", "while it is read"])
async def test_a_connection_that_is_open_at_the_end_is_closed(read_for: float | None) -> None:
    link = Link()
    slack = slack_over(link)
    await slack.start()
    if read_for:
        await asyncio.sleep(read_for)
    await slack.close()
    assert link.closed == 1

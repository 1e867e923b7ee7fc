"""Connections to Slack that do not begin properly, and how often they are tried."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest
from aiohttp import web

from bot.inbound.slack.socket_connection import SocketConnection, connect, read_frame
from bot.sim.local_server import LocalServer
from harness.product import Secret

pytestmark = pytest.mark.anyio

HELLO = '{"type":"hello"}'


def envelope(number: int = 1, *, is_bad: bool = False) -> Any:
    text = {"envelope_id": str(number), "type": "interactive", "accepts_response_payload": True}
    payload = {} if is_bad else {"type": "shortcut", "user": {"id": "U0ALICE0001"}}
    return read_frame(json.dumps(text | {"payload": payload}))


@asynccontextmanager
async def connecting(*frames: str | bytes, url: str = "") -> AsyncIterator[Callable[[], Awaitable[SocketConnection]]]:
    """A way to open a connection to `url`, or to a websocket that sends these frames."""

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
        yield partial(connect, session, slack, Secret("xapp-1"))


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
    async with connecting(*frames) as opening:
        with pytest.raises(Exception, match=why) as caught:
            await opening()
    assert caught.typename == kind


@pytest.mark.parametrize("url", ["ws://[?ticket=secret", "nonsense?ticket=secret", "ws://127.0.0.1:1/?ticket=secret"])
async def test_an_address_that_leads_nowhere_is_not_repeated_in_the_error(url: str) -> None:
    async with connecting(url=url) as opening:
        with pytest.raises(Exception, match=r"^((?!secret).)*$") as caught:
            await opening()
    assert caught.typename == "SlackUnreachableError"

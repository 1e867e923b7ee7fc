"""Socket Mode: connections that fail or are replaced, and their acks."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest
from aiohttp import web

from bot.inbound.slack.socket_mode import SocketAcks, SocketConnection, SocketMode, connect, read_frame
from bot.sim.local_server import LocalServer
from harness.conversation import until
from harness.product import Secret, Tasks


class Link:
    """A connection on which nothing comes; it counts how often it is closed."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self.closed = 0

    async def opened(self) -> Any:
        return self

    async def frames(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    async def close(self) -> None:
        self.closed += 1


async def test_a_successor_that_fails_is_tried_again_while_the_connection_before_it_serves() -> None:
    """It stays open for three seconds more: an envelope of it can need it for an ack."""
    first, second, readiness = Link(), Link(), Mock()
    async with connecting('{"type":"disconnect","reason":"link_disabled"}') as off, connecting() as failing:
        ways = [first.opened, failing, off, second.opened]

        async def connect() -> Any:
            return await ways.pop(0)()

        slack = SocketMode(connect, Mock(), readiness, Tasks(), Mock())
        await slack.start()
        readiness.reset_mock()
        first.closing.set()
        await until(lambda: readiness.clear.called)
        assert [name for name, *_ in readiness.mock_calls] == ["clear"]
        await asyncio.sleep(2.5)
        assert first.closed == 0
        await until(lambda: first.closed)
        assert second.closed == 0
        await slack.close()


@pytest.mark.parametrize("read_for", [None, 0.05], ids=["before anybody has begun to read it", "while it is read"])
async def test_a_connection_that_is_open_at_the_end_is_closed(read_for: float | None) -> None:
    link = Link()
    slack = SocketMode(link.opened, Mock(), Mock(), Tasks(), Mock())
    await slack.start()
    if read_for:
        await asyncio.sleep(read_for)
    await slack.close()
    assert link.closed == 1


EMPTY = '{"envelope_id": "1"}'


class AckLink:
    """A connection that keeps what is sent, or fails to send it."""

    def __init__(self, *, is_broken: bool = False, is_closing: bool = False) -> None:
        self.is_broken = is_broken
        self.sent: list[str] = []
        self.closing = asyncio.Event()
        if is_closing:
            self.closing.set()

    async def send(self, frame: str) -> None:
        if self.is_broken:
            raise ConnectionResetError(frame)
        self.sent.append(frame)


class Scene:
    """An app whose acks have these fields, and connections, the oldest first."""

    def __init__(self, *links: AckLink, fields: object = None, status: int = 200) -> None:
        ack = SimpleNamespace(status=status, json=lambda: fields)
        self.app = Mock(dispatch=AsyncMock(return_value=ack))
        self.tasks: Any = Tasks()
        self.acks = SocketAcks(self.app, self.tasks, lambda: None)
        for link in links:
            self.acks.add(link)  # type: ignore[arg-type]

    def answer(self, number: int = 1) -> None:
        self.acks.answer(envelope(number), time.monotonic())

    async def settle(self) -> int:
        """Wait until everything is answered. Return how many acks are delivered in another way."""
        assert await self.tasks.settle(within=10)
        return len(self.app.deliver_lost_ack.call_args_list)


async def test_an_ack_waits_three_seconds_for_a_connection(caplog: pytest.LogCaptureFixture) -> None:
    for follows_after, count in ((2.0, 0), (4.0, 1)):
        scene, link = Scene(AckLink(is_broken=True)), AckLink()
        scene.answer()
        await asyncio.sleep(follows_after)
        scene.acks.add(link)  # type: ignore[arg-type]
        assert await scene.settle() == count
        assert len(link.sent) == 1 - count
    assert caplog.messages == ["no connection to Slack; ack not sent in time"]


@pytest.mark.parametrize(("status", "count"), [(200, 1), (503, 0)])
async def test_an_envelope_that_comes_again_meanwhile_is_answered_once(status: int, count: int) -> None:
    link = AckLink()
    scene = Scene(link, status=status)
    for _ in range(2):
        for _ in range(2):
            scene.answer()
        await scene.settle()
    assert link.sent == [EMPTY] * 2 * count
    assert len(scene.app.dispatch.call_args_list) == 2


async def test_an_envelope_beyond_thirty_thousand_is_left_for_slack_to_send_again() -> None:
    for count, starts in ((29_999, 2), (30_000, 0)):
        tasks: Any = Mock(__len__=lambda _, count=count: count)
        acks = SocketAcks(Mock(), tasks, lambda: None)
        tasks.start.side_effect = lambda work: work.close()
        for number in (1, 2):
            acks.answer(envelope(number), 0.0)
        assert tasks.start.call_count == starts


def envelope(number: int = 1) -> Any:
    text = {"envelope_id": str(number), "type": "interactive", "accepts_response_payload": True}
    return read_frame(json.dumps(text | {"payload": {"type": "shortcut", "user": {"id": "U0ALICE0001"}}}))


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
        address = Secret(url or f"{server.origin}/link")
        slack: Any = Mock(open_connection=AsyncMock(return_value=address))
        yield partial(connect, session, slack, Secret("xapp-1"))


@pytest.mark.parametrize("url", ["ws://[?ticket=secret", "nonsense?ticket=secret", "ws://127.0.0.1:1/?ticket=secret"])
async def test_an_address_that_leads_nowhere_is_not_repeated_in_the_error(url: str) -> None:
    async with connecting(url=url) as opening:
        with pytest.raises(Exception, match=r"^((?!secret).)*$") as caught:
            await opening()
    assert caught.typename == "SlackUnreachableError"

"""Connections to Slack that do not begin properly, or that can't be written to."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock, Mock, create_autospec

import pytest
from aiohttp import web

from bot.concurrency import Tasks
from bot.core.secret import Secret
from bot.health import Readiness
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.listener import Ack
from bot.inbound.slack.redelivery import Redeliveries
from bot.inbound.slack.socket_connection import SocketConnection, SocketConnector, retry_delay
from bot.inbound.slack.socket_mode import SocketMode
from bot.messages.message import ephemeral
from bot.outbound.http_client import open_session
from bot.outbound.slack.client import SlackClient, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.sim.local_server import LocalServer
from harness.conversation import until

pytestmark = pytest.mark.anyio

HELLO = '{"type":"hello"}'
BAD_ENVELOPE = '{"type":"interactive","envelope_id":"1","payload":null}'
EVENT = '{"type":"events_api","envelope_id":"2","payload":{"type":"event_callback","event":{"type":"tokens_revoked"}}}'


@asynccontextmanager
async def connector(*frames: str | bytes, url: object = None) -> AsyncIterator[SocketConnector]:
    """A connector that has to connect to `url`, or to a websocket that sends these frames."""

    async def opened(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": url or server.origin.replace("http", "ws") + "/link"})

    async def connection(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        await socket.close()
        return socket

    server = LocalServer([web.post("/api/apps.connections.open", opened), web.get("/link", connection)])
    async with server, open_session() as session:
        yield SocketConnector(session, SlackClient(open_web(session, f"{server.origin}/api/")), Secret("xapp-1"))


async def test_a_connection_begins_with_hello_and_its_binary_frames_are_ignored() -> None:
    async with connector(HELLO, b"\0", "one", "two") as slack:
        connection = await slack.connect()
        assert [frame async for frame in connection.frames()] == ["one", "two"]
        with pytest.raises(ConnectionError):
            await connection.send("too late")


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ((), ""),
        ((HELLO.encode(),), ""),
        (("[]",), ""),
        (('{"type":"disconnect","reason":"too_many_websockets"}',), "too_many_websockets"),
        (('{"type":"disconnect","reason":"novelty"}',), ""),
    ],
    ids=["nothing", "binary", "no frame of Slack's", "too many", "an unknown reason"],
)
async def test_a_connection_that_begins_otherwise_is_a_failure(frames: Sequence[str | bytes], why: str) -> None:
    async with connector(*frames) as slack:
        with pytest.raises(SlackUnreachableError) as caught:
            await slack.connect()
    assert why in str(caught.value)


async def test_socket_mode_may_be_switched_off_before_the_hello() -> None:
    async with connector('{"type":"disconnect","reason":"link_disabled"}') as slack:
        with pytest.raises(SocketModeOffError):
            await slack.connect()


@pytest.mark.parametrize(
    "url", [7, "ws://[?ticket=secret", "nonsense?ticket=secret", "ws://127.0.0.1:1/?ticket=secret"]
)
async def test_an_address_that_leads_nowhere_is_not_repeated_in_the_error(url: object) -> None:
    async with connector(url=url) as slack:
        with pytest.raises(SlackUnreachableError) as caught:
            await slack.connect()
    assert "secret" not in str(caught.value)


class Recorder(SocketConnection):
    """A connection on which a bad envelope and an event arrive; it keeps what is sent, or fails to send it."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.closing = asyncio.Event()
        self.is_doubted = False
        self.is_broken = is_broken
        self.sent: list[str] = []
        self.closed = 0

    async def frames(self) -> AsyncIterator[str]:
        yield BAD_ENVELOPE
        yield EVENT
        await asyncio.Event().wait()

    async def send(self, frame: str) -> None:
        if self.is_broken:
            raise ConnectionResetError(frame)
        self.sent.append(frame)

    async def close(self) -> None:
        self.closed += 1


class Late(Recorder):
    """A connection on which they arrive once `arrives` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.arrives = asyncio.Event()

    async def frames(self) -> AsyncIterator[str]:
        await self.arrives.wait()
        async for frame in super().frames():
            yield frame


def empty_acks() -> Mock:
    """An app whose acks carry no message, so that a lost ack has nothing to deliver."""
    app: Mock = create_autospec(SlackApp, instance=True)
    app.dispatch.return_value = Ack()
    return app


def socket_mode(
    links: Iterable[SocketConnection], acks: Tasks, readiness: Readiness, app: SlackApp | None = None
) -> SocketMode:
    """Socket Mode that opens these connections one after the other, and then reaches Slack no more."""
    following = iter(links)

    async def connect() -> SocketConnection:
        for connection in following:
            return connection
        raise SlackUnreachableError("nobody there", 60)

    return SocketMode(connect, app or empty_acks(), readiness, acks, Redeliveries(lambda: False))


async def test_an_ack_that_can_not_be_written_goes_over_the_next_connection() -> None:
    recorder, acks, readiness = Recorder(), Tasks(), Readiness()
    slack = socket_mode([Recorder(is_broken=True), recorder], acks, readiness)
    assert list(readiness.reasons) == ["socket"]
    await slack.start()
    await until(lambda: len(recorder.sent) == 4)
    assert sorted(recorder.sent) == ['{"envelope_id": "1"}'] * 2 + ['{"envelope_id": "2"}'] * 2
    assert readiness.reasons == {}
    await slack.close()


async def test_while_every_connection_closes_an_ack_goes_over_the_newest() -> None:
    first, second, acks = Late(), Recorder(), Tasks()
    slack = socket_mode([first, second], acks, Readiness())
    await slack.start()
    first.closing.set()
    await until(lambda: len(second.sent) == 2)
    second.closing.set()
    await asyncio.sleep(0.05)
    first.arrives.set()
    await until(lambda: len(second.sent) == 4)
    assert first.sent == []
    await slack.close()


async def test_an_ack_that_can_not_be_written_within_three_seconds_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    acks, readiness, app = Tasks(), Readiness(), empty_acks()
    slack = socket_mode([Recorder(is_broken=True)], acks, readiness, app)
    await slack.start()
    await until(lambda: caplog.messages.count("no connection to Slack; ack not sent in time") == 2)
    assert await acks.settle(within=20)
    assert list(readiness.reasons) == ["socket"]
    app.deliver_lost_ack.assert_not_called()
    await slack.close()


async def test_the_message_of_an_ack_that_is_not_sent_is_delivered_in_another_way() -> None:
    acks, app, message = Tasks(), empty_acks(), ephemeral("Paused.")
    app.dispatch.return_value = Ack(message)
    slack = socket_mode([Recorder(is_broken=True)], acks, Readiness(), app)
    await slack.start()
    await asyncio.sleep(0.05)
    assert await acks.settle(within=4)
    (delivered,) = app.deliver_lost_ack.call_args_list
    assert delivered.args[1].message is message
    await slack.close()


async def test_after_a_connection_that_is_refused_because_socket_mode_is_off_another_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.inbound.slack.socket_mode._OFF_RETRY_DELAY", 0.2)
    recorder, readiness = Recorder(), Readiness()
    connect = AsyncMock(side_effect=[SocketModeOffError, recorder])
    slack = SocketMode(connect, empty_acks(), readiness, Tasks(), Redeliveries(lambda: False))
    starting = asyncio.create_task(slack.start())
    await asyncio.sleep(0.1)
    assert list(readiness.reasons) == ["socket"]
    await starting
    assert readiness.reasons == {}
    await slack.close()


async def test_a_connection_is_closed_when_it_has_a_successor_and_its_envelopes_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.inbound.slack.socket_mode.ACK_TIMEOUT", 0.2)
    first, second = Late(), Recorder()
    slack = socket_mode([first, second], Tasks(), Readiness())
    await slack.start()
    first.closing.set()
    await until(lambda: len(second.sent) == 2)
    assert first.closed == 0
    await until(lambda: first.closed)
    assert second.closed == 0
    await slack.close()


@pytest.mark.parametrize("read_for", [None, 0.05], ids=["before anybody has begun to read it", "while it is read"])
async def test_a_connection_that_is_open_at_the_end_is_closed(read_for: float | None) -> None:
    connection = Recorder()
    slack = socket_mode([connection], Tasks(), Readiness())
    await slack.start()
    if read_for:
        await asyncio.sleep(read_for)
    await slack.close()
    assert connection.closed == 1


def test_the_pauses_between_attempts_grow_and_are_bounded() -> None:
    assert [retry_delay(attempt, 0.0, asked=False) for attempt in range(5)] == [0.0, 0.0, 0.25, 0.5, 1.0]
    assert [retry_delay(attempt, 1.0, asked=False) for attempt in (2, 3, 8, 9, 10_000)] == [0.5, 1.0, 30.0, 30.0, 30.0]
    assert [retry_delay(attempt, 1.0, asked=True) for attempt in (2, 5, 6, 10_000)] == [0.5, 4.0, 5.0, 5.0]

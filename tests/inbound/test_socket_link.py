"""What may come instead of a connection, and a connection that can't be written to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.core.secret import Secret
from bot.inbound.slack_app import SlackApp
from bot.inbound.socket_link import Dialer, Link
from bot.inbound.socket_mode import SocketMode, pause_before
from bot.outbound.http_client import open_session
from bot.outbound.slack import SlackClient, SocketModeOffError
from bot.outbound.slack_web import SlackUnreachableError, open_web
from bot.readiness import Readiness
from bot.sim.local_server import LocalServer
from bot.tasks import Tasks

pytestmark = pytest.mark.anyio

HELLO = '{"type":"hello"}'
BAD_ENVELOPE = '{"type":"interactive","envelope_id":"1","payload":null}'


@asynccontextmanager
async def dialer(*frames: str | bytes, url: object = None) -> AsyncIterator[Dialer]:
    """One that reaches something which answers with `url` and, over a websocket, with these frames."""

    async def opened(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": url or server.origin.replace("http", "ws") + "/link"})

    async def link(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        await socket.close()
        return socket

    server = LocalServer([web.post("/api/apps.connections.open", opened), web.get("/link", link)])
    async with server, open_session() as session:
        yield Dialer(session, SlackClient(open_web(session, f"{server.origin}/api/")), Secret("xapp-1"))


async def test_a_connection_begins_with_hello_and_binary_frames_are_none() -> None:
    async with dialer(HELLO, b"\0", "one", "two") as phone:
        link = await phone.dial()
        assert [frame async for frame in link.frames()] == ["one", "two"]
        with pytest.raises(ConnectionError):
            await link.send("too late")


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ((), "a connection without a hello"),
        ((HELLO.encode(),), "a connection without a hello"),
        (("[]",), "a connection without a hello"),
        (('{"type":"disconnect","reason":"too_many_websockets"}',), "too_many_websockets"),
        (('{"type":"disconnect","reason":"novelty"}',), "not documented"),
    ],
    ids=["nothing", "binary", "no frame of Slack's", "too many", "another reason"],
)
async def test_a_connection_that_begins_otherwise_is_none(frames: Sequence[str | bytes], why: str) -> None:
    async with dialer(*frames) as phone:
        with pytest.raises(SlackUnreachableError, match=why):
            await phone.dial()


async def test_socket_mode_may_be_switched_off_in_that_instant() -> None:
    async with dialer('{"type":"disconnect","reason":"link_disabled"}') as phone:
        with pytest.raises(SocketModeOffError):
            await phone.dial()


@pytest.mark.parametrize("url", [7, "ws://[", "nonsense", "ws://127.0.0.1:1/?ticket=secret"])
async def test_an_address_that_leads_nowhere_is_not_repeated(url: object) -> None:
    async with dialer(url=url) as phone:
        with pytest.raises(SlackUnreachableError) as caught:
            await phone.dial()
    assert "secret" not in str(caught.value)


class Recorder(Link):
    """A connection over which one bad envelope comes; what is sent is kept."""

    def __init__(self) -> None:
        self.leaving = asyncio.Event()
        self.sent: list[str] = []
        self.closed = 0

    async def frames(self) -> AsyncIterator[str]:
        yield BAD_ENVELOPE
        await asyncio.Event().wait()

    async def send(self, frame: str) -> None:
        self.sent.append(frame)

    async def close(self) -> None:
        self.closed += 1


class Broken(Recorder):
    """One that has ended without anybody having noticed."""

    async def send(self, frame: str) -> None:
        raise ConnectionResetError(frame)


class NoApp(SlackApp):
    """None is needed for an envelope that is not let in."""

    def __init__(self) -> None:
        pass


async def test_an_ack_that_can_not_be_written_goes_over_the_next_connection() -> None:
    recorder, acks, readiness = Recorder(), Tasks(), Readiness()
    links = iter([Broken(), recorder])

    async def dial() -> Link:
        return next(links)

    socket_mode = SocketMode(dial, NoApp(), readiness, acks)
    assert list(readiness.reasons) == ["socket"]
    await socket_mode.start()
    await asyncio.sleep(0.05)
    assert await acks.settle(within=1)
    assert recorder.sent == ['{"envelope_id": "1"}'] * 2
    assert readiness.reasons == {}
    await socket_mode.close()


@pytest.mark.parametrize("read_for", [None, 0.05], ids=["before anybody has begun to read it", "while it is read"])
async def test_a_connection_that_is_open_at_the_end_is_closed(read_for: float | None) -> None:
    link = Recorder()

    async def dial() -> Link:
        return link

    socket_mode = SocketMode(dial, NoApp(), Readiness(), Tasks())
    await socket_mode.start()
    if read_for:
        await asyncio.sleep(read_for)
    await socket_mode.close()
    assert link.closed == 1


async def test_the_pauses_between_attempts_grow_and_are_bounded() -> None:
    assert [pause_before(attempt, 0.0) for attempt in range(5)] == [0.0, 0.0, 0.25, 0.5, 1.0]
    assert [pause_before(attempt, 1.0) for attempt in (2, 3, 8, 9, 10_000)] == [0.5, 1.0, 30.0, 30.0, 30.0]


async def test_an_ack_that_can_not_be_written_while_slack_waits_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    acks, readiness = Tasks(), Readiness()
    links = iter([Broken()])

    async def dial() -> Link:
        for link in links:
            return link
        raise SlackUnreachableError("nobody there", 60)

    socket_mode = SocketMode(dial, NoApp(), readiness, acks)
    await socket_mode.start()
    await asyncio.sleep(0.05)
    assert await acks.settle(within=4)
    assert readiness.reasons == {"socket": "No connection to Slack (Socket Mode) is open (nobody there); trying again."}
    assert "an ack could not be sent in time: no connection to Slack is open" in caplog.messages
    await socket_mode.close()

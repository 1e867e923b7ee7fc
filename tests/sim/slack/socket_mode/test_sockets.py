"""How websockets of simulated Slack begin, live and end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.sim.slack import Hang, Reason, ResetAfterReading, Rule, SimSlack, Slow, server_error
from sim.api_client import rules
from sim.recording_app import IMPATIENT
from sim.socket_app import SocketApp

pytestmark = pytest.mark.anyio

REJECTED = aiohttp.WSServerHandshakeError
CLOSE, PING, PONG = aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


@pytest.fixture
async def app(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[SocketApp]:
    slack.socket_mode = True
    async with SocketApp(slack, client) as app:
        yield app


async def test_only_the_app_token_in_the_header_opens_a_connection(slack: SimSlack, app: SocketApp) -> None:
    answer = await app.open()
    url = urlsplit(answer["url"])

    assert (list(answer), url.scheme, url.netloc) == (["ok", "url"], "ws", urlsplit(slack.url).netloc)
    assert parse_qs(url.query)["app_id"] == ["A0ANCHOR001"]
    assert await app.open(token=slack.bot_token) == {"ok": False, "error": "not_allowed_token_type"}
    assert await app.open(token="xapp-unknown") == {"ok": False, "error": "invalid_auth"}
    assert await app.open(token="") == {"ok": False, "error": "not_authed"}
    assert slack.violations == []
    assert await app.open(token="", form={"token": slack.app_token}) == {"ok": False, "error": "invalid_auth"}
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER]


async def test_with_socket_mode_off_slack_only_warns_and_sends_nothing(slack: SimSlack, app: SocketApp) -> None:
    slack.socket_mode = False
    answer = await app.open()
    connection = await app.connect()
    assert answer["response_metadata"] == {"messages": ["[WARN] Socket Mode is not turned on."]}
    assert (connection.hello["type"], connection.hello["num_connections"]) == ("hello", 1)
    assert (await slack.sockets.send("events_api", {})).error == "dispatch_failed"


async def test_slack_can_warn_while_socket_mode_works(slack: SimSlack, app: SocketApp) -> None:
    slack.sockets.claims_off = True
    answer = await app.open()
    connection = await app.connect()
    sending = asyncio.create_task(slack.sockets.send("events_api", {}))
    envelope = await connection.receive()
    await connection.ack(envelope)
    assert answer["response_metadata"] == {"messages": ["[WARN] Socket Mode is not turned on."]}
    assert (await sending).status == 200


@pytest.mark.parametrize(("size", "closed"), [(20_480, False), (20_481, True)])
async def test_a_frame_over_the_limit_ends_the_connection(
    slack: SimSlack, app: SocketApp, size: int, closed: bool
) -> None:
    if closed:
        slack.timing.ack_deadline = 2.0  # there is no ack
    connection = await app.connect()
    sending = asyncio.create_task(slack.sockets.send("slash_commands", {}, accepts_response_payload=True))
    envelope = await connection.receive()
    frame = {"envelope_id": envelope["envelope_id"], "payload": {"text": ""}}
    frame["payload"]["text"] = "x" * (size - len(json.dumps(frame)))
    await connection.send(frame)
    if closed:
        assert await connection.end() is CLOSE
        assert connection.socket.close_code == 1009
    assert (await sending).error == ("operation_timeout" if closed else None)


async def test_a_url_is_valid_for_one_connection_within_thirty_seconds(slack: SimSlack, app: SocketApp) -> None:
    used, old = [(await app.open())["url"] for _ in range(2)]
    await app.follow(used)
    for wrong in (used, used + "x", used.partition("?")[0]):
        with pytest.raises(REJECTED, match="403"):
            await app.follow(wrong)
    slack.clock.advance(30)
    with pytest.raises(REJECTED, match="403"):
        await app.follow(old)


@pytest.mark.parametrize("fault", [server_error(503), ResetAfterReading(), Slow(0.01), Hang()])
async def test_the_handshake_can_fail(slack: SimSlack, app: SocketApp, fault: ResetAfterReading | Slow | Hang) -> None:
    slack.faults["handshake"] = fault
    with pytest.raises((aiohttp.ClientError, ConnectionResetError, TimeoutError)):
        async with asyncio.timeout(2 if isinstance(fault, Hang) else 20):
            await app.connect()
    slack.faults.clear()
    await app.connect()


async def test_slack_pings_and_answers_pings(slack: SimSlack, app: SocketApp) -> None:
    slack.sockets.ping_interval = 0.01
    connection = await app.connect(autoping=False)
    await connection.socket.ping(b"sdk-ping-pong:1785000000.0")
    frames = [await connection.socket.receive(timeout=20) for _ in range(3)]
    assert {frame.data for frame in frames if frame.type is PING} == {b"Ping from applink-7fc4fdbb64-4x5xq"}
    assert {frame.data for frame in frames if frame.type is PONG} == {b"sdk-ping-pong:1785000000.0"}


async def test_the_eleventh_connection_is_refused(slack: SimSlack, app: SocketApp) -> None:
    connections = [await app.connect() for _ in range(10)]
    eleventh = await app.connect()

    assert eleventh.hello == {"type": "disconnect", "reason": "too_many_websockets"}
    assert await eleventh.end() is CLOSE
    await connections[0].socket.close()
    await slack.until(lambda: slack.sockets.count == 9)
    assert (await app.connect()).hello["num_connections"] == 10


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_a_connection_is_told_why_it_is_closed(slack: SimSlack, app: SocketApp, reason: Reason) -> None:
    connections = [await app.connect(), await app.connect()]
    await slack.sockets.disconnect(reason)

    assert slack.sockets.count == 0
    for connection in connections:
        frame = await connection.receive()
        assert (frame["type"], frame["reason"]) == ("disconnect", reason)
        assert ("debug_info" in frame) is (reason != "too_many_websockets")
        assert await connection.end() is CLOSE
    assert slack.socket_mode is (reason != "link_disabled")


async def test_a_warned_connection_is_used_until_it_is_closed(slack: SimSlack, app: SocketApp) -> None:
    first, other = await app.connect(), await app.connect()
    warned = slack.sockets.connections[0]
    await slack.sockets.disconnect("warning", only=warned, after=3.0)

    assert (await first.receive())["reason"] == "warning"
    slack.sockets.choose = lambda _: warned
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await first.receive()
    assert await first.end() is CLOSE
    await other.ack(envelope)
    assert (await typing).status == 200
    assert warned not in slack.sockets.connections


async def test_a_dropped_connection_ends_without_a_close_frame(slack: SimSlack, app: SocketApp) -> None:
    dropped, other = await app.connect(), await app.connect()
    slack.sockets.drop(slack.sockets.connections[0])
    assert slack.sockets.count == 1
    assert await dropped.end() in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert await other.everything() == []


@IMPATIENT
async def test_a_black_hole_connection_answers_nothing_and_loses_envelopes(slack: SimSlack, app: SocketApp) -> None:
    slack.sockets.ping_interval = 0.01
    connection = await app.connect(autoping=False)
    slack.sockets.black_hole()
    await connection.socket.ping(b"sdk-ping-pong:1785000000.0")
    sent_before = await connection.everything()
    delivery = await slack.command(slack.alice, slack.alerts)

    assert {frame.type for frame in sent_before} <= {PING}
    assert (delivery.error, await connection.everything()) == ("operation_timeout", [])
    assert slack.sockets.count == 1
    closing = asyncio.create_task(connection.socket.close())
    await slack.until(lambda: slack.sockets.count == 0)
    await closing


async def test_stopping_does_not_wait_for_websockets(client: aiohttp.ClientSession) -> None:
    before = asyncio.all_tasks()
    async with SimSlack(socket_mode=True) as slack, SocketApp(slack, client) as app:
        connections = [await app.connect() for _ in range(3)]
        unreachable, warned = slack.sockets.connections[:2]
        slack.sockets.black_hole(unreachable)
        await slack.sockets.disconnect("warning", only=warned)
        await slack.sockets.disconnect("refresh_requested", only=unreachable)
        began = time.monotonic()
        await slack.stop()
        assert time.monotonic() - began < 5

    assert len(connections) == 3
    assert asyncio.all_tasks() <= before

"""How websockets of simulated Slack begin, live and end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.sim.slack import Hang, Reason, ResetAfterReading, Rule, SimSlack, Slow, api_error, server_error
from sim.api_client import Api, rules
from sim.socket_app import SocketApp, gone

pytestmark = pytest.mark.anyio

REFUSED = aiohttp.WSServerHandshakeError


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


@pytest.fixture
async def app(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[SocketApp]:
    slack.socket_mode = True
    async with SocketApp(slack, client) as app:
        yield app


async def test_the_app_token_opens_a_connection(slack: SimSlack, app: SocketApp) -> None:
    answer = await app.open()

    assert list(answer) == ["ok", "url"]
    url = urlsplit(str(answer["url"]))
    assert (url.scheme, url.netloc) == ("ws", urlsplit(slack.url).netloc)
    assert parse_qs(url.query)["app_id"] == ["A0ANCHOR001"]
    assert [(call.method, call.token) for call in slack.api_calls] == [("apps.connections.open", slack.app_token)]


async def test_no_other_token_opens_a_connection(slack: SimSlack, app: SocketApp) -> None:
    assert await app.open(token=slack.bot_token) == {"ok": False, "error": "not_allowed_token_type"}
    assert await app.open(token="xapp-unknown") == {"ok": False, "error": "invalid_auth"}
    assert await app.open(token="") == {"ok": False, "error": "not_authed"}


async def test_the_app_token_must_be_in_the_header(slack: SimSlack, app: SocketApp) -> None:
    assert await app.open(token="", form={"token": slack.app_token}) == {"ok": False, "error": "invalid_auth"}
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER]


async def test_the_app_token_opens_nothing_else(slack: SimSlack, api: Api) -> None:
    assert (await api.send("auth.test", token=slack.app_token))["error"] == "not_allowed_token_type"


async def test_opening_can_fail(slack: SimSlack, app: SocketApp) -> None:
    slack.faults["apps.connections.open"] = api_error("internal_error", times=1)

    assert (await app.open())["error"] == "internal_error"
    assert (await app.open())["ok"] is True


async def test_with_socket_mode_off_slack_only_warns_and_sends_nothing(slack: SimSlack, app: SocketApp) -> None:
    slack.socket_mode = False

    answer = await app.open()
    link = await app.connect()

    assert answer["ok"] is True
    assert answer["response_metadata"] == {"messages": ["[WARN] Socket Mode is not turned on."]}
    assert link.hello["type"] == "hello"
    assert (await slack.command(slack.alice, slack.alerts)).error == "dispatch_failed"
    assert (await slack.sockets.send("events_api", {})).error == "dispatch_failed"


async def test_every_connection_is_greeted(slack: SimSlack, app: SocketApp) -> None:
    first, second = await app.connect(), await app.connect()

    assert first.hello == {
        "type": "hello",
        "num_connections": 1,
        "debug_info": {
            "host": "applink-7fc4fdbb64-4x5xq",
            "build_number": 10,
            "approximate_connection_time": 18060,
        },
        "connection_info": {"app_id": "A0ANCHOR001"},
    }
    assert second.hello["num_connections"] == 2
    assert slack.sockets.count == len(slack.sockets.connections) == 2

    await first.socket.close()
    await slack.until(lambda: slack.sockets.count == 1)


async def test_a_url_is_good_for_one_connection(app: SocketApp) -> None:
    url = str((await app.open())["url"])

    await app.follow(url)

    for wrong in (url, url + "x", url.partition("?")[0]):
        with pytest.raises(REFUSED, match="403"):
            await app.follow(wrong)


async def test_a_url_is_not_good_for_long(slack: SimSlack, app: SocketApp) -> None:
    url = str((await app.open())["url"])
    slack.clock.advance(30)

    with pytest.raises(REFUSED):
        await app.follow(url)


@pytest.mark.parametrize("fault", [server_error(503), ResetAfterReading(), Slow(0.01), Hang()])
async def test_the_handshake_can_fail(slack: SimSlack, app: SocketApp, fault: ResetAfterReading | Slow | Hang) -> None:
    slack.faults["handshake"] = fault

    with pytest.raises((aiohttp.ClientError, ConnectionResetError, TimeoutError)):
        async with asyncio.timeout(0.5):
            await app.socket()

    slack.faults.clear()
    await app.connect()


async def test_slack_pings_and_answers_pings(slack: SimSlack, app: SocketApp) -> None:
    slack.sockets.ping_interval = 0.01
    socket = await app.socket(autoping=False)
    await socket.receive_str(timeout=5)

    await socket.ping(b"sdk-ping-pong:1785000000.0")
    frames = [await socket.receive(timeout=5) for _ in range(3)]

    pings = {frame.data for frame in frames if frame.type is aiohttp.WSMsgType.PING}
    pongs = {frame.data for frame in frames if frame.type is aiohttp.WSMsgType.PONG}
    assert (pings, pongs) == ({b"Ping from applink-7fc4fdbb64-4x5xq"}, {b"sdk-ping-pong:1785000000.0"})


async def test_the_eleventh_connection_is_sent_away(slack: SimSlack, app: SocketApp) -> None:
    links = [await app.connect() for _ in range(10)]

    eleventh = await app.connect()

    assert eleventh.hello == {"type": "disconnect", "reason": "too_many_websockets"}
    assert await gone(eleventh.socket) is aiohttp.WSMsgType.CLOSE
    assert slack.sockets.count == 10
    await links[0].socket.close()
    await slack.until(lambda: slack.sockets.count == 9)
    assert (await app.connect()).hello["num_connections"] == 10


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_a_connection_is_told_why_it_is_closed(slack: SimSlack, app: SocketApp, reason: Reason) -> None:
    links = [await app.connect(), await app.connect()]

    await slack.sockets.disconnect(reason)

    assert slack.sockets.count == 0
    for link in links:
        frame = await link.receive()
        assert (frame["type"], frame["reason"]) == ("disconnect", reason)
        assert ("debug_info" in frame) is (reason != "too_many_websockets")
        assert await gone(link.socket) is aiohttp.WSMsgType.CLOSE
    assert slack.socket_mode is (reason != "link_disabled")


async def test_a_warned_connection_works_on_for_a_while(slack: SimSlack, app: SocketApp) -> None:
    link, other = await app.connect(), await app.connect()
    warned = slack.sockets.connections[0]

    await slack.sockets.disconnect("warning", only=warned, after=0.1)

    assert (await link.receive())["reason"] == "warning"
    slack.sockets.choose = lambda _: warned
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await link.receive()
    assert await gone(link.socket) is aiohttp.WSMsgType.CLOSE
    await other.ack(envelope)
    assert (await typing).status == 200
    assert warned not in slack.sockets.connections


async def test_an_envelope_outlives_its_connection(slack: SimSlack, app: SocketApp) -> None:
    first = await app.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await first.receive()

    slack.sockets.drop()
    second = await app.connect()
    await second.ack(envelope, payload={"text": "Paused."})

    assert (await typing).status == 200
    assert slack.violations == []


async def test_a_dropped_connection_ends_without_a_close_frame(slack: SimSlack, app: SocketApp) -> None:
    link, other = await app.connect(), await app.connect()

    slack.sockets.drop(slack.sockets.connections[0])

    assert slack.sockets.count == 1
    assert await gone(link.socket) in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    await slack.sockets.say("hi")
    assert (await other.socket.receive()).data == "hi"


async def test_a_mute_connection_answers_nothing_and_swallows_envelopes(slack: SimSlack, app: SocketApp) -> None:
    slack.sockets.ping_interval = 0.01
    socket = await app.socket(autoping=False)
    await socket.receive_str(timeout=5)

    slack.sockets.mute()
    await socket.ping(b"sdk-ping-pong:1785000000.0")
    heard = await everything_heard(socket)
    delivery = await slack.command(slack.alice, slack.alerts)

    assert {frame.type for frame in heard} <= {aiohttp.WSMsgType.PING}
    assert (delivery.error, await everything_heard(socket)) == ("operation_timeout", [])
    assert slack.sockets.count == 1


async def test_a_mute_connection_ends_when_the_app_hangs_up(slack: SimSlack, app: SocketApp) -> None:
    socket = await app.socket()
    await socket.receive_str(timeout=5)
    slack.sockets.mute()

    closing = asyncio.create_task(socket.close())
    await slack.until(lambda: slack.sockets.count == 0)

    await closing


async def everything_heard(socket: aiohttp.ClientWebSocketResponse) -> list[aiohttp.WSMessage]:
    """What comes until there is silence."""
    heard = []
    with contextlib.suppress(TimeoutError):
        while True:
            heard.append(await socket.receive(timeout=0.1))
    return heard


async def test_odd_frames_can_be_sent_to_one(slack: SimSlack, app: SocketApp) -> None:
    link, other = await app.connect(), await app.connect()

    await slack.sockets.say("{", only=slack.sockets.connections[1])
    await slack.sockets.disconnect("refresh_requested")

    assert (await other.socket.receive()).data == "{"
    assert (await link.receive())["type"] == "disconnect"


async def test_stopping_does_not_wait_for_websockets(app: SocketApp, slack: SimSlack) -> None:
    before = asyncio.all_tasks()
    async with SimSlack(socket_mode=True) as other, SocketApp(other, app.client) as client:
        links = [await client.connect() for _ in range(3)]
        other.sockets.mute(other.sockets.connections[0])
        await other.sockets.disconnect("warning", only=other.sockets.connections[1])
        await other.sockets.disconnect("refresh_requested", only=other.sockets.connections[0])
        began = time.monotonic()
        await other.stop()
        assert time.monotonic() - began < 1

    assert len(links) == 3
    assert slack.sockets.count == 0
    assert asyncio.all_tasks() <= before

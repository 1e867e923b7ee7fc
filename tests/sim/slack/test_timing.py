"""What is sent between simulated Slack and the app takes time, and Slack's patience ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bot.sim.slack import Delivery, Rule, SimSlack
from sim.alerts import alert
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp
from sim.socket_app import SocketApp

pytestmark = pytest.mark.anyio

SENT_AT = "1785000000"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def click(slack: SimSlack) -> asyncio.Task[Delivery]:
    """Click, and let Slack's clock go on while that is under way."""
    clicking = asyncio.create_task(slack.click(slack.alice, alert(slack)))
    await asyncio.sleep(0.01)
    slack.clock.advance(100)
    return clicking


async def over_http(slack: SimSlack, app: RecordingApp, _: aiohttp.ClientSession) -> tuple[float, float]:
    """Click, and return the seconds until that arrives, and until the ack."""
    began = time.monotonic()
    clicking = await click(slack)
    while not app.requests:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(0.01)
    arrived = time.monotonic() - began
    assert app.requests[0][1]["X-Slack-Request-Timestamp"] == SENT_AT
    assert app.last["actions"][0]["action_ts"] == f"{SENT_AT}.000000"
    return arrived, (await clicking).elapsed


async def over_a_websocket(slack: SimSlack, _: RecordingApp, client: aiohttp.ClientSession) -> tuple[float, float]:
    """Do the same in Socket Mode."""
    slack.socket_mode = True
    async with SocketApp(slack, client) as sockets:
        connection = await sockets.connect()
        began = time.monotonic()
        clicking = await click(slack)
        envelope = await connection.receive()
        arrived = time.monotonic() - began
        await connection.ack(envelope)
        assert envelope["payload"]["actions"][0]["action_ts"] == f"{SENT_AT}.000000"
        return arrived, (await clicking).elapsed


@pytest.mark.parametrize("transport", [over_http, over_a_websocket])
async def test_each_direction_takes_its_time(
    slack: SimSlack,
    app: RecordingApp,
    client: aiohttp.ClientSession,
    *,
    transport: Callable[[SimSlack, RecordingApp, aiohttp.ClientSession], Awaitable[tuple[float, float]]],
) -> None:
    slack.timing.delay_to_app, slack.timing.delay_from_app = 0.3, 0.5
    arrived, acknowledged = await transport(slack, app, client)
    assert arrived >= 0.3
    assert acknowledged >= 0.8
    slack.timing.ack_deadline = 0.7  # less than both delays
    assert (await slack.command(slack.alice, slack.alerts)).error == (
        "operation_timeout" if transport is over_http else "dispatch_failed"  # the app has closed its connection
    )


async def test_a_command_that_comes_after_the_deadline_still_comes(slack: SimSlack, app: RecordingApp) -> None:
    slack.timing.ack_deadline, slack.timing.delay_to_app = 0.1, 0.4
    delivery = await slack.command(slack.alice, slack.alerts)
    assert (delivery.error, app.requests, rules(slack)) == ("operation_timeout", [], [Rule.ACK_LATE])
    async with asyncio.timeout(20):
        while not app.requests:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.01)


async def test_calls_of_the_app_take_their_time(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    delivery = await slack.command(slack.alice, slack.alerts)
    slack.timing.delay_of_calls = 0.2
    for call in (api.post("C0ALERTS001"), api.answer(delivery, {"text": "Paused."})):
        began = time.monotonic()
        await call
        assert time.monotonic() - began >= 0.2
    assert app.payloads


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_the_connection_is_closed_when_slack_stops_waiting(slack: SimSlack) -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()  # until the end
        closed.set()
        writer.close()

    slack.timing.ack_deadline = 0.3
    async with serving(serve) as slack.request_url:
        delivery = await slack.command(slack.alice, slack.alerts)
        async with asyncio.timeout(20):
            await closed.wait()
    assert (delivery.error, delivery.status) == ("operation_timeout", None)
    assert 0.2 < delivery.elapsed < 10

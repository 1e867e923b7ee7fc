"""How simulated Slack delivers commands, clicks and events in Socket Mode, and reads the acks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sim.slack import Rule, SimSlack
from sim.alerts import alert, legacy_alert
from sim.api_client import rules
from sim.recording_app import IMPATIENT, RecordingApp
from sim.socket_app import Connection, SocketApp

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sockets(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[SocketApp]:
    slack.socket_mode = True
    async with SocketApp(slack, client) as sockets:
        yield sockets


@pytest.fixture
async def connection(sockets: SocketApp) -> Connection:
    return await sockets.connect()


def texts(slack: SimSlack) -> list[str]:
    return [message.text for message in slack.seen_by(slack.alice, slack.alerts)]


async def test_everything_arrives_in_envelopes(slack: SimSlack, connection: Connection) -> None:
    arrived, payload = [], {"payload": {"text": "Pausing…"}}
    for acting, ack in (
        (slack.command(slack.alice, slack.alerts), payload),
        (slack.command(slack.alice, slack.alerts), {"payload": None}),
        (slack.click(slack.alice, alert(slack)), {"payload": {}}),
        (slack.press(slack.alice, legacy_alert(slack)), {}),
        (slack.use_shortcut(slack.alice, alert(slack)), {}),
        (slack.open_home(slack.alice), {}),
    ):
        task = asyncio.ensure_future(acting)
        envelope = await connection.receive()
        await connection.ack(envelope, **ack)
        await task
        retry = ["retry_attempt", "retry_reason"] if envelope["type"] == "events_api" else []
        assert list(envelope) == ["envelope_id", "type", "accepts_response_payload", *retry, "payload"]
        arrived.append((envelope["type"], envelope["accepts_response_payload"], envelope["payload"].get("type")))

    assert arrived == [
        ("slash_commands", True, None),
        ("slash_commands", True, None),
        ("interactive", True, "block_actions"),
        ("interactive", True, "interactive_message"),
        ("interactive", False, "message_action"),
        ("events_api", False, "event_callback"),
    ]
    assert "Pausing…" in texts(slack)
    assert slack.violations == []


async def test_nothing_goes_to_the_request_url(slack: SimSlack, app: RecordingApp, sockets: SocketApp) -> None:
    assert (await slack.command(slack.alice, slack.alerts)).error == "dispatch_failed"
    assert (await slack.click(slack.alice, alert(slack))).error == "dispatch_failed"
    assert app.requests == []

    await sockets.connect()
    slack.socket_mode = False
    assert (await slack.command(slack.alice, slack.alerts)).status == 200
    assert (len(app.requests), slack.violations) == (1, [])


@IMPATIENT
async def test_a_late_ack_is_dropped_and_shown_as_a_timeout(slack: SimSlack, connection: Connection) -> None:
    delivery = await slack.command(slack.alice, slack.alerts)
    await connection.ack(await connection.receive(), payload={"text": "Paused."})
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    await connection.ack(await connection.receive())
    await typing

    assert (delivery.status, delivery.error, delivery.ack) == (None, "operation_timeout", None)
    assert delivery.elapsed > 1.9
    assert texts(slack) == ['/anchor-pause failed with the error "operation_timeout"']
    assert rules(slack) == [Rule.ACK_LATE]


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        ('{"envelope_id": "57d6a792-4d35-4d0b-b6aa-3361493e1ca1"}', Rule.ACK_UNKNOWN_ENVELOPE),
        ('{"payload": {"text": "Paused."}}', Rule.ACK_WITHOUT_ENVELOPE),
        ('{"envelope_id": 7}', Rule.ACK_WITHOUT_ENVELOPE),
        ("[]", Rule.ACK_WITHOUT_ENVELOPE),
        ("{", Rule.ACK_WITHOUT_ENVELOPE),
    ],
)
async def test_a_frame_without_an_envelope_is_a_violation(
    slack: SimSlack, connection: Connection, frame: str, rule: Rule
) -> None:
    await connection.socket.send_bytes(b"{}")  # ignored
    await connection.socket.send_str(frame)
    await slack.until(lambda: rules(slack) == [rule])


async def test_an_envelope_is_acknowledged_once(slack: SimSlack, connection: Connection) -> None:
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await connection.receive()
    await connection.ack(envelope, payload={"text": "first"})
    await connection.ack(envelope, payload={"text": "second"})

    await slack.until(lambda: rules(slack) == [Rule.ACK_TWICE])
    await typing
    assert texts(slack) == ["first"]


async def test_an_envelope_sent_again_needs_another_ack(slack: SimSlack, connection: Connection) -> None:
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    first = await connection.receive()
    await connection.ack(first)
    sending = asyncio.create_task(slack.resend(await typing))
    second = await connection.receive()
    await connection.ack(second)

    assert first == second
    assert (await sending).status == 200
    assert slack.violations == []


@pytest.mark.parametrize("accepts", [True, False])
async def test_some_envelopes_accept_no_payload(slack: SimSlack, connection: Connection, *, accepts: bool) -> None:
    sending = asyncio.create_task(
        slack.sockets.send("events_api", {"type": "event_callback"}, accepts_response_payload=accepts)
    )
    envelope = await connection.receive()
    await connection.ack(envelope, payload={"text": "Paused."})

    assert envelope["accepts_response_payload"] is accepts
    assert (await sending).body == (b'{"text": "Paused."}' if accepts else b"")
    assert rules(slack) == ([] if accepts else [Rule.ACK_PAYLOAD_NOT_ACCEPTED])


async def test_envelopes_go_to_each_connection_in_turn(slack: SimSlack, sockets: SocketApp) -> None:
    connections = [await sockets.connect() for _ in range(3)]
    for connection in connections * 2:
        typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
        await connection.ack(await connection.receive())
        assert (await typing).status == 200


async def test_an_ack_may_come_over_a_later_connection(slack: SimSlack, sockets: SocketApp) -> None:
    first = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await first.receive()
    slack.sockets.drop()
    second = await sockets.connect()
    await second.ack(envelope, payload={"text": "Paused."})

    assert (await typing).status == 200
    assert (texts(slack), slack.violations) == (["Paused."], [])


@pytest.mark.parametrize("timing_out", [False, True])
async def test_an_envelope_without_an_ack_comes_again_over_the_next_connection(
    slack: SimSlack, sockets: SocketApp, *, timing_out: bool
) -> None:
    slack.timing.redelivery_after = None if timing_out else 0.0
    slack.timing.ack_deadline = 0.5 if timing_out else 20.0
    first = await sockets.connect()
    acting: list[Awaitable[object]] = [
        slack.command(slack.alice, slack.alerts),
        slack.click(slack.alice, alert(slack)),
        slack.open_home(slack.alice),
    ]
    tasks = [asyncio.ensure_future(each) for each in acting]
    command, click, event = [await first.receive() for _ in acting]
    slack.sockets.drop()
    second = await sockets.connect()
    again = [await second.receive() for _ in acting]
    for envelope in again:
        await second.ack(envelope, **({"payload": {"text": "Paused."}} if envelope == command else {}))
    await asyncio.gather(*tasks)
    retried = event | {"envelope_id": again[2]["envelope_id"], "retry_attempt": 1, "retry_reason": "timeout"}

    assert again == [command, click, retried]
    assert again[2]["envelope_id"] != event["envelope_id"]
    assert ("Paused." in texts(slack)) is not timing_out
    assert ('/anchor-pause failed with the error "operation_timeout"' in texts(slack)) is timing_out
    assert set(rules(slack)) == ({Rule.ACK_LATE} if timing_out else set())
    slack.timing.ack_deadline = 20.0
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    await second.ack(await second.receive())
    assert (await typing).error is None  # so the acks before it have arrived too
    slack.sockets.drop()
    slack.timing.ack_deadline = 0.0
    assert await (await sockets.connect()).everything() == []


async def test_an_ack_can_be_lost_with_its_connection(slack: SimSlack, sockets: SocketApp) -> None:
    slack.timing.redelivery_after = 0.0
    slack.sockets.lose_acks(2)
    connection = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    for _ in range(2):
        await connection.ack(await connection.receive())
        assert await connection.end() in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        connection = await sockets.connect()
    await connection.ack(await connection.receive())
    assert (await typing).error is None


async def test_slacks_own_client_understands_it(slack: SimSlack) -> None:
    async def acknowledge(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": request.type}))

    slack.socket_mode = True
    app = SocketModeClient(slack.app_token, web_client=AsyncWebClient(base_url=slack.url))
    app.socket_mode_request_listeners.append(acknowledge)
    connect: Callable[[], Awaitable[object]] = app.connect
    close: Callable[[], Awaitable[object]] = app.close
    await connect()
    await slack.command(slack.alice, slack.alerts)
    await close()
    assert (texts(slack), slack.violations) == (["slash_commands"], [])

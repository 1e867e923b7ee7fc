"""How simulated Slack delivers commands and clicks in Socket Mode, and reads the acks."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sim.slack import Rule, SimSlack, Source
from sim.alerts import ID, alert
from sim.api_client import rules
from sim.sample_app import App
from sim.socket_app import Link, SocketApp

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sockets(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[SocketApp]:
    slack.socket_mode = True
    async with SocketApp(slack, client) as sockets:
        yield sockets


async def test_a_command_arrives_in_an_envelope(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts, ID))

    envelope = await link.receive()
    await link.ack(envelope, payload={"text": "Pausing…"})
    delivery = await typing

    assert list(envelope) == ["envelope_id", "type", "accepts_response_payload", "payload"]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"] == {
        "token": "deprecatedVerificationToken",
        "team_id": "T0HOME00001",
        "team_domain": "acme",
        "channel_id": "C0ALERTS001",
        "channel_name": "alerts",
        "user_id": "U0ALICE0001",
        "user_name": "alice",
        "command": "/anchor-pause",
        "text": ID,
        "api_app_id": "A0ANCHOR001",
        "is_enterprise_install": "false",
        "response_url": delivery.response_url,
        "trigger_id": delivery.trigger_id,
    }
    assert delivery.ack is not None
    assert (delivery.status, delivery.error, delivery.ack.text) == (200, None, "Pausing…")
    assert (json.loads(delivery.request), delivery.headers) == (envelope, {})
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert (message.text, message.source) == ("Pausing…", Source.ACK)
    assert slack.violations == []


async def test_a_click_arrives_in_an_envelope(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    clicking = asyncio.create_task(slack.click(slack.alice, alert(slack)))

    envelope = await link.receive()
    await link.ack(envelope)
    delivery = await clicking

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    payload = envelope["payload"]
    assert isinstance(payload, dict)
    assert (payload["type"], payload["response_url"]) == ("block_actions", delivery.response_url)
    assert delivery.ack is not None
    assert len(slack.seen_by(slack.alice, slack.alerts)) == 1
    assert slack.violations == []


async def test_nothing_goes_to_the_request_url(slack: SimSlack, app: App, sockets: SocketApp) -> None:
    assert (await slack.command(slack.alice, slack.alerts)).error == "dispatch_failed"

    link = await sockets.connect()
    acknowledging = asyncio.create_task(link.acknowledge_everything())
    assert (await slack.command(slack.alice, slack.alerts)).status == 200
    assert app.received == []

    slack.socket_mode = False
    assert (await slack.command(slack.alice, slack.alerts)).status == 200
    assert len(app.received) == 1
    await link.socket.close()
    assert await acknowledging == 1


async def test_without_a_connection_nothing_can_be_dispatched(slack: SimSlack, sockets: SocketApp) -> None:
    assert (await sockets.open())["ok"] is True

    command = await slack.command(slack.alice, slack.alerts, ID)
    click = await slack.click(slack.alice, alert(slack))

    assert (command.status, command.error, click.error) == (None, "dispatch_failed", "dispatch_failed")
    assert [message.text for message in slack.seen_by(slack.alice, slack.alerts) if message.ephemeral_to] == [
        '/anchor-pause failed with the error "dispatch_failed"',
        "Operation timed out. Apps need to respond within three seconds",
    ]
    assert slack.violations == []


async def test_an_ack_may_be_empty(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    acks: list[dict[str, object]] = [{}, {"payload": {}}, {"payload": None}]
    for more in acks:
        typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
        await link.ack(await link.receive(), **more)
        delivery = await typing
        assert delivery.ack is not None
        assert delivery.ack.content.is_empty

    assert slack.seen_by(slack.alice, slack.alerts) == []
    assert slack.violations == []


async def test_a_late_ack_is_dropped_and_shown_as_a_timeout(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()

    delivery = await slack.command(slack.alice, slack.alerts)
    await link.ack(await link.receive(), payload={"text": "Paused."})
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    await link.ack(await link.receive())
    await typing

    assert (delivery.status, delivery.error, delivery.ack) == (None, "operation_timeout", None)
    assert delivery.elapsed > 0.49
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert message.text == '/anchor-pause failed with the error "operation_timeout"'
    assert rules(slack) == [Rule.ACK_LATE]


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        ({"envelope_id": "57d6a792-4d35-4d0b-b6aa-3361493e1ca1"}, Rule.ACK_UNKNOWN_ENVELOPE),
        ({"payload": {"text": "Paused."}}, Rule.ACK_WITHOUT_ENVELOPE),
        ({"envelope_id": 7}, Rule.ACK_WITHOUT_ENVELOPE),
        ([], Rule.ACK_WITHOUT_ENVELOPE),
    ],
)
async def test_an_ack_must_name_an_envelope(slack: SimSlack, sockets: SocketApp, frame: object, rule: Rule) -> None:
    link = await sockets.connect()

    await link.say(frame)

    await slack.until(lambda: rules(slack) == [rule])


async def test_frames_that_are_no_acks_are_violations_or_ignored(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()

    await link.socket.send_bytes(b"{}")
    await link.socket.send_str("{")

    await slack.until(lambda: rules(slack) == [Rule.ACK_WITHOUT_ENVELOPE])


async def test_an_envelope_is_acknowledged_once(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    envelope = await link.receive()

    await link.ack(envelope, payload={"text": "first"})
    await link.ack(envelope, payload={"text": "second"})

    await slack.until(lambda: rules(slack) == [Rule.ACK_TWICE])
    await typing
    assert [message.text for message in slack.seen_by(slack.alice, slack.alerts)] == ["first"]


async def test_a_resent_envelope_is_the_same_and_wants_another_ack(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    first = await link.receive()
    await link.ack(first)

    sending = asyncio.create_task(slack.resend(await typing))
    second = await link.receive()
    await link.ack(second)

    assert first == second
    assert (await sending).status == 200
    assert slack.violations == []


async def test_the_payload_of_a_clicks_ack_is_shown_to_nobody(slack: SimSlack, sockets: SocketApp) -> None:
    link = await sockets.connect()
    clicking = asyncio.create_task(slack.click(slack.alice, alert(slack)))

    await link.ack(await link.receive(), payload={"text": "Paused."})

    assert (await clicking).status == 200
    assert len(slack.seen_by(slack.alice, slack.alerts)) == 1
    assert rules(slack) == [Rule.ACK_BODY_IGNORED]


@pytest.mark.parametrize("accepts", [True, False])
async def test_some_envelopes_accept_no_payload(slack: SimSlack, sockets: SocketApp, *, accepts: bool) -> None:
    link = await sockets.connect()
    sending = asyncio.create_task(
        slack.sockets.send("events_api", {"type": "event_callback"}, accepts_response_payload=accepts)
    )

    envelope = await link.receive()
    await link.ack(envelope, payload={"text": "Paused."})

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", accepts)
    assert (await sending).body == (b'{"text": "Paused."}' if accepts else b"")
    assert rules(slack) == ([] if accepts else [Rule.ACK_PAYLOAD_NOT_ACCEPTED])


async def test_envelopes_go_to_each_connection_in_turn(slack: SimSlack, sockets: SocketApp) -> None:
    links = [await sockets.connect() for _ in range(3)]
    acknowledging = [asyncio.create_task(link.acknowledge_everything()) for link in links]

    for _ in range(6):
        assert (await slack.command(slack.alice, slack.alerts)).status == 200

    assert await everything(links, acknowledging) == [2, 2, 2]


async def test_the_connection_can_be_chosen(slack: SimSlack, sockets: SocketApp) -> None:
    links = [await sockets.connect() for _ in range(3)]
    acknowledging = [asyncio.create_task(link.acknowledge_everything()) for link in links]

    slack.sockets.choose = lambda connections: connections[1]
    await slack.command(slack.alice, slack.alerts)
    slack.sockets.choose = random.Random(1).choice  # noqa: S311 - no secret
    for _ in range(30):
        await slack.command(slack.alice, slack.alerts)

    counts = await everything(links, acknowledging)
    assert sum(counts) == 31
    assert min(counts) > 0


async def test_an_ack_may_come_over_another_connection(slack: SimSlack, sockets: SocketApp) -> None:
    first, second = await sockets.connect(), await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))

    await second.ack(await first.receive())

    assert (await typing).status == 200
    assert slack.violations == []


async def test_a_thousand_envelopes_at_once_are_acknowledged(client: aiohttp.ClientSession) -> None:
    async with SimSlack(socket_mode=True) as patient, SocketApp(patient, client) as app:
        links = [await app.connect() for _ in range(4)]
        acknowledging = [asyncio.create_task(link.acknowledge_everything()) for link in links]
        message = alert(patient)
        commands = [patient.command(patient.alice, patient.alerts, ID) for _ in range(500)]
        clicks = [patient.click(patient.bob, message) for _ in range(500)]
        deliveries = await asyncio.gather(*commands, *clicks)
        assert await everything(links, acknowledging) == [250] * 4
        assert patient.violations == []

    assert {delivery.error for delivery in deliveries} == {None}
    assert len({delivery.trigger_id for delivery in deliveries}) == 1000


async def test_slacks_own_client_gets_along_with_it(slack: SimSlack) -> None:
    async def acknowledge(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": request.type}))

    slack.socket_mode = True
    app = SocketModeClient(slack.app_token, web_client=AsyncWebClient(base_url=slack.url))
    app.socket_mode_request_listeners.append(acknowledge)
    await app.connect()  # type: ignore[no-untyped-call]
    try:
        delivery = await slack.command(slack.alice, slack.alerts, ID)
    finally:
        await app.close()  # type: ignore[no-untyped-call]

    assert delivery.ack is not None
    assert delivery.ack.text == "slash_commands"
    assert slack.violations == []


async def everything(links: list[Link], acknowledging: list[asyncio.Task[int]]) -> list[int]:
    """How many envelopes each connection got, once all are closed."""
    for link in links:
        await link.socket.close()
    return list(await asyncio.gather(*acknowledging))

"""How simulated Slack delivers in Socket Mode, reads the acks, and opens and ends websockets."""

import asyncio
import json

import aiohttp
import pytest

from bot.sim.slack import Rule, SimSlack
from sim.api_client import rules
from sim.socket_app import SocketApp

pytestmark = pytest.mark.anyio

REJECTED = aiohttp.WSServerHandshakeError
UNKNOWN = '{"envelope_id": "9f1a7f6e-5b6d-4d0b-b6aa-3361493e1ca1"}'


def texts(slack: SimSlack) -> list[str]:
    return [message.text for message in slack.seen_by(slack.alice, slack.alerts)]


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (UNKNOWN, Rule.ACK_UNKNOWN_ENVELOPE),
        ('{"payload": {"text": "Paused."}}', Rule.ACK_WITHOUT_ENVELOPE),
        ("{", Rule.ACK_WITHOUT_ENVELOPE),
    ],
)
async def test_a_frame_without_an_envelope_is_a_violation(
    slack: SimSlack, sockets: SocketApp, frame: str, rule: Rule
) -> None:
    connection = await sockets.connect()
    await connection.socket.send_bytes(b"{}")  # ignored
    await connection.socket.send_str(frame)
    await slack.until(lambda: rules(slack) == [rule])


async def test_an_envelope_is_acknowledged_once_each_time_it_is_sent(slack: SimSlack, sockets: SocketApp) -> None:
    connection = await sockets.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    first = await connection.receive()
    await connection.ack(first, payload={"text": "first"})
    await connection.ack(first, payload={"text": "second"})
    await slack.until(lambda: rules(slack) == [Rule.ACK_TWICE])
    sending = asyncio.create_task(slack.resend(await typing))
    assert await connection.receive() == first
    await connection.ack(first)
    assert ((await sending).status, texts(slack), len(slack.violations)) == (200, ["first"], 1)


@pytest.mark.parametrize("accepts", [True, False])
async def test_some_envelopes_accept_no_payload(slack: SimSlack, sockets: SocketApp, *, accepts: bool) -> None:
    connection = await sockets.connect()
    sending = asyncio.create_task(slack.sockets.send("events_api", {}, accepts_response_payload=accepts))
    await connection.ack(await connection.receive(), payload={"text": "Paused."})
    assert (await sending).body == (b'{"text": "Paused."}' if accepts else b"")
    assert rules(slack) == ([] if accepts else [Rule.ACK_PAYLOAD_NOT_ACCEPTED])


async def test_only_the_app_token_in_the_header_opens_a_connection(slack: SimSlack, sockets: SocketApp) -> None:
    assert list(await sockets.open()) == ["ok", "url"]
    for token, form, error, broken in (
        (slack.bot_token, {}, "not_allowed_token_type", []),
        ("", {"token": slack.app_token}, "invalid_auth", [Rule.TOKEN_OUTSIDE_HEADER]),
    ):
        assert await sockets.open(token=token, form=form) == {"ok": False, "error": error}
        assert rules(slack) == broken


@pytest.mark.parametrize(("size", "error"), [(20_480, None), (20_481, "operation_timeout")])
async def test_a_frame_over_the_limit_ends_the_connection(
    slack: SimSlack, sockets: SocketApp, size: int, error: str | None
) -> None:
    connection = await sockets.connect()
    sending = asyncio.create_task(slack.sockets.send("slash_commands", {}, accepts_response_payload=True))
    frame = {"envelope_id": (await connection.receive())["envelope_id"], "payload": {"text": ""}}
    frame["payload"]["text"] = "x" * (size - len(json.dumps(frame)))
    await connection.send(frame)
    if error:
        assert await connection.end() is aiohttp.WSMsgType.CLOSE
        assert connection.socket.close_code == 1009
    assert (await sending).error == error


async def test_a_url_is_valid_for_one_connection_within_thirty_seconds(slack: SimSlack, sockets: SocketApp) -> None:
    used, old = [(await sockets.open())["url"] for _ in range(2)]
    await sockets.follow(used)
    for wrong in (used, used + "x", used.partition("?")[0]):
        with pytest.raises(REJECTED, match="403"):
            await sockets.follow(wrong)
    slack.clock.advance(30)
    with pytest.raises(REJECTED, match="403"):
        await sockets.follow(old)

"""Socket Mode: connections come and go, and nobody notices."""

import asyncio
import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
import pytest

from bot.inbound.socket_link import HEARTBEAT
from bot.sim.anchor import Slow
from bot.sim.slack import (
    Connection,
    Delivery,
    Fault,
    Reason,
    ResetAfterReading,
    SimSlack,
    Source,
    api_error,
    rate_limited,
    server_error,
)
from harness import SESSION, SOCKET_ONLY, SingleHarness, current_transport, single_workspace

pytestmark = [pytest.mark.anyio, SOCKET_ONLY]

OPEN = "apps.connections.open"
SWITCH_ON = (
    "Socket Mode is switched off in the Slack app's settings. Switch it on there (Settings > Socket Mode) and restart "
    "the bot; or unset SLACK_APP_TOKEN, set SLACK_SIGNING_SECRET, and restart it to be served over HTTP."
)
READY = (200, {"ready": True, "reasons": {}})


async def probe(at: SingleHarness, path: str = "/readyz") -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(at.bot.url + path) as answer:
        return answer.status, await answer.json()


async def readyz_is(at: SingleHarness, status: int, *, within: float = 5.0) -> Mapping[str, object]:
    """Wait until /readyz answers with this status, and return its reasons."""
    async with asyncio.timeout(within):
        while (answer := await probe(at))[0] != status:  # noqa: ASYNC110 - nothing but the probe tells
            await asyncio.sleep(0.02)
    reasons = answer[1]["reasons"]
    assert isinstance(reasons, dict)
    return reasons


def opened(at: SingleHarness) -> int:
    """How often the bot has asked for a connection."""
    return len([call for call in at.slack.api_calls if call.method == OPEN])


async def another_connection(at: SingleHarness, *, than: Connection) -> None:
    """Wait until the bot has one connection, and it is a new one."""
    await at.slack.until(lambda: at.slack.sockets.count == 1 and than not in at.slack.sockets.connections)


def told(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.message == message]


async def test_the_probes_are_served_and_the_http_door_is_off_even_with_a_signing_secret() -> None:
    async with single_workspace(SLACK_SIGNING_SECRET="8f742231b10e8888abcd99yyyzzz85a5") as at:
        assert await probe(at) == READY
        assert await probe(at, "/healthz") == (200, {"ok": True})
        async with aiohttp.ClientSession() as session:
            body = b"command=%2Fanchor-pause"
            async with session.post(f"{at.bot.url}/slack/events", data=body, headers=at.slack.sign(body)) as answer:
                assert answer.status == 404
        assert [call.token for call in at.slack.api_calls] == [at.slack.bot_token, at.slack.app_token]


async def test_the_ack_carries_the_answer() -> None:
    async with single_workspace() as at:
        delivery = await at.command(SESSION)
        (message,) = at.messages()
        assert at.slack.sockets.count == 1
    assert message.source is Source.ACK
    assert delivery.headers == {}


def close(reason: Reason) -> Callable[[SimSlack], Awaitable[None]]:
    return lambda slack: slack.sockets.disconnect(reason, after=0.2)


async def drop(slack: SimSlack) -> None:
    slack.sockets.drop()


async def mute(slack: SimSlack) -> None:
    slack.sockets.mute()


ENDS = {
    "warning": close("warning"),
    "refresh_requested": close("refresh_requested"),
    "too_many_websockets": close("too_many_websockets"),
    "TCP reset": drop,
}


@pytest.mark.parametrize("end", [*ENDS.values(), mute], ids=[*ENDS, "silence"])
async def test_a_connection_that_ends_is_replaced(end: Callable[[SimSlack], Awaitable[None]]) -> None:
    async with single_workspace(heartbeat=0.1) as at:
        (old,) = at.slack.sockets.connections
        began = time.monotonic()
        await end(at.slack)
        await another_connection(at, than=old)
        assert time.monotonic() - began < 2.0
        delivery = await at.command(SESSION)
        assert await probe(at) == READY
        assert opened(at) == 2
    assert delivery.error is None
    assert "*Paused*" in at.messages()[0].text


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_command_in_hand_when_its_connection_ends_is_answered_once(
    end: Callable[[SimSlack], Awaitable[None]],
) -> None:
    async with single_workspace() as at:
        (old,) = at.slack.sockets.connections
        at.anchor.fault = Slow(1.2)
        typing = asyncio.create_task(at.command(SESSION))
        await at.anchor.until(lambda: at.anchor.requests)
        await end(at.slack)
        delivery = await typing
        await another_connection(at, than=old)
        await asyncio.sleep(0.2)  # for what nobody asked for
        (message,) = at.messages()
        assert len(at.anchor.posts(SESSION)) == 1
        assert at.ephemerals() == []
    assert delivery.error is None
    assert message.source is Source.ACK


async def test_after_a_warning_the_next_connection_is_open_before_the_last_one_closes() -> None:
    async with single_workspace() as at:
        (old,) = at.slack.sockets.connections
        counts = []
        await at.slack.sockets.disconnect("warning", after=0.5)
        await at.slack.until(lambda: at.slack.sockets.count == 2)
        at.slack.sockets.choose = lambda _: old
        assert (await at.command(SESSION)).error is None
        while old in at.slack.sockets.connections:
            counts.append((at.slack.sockets.count, (await probe(at))[0]))
            await asyncio.sleep(0.02)
        assert set(counts) == {(2, 200)}


async def test_commands_typed_all_the_while_connections_change_are_all_answered_once() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(0.05)
        typing = []
        for number in range(60):
            typing.append(asyncio.create_task(at.command(at.anchor.add_session())))
            if number in {10, 40}:
                await at.slack.sockets.disconnect("warning", only=at.slack.sockets.connections[-1], after=1.0)
            await asyncio.sleep(0.01)
        deliveries = await asyncio.gather(*typing)
        assert len(at.messages()) == len(at.anchor.requests) == 60
    assert {delivery.error for delivery in deliveries} == {None}


@pytest.mark.parametrize(
    ("place", "fault", "why"),
    [
        (OPEN, api_error("internal_error"), "internal_error"),
        (OPEN, api_error("invalid_auth"), "SLACK_APP_TOKEN is refused: invalid_auth"),
        (OPEN, ResetAfterReading(), "ServerDisconnectedError"),
        ("handshake", server_error(503), "WSServerHandshakeError"),
    ],
    ids=["Slack fails", "a token revoked meanwhile", "reset", "handshake"],
)
async def test_a_deaf_connection_turns_readyz_red_until_there_is_another(
    place: str, fault: Fault, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace(heartbeat=0.1) as at:
        at.slack.faults[place] = fault
        at.slack.sockets.mute()
        await readyz_is(at, 503)
        await asyncio.sleep(0.1)
        assert (await readyz_is(at, 503))["socket"] in {
            f"No connection to Slack (Socket Mode) is open ({name}); trying again."
            for name in (why, "ClientOSError", "ConnectionResetError")
        }
        assert await probe(at, "/healthz") == (200, {"ok": True})
        at.slack.faults.clear()
        assert await readyz_is(at, 200) == {}
        assert (await at.command(SESSION)).error is None
    assert told(caplog, "Slack can't be connected to")
    assert "ticket" not in caplog.text


def test_a_deaf_connection_is_found_within_thirty_seconds() -> None:
    """A ping after HEARTBEAT, half as long for any word after it, and aiohttp rounds each up to a second."""
    assert HEARTBEAT * 1.5 + 2 < 30


async def test_a_failure_to_open_does_not_turn_readyz_red_while_the_warned_connection_works() -> None:
    async with single_workspace() as at:
        at.slack.faults[OPEN] = rate_limited(1, times=1)
        await at.slack.sockets.disconnect("warning", after=5)
        await at.slack.until(lambda: opened(at) == 2)
        began = time.monotonic()
        assert await probe(at) == READY
        await at.slack.until(lambda: at.slack.sockets.count == 2)
        assert time.monotonic() - began > 0.9


async def test_switched_off_it_stops_trying_and_says_what_to_switch_on(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        await at.slack.sockets.disconnect("link_disabled")
        assert await readyz_is(at, 503) == {"socket": SWITCH_ON}
        await asyncio.sleep(1.0)
        assert opened(at) == 1
        assert await probe(at) == (503, {"ready": False, "reasons": {"socket": SWITCH_ON}})
        assert await probe(at, "/healthz") == (200, {"ok": True})
    (record,) = told(caplog, "Socket Mode is switched off")
    assert (record["levelno"], record["what_to_do"]) == (logging.ERROR, SWITCH_ON)


async def test_switched_off_while_a_connection_is_renewed_it_stops_as_well() -> None:
    async with single_workspace() as at:
        at.slack.socket_mode = False
        at.slack.sockets.drop()
        await at.slack.until(lambda: opened(at) == 2)
        await asyncio.sleep(0.1)
        assert await readyz_is(at, 503) == {"socket": SWITCH_ON}
        assert opened(at) == 2


async def test_a_command_in_hand_when_socket_mode_is_switched_off_is_told_its_result_all_the_same() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(0.8)
        typing = asyncio.create_task(at.command(SESSION))
        await at.anchor.until(lambda: at.anchor.requests)
        await at.slack.sockets.disconnect("link_disabled")
        (message,) = await at.wait_for_messages()
        assert (await typing).error == "operation_timeout"
        at.slack.violations.clear()  # that ack could not come in time
    assert message.source is Source.RESPONSE_URL
    assert message.text.startswith("⏸️ *Paused*")


BAD: dict[str, object] = {
    "a list": [SESSION],
    "nothing": None,
    "no user": {"command": "/anchor-pause", "team_id": "T0HOME00001", "channel_id": "C0ALERTS001"},
    "a number for a text": {
        "command": "/anchor-pause",
        "team_id": "T0HOME00001",
        "channel_id": "C0ALERTS001",
        "user_id": "U0ALICE0001",
        "text": 7,
    },
    "half a character": {"command": "/anchor-pause", "text": "\ud800"},
}


@pytest.mark.parametrize("payload", BAD.values(), ids=BAD)
async def test_a_bad_command_is_acknowledged_with_a_polite_answer(
    payload: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace() as at:
        answer = await at.deliver("slash_commands", payload, takes_answer=True)
        bare = await at.deliver("slash_commands", payload)
        assert at.anchor.requests == []
    assert b"can't read; nothing was done" in answer.body
    assert b'"ephemeral"' in answer.body
    assert (bare.status, bare.body) == (200, b"")
    assert len(told(caplog, "requests turned away")) == 1
    assert "anchor-pause" not in caplog.text


@pytest.mark.parametrize("kind", ["interactive", "events_api", "novelty"])
async def test_anything_else_that_is_bad_is_acknowledged_without_a_word(kind: str) -> None:
    async with single_workspace() as at:
        answer = await at.deliver(kind, {"type": 7}, takes_answer=True)
        assert (answer.status, answer.body) == (200, b"")


async def test_frames_that_ask_for_nothing_are_ignored() -> None:
    async with single_workspace() as at:
        for frame in (
            "",
            "{",
            "[]",
            "null",
            "[" * 5000,
            '{"type":"slash_commands"}',
            '{"type":[]}',
            '{"type":"hello"}',
        ):
            await at.slack.sockets.say(frame)
        assert (await at.command(SESSION)).error is None
        assert opened(at) == 1


async def elapsed(at: SingleHarness, text: str) -> float:
    delivery: Delivery = await at.command(text)
    assert delivery.error is None
    return delivery.elapsed


@pytest.mark.parametrize("text", ["help", SESSION])
async def test_an_ack_takes_at_most_half_as_long_again_as_over_http(
    text: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Both in the same run and in turn, so that what else the machine does counts for both."""
    async with single_workspace() as over_socket:
        current_transport.name = "http"
        async with single_workspace() as over_http:
            took: dict[str, list[float]] = {"http": [], "socket": []}
            for _ in range(300):
                took["http"].append(await elapsed(over_http, text))
                took["socket"].append(await elapsed(over_socket, text))
    http, socket = (statistics.median(took[way][50:]) for way in ("http", "socket"))
    record_testsuite_property(f"median ms until the ack, {text}", {"http": http * 1000, "socket": socket * 1000})
    assert socket <= 1.5 * http, f"{socket * 1000:.2f} ms by Socket Mode, {http * 1000:.2f} ms over HTTP"

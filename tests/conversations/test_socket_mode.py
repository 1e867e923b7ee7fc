"""Socket Mode: connections end and are replaced, and every command is answered once."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Fault, Reason, ResetAfterReading, SimSlack, Source, api_error, server_error
from harness import ALICE, SESSION, SOCKET_ONLY, SingleHarness, paused, single_workspace
from harness.conversation import until
from harness.product import Limits

pytestmark = SOCKET_ONLY

OPEN = "apps.connections.open"
HEARTBEAT = Limits().heartbeat
COMMAND = {"command": "/anchor-pause", "team_id": "T0HOME00001", "channel_id": "C0ALERTS001"}
READY = (200, {"ready": True, "leader": True, "reasons": {}, "degraded": {}})


async def probe(at: SingleHarness, path: str = "/readyz") -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(at.bot.url + path) as answer:
        return answer.status, await answer.json()


async def not_ready(at: SingleHarness) -> str:
    """Wait until /readyz answers 503 because of the socket alone, and return the reason."""

    async def has_failed() -> bool:
        return (await probe(at))[0] == 503

    await until(has_failed)
    reasons = (await probe(at))[1]["reasons"]
    assert isinstance(reasons, dict)
    assert list(reasons) == ["socket"]
    return str(reasons["socket"])


async def is_ready(at: SingleHarness) -> None:
    """Wait until /readyz answers 200."""

    async def is_ready() -> bool:
        return await probe(at) == READY

    await until(is_ready)


def opened(at: SingleHarness) -> int:
    """Count the connections that the bot has asked for."""
    return len([call for call in at.slack.api_calls if call.method == OPEN])


async def test_probes_are_served_and_the_request_url_is_not_even_with_a_signing_secret() -> None:
    async with single_workspace(SLACK_SIGNING_SECRET="8f742231b10e8888abcd99yyyzzz85a5") as at:
        assert await probe(at) == READY
        assert await probe(at, "/healthz") == (200, {"ok": True})
        async with aiohttp.ClientSession() as session:
            body = b"command=%2Fanchor-pause"
            async with session.post(f"{at.bot.url}/slack/events", data=body, headers=at.slack.sign(body)) as answer:
                assert answer.status == 404
        assert [call.token for call in at.slack.api_calls] == [at.slack.bot_token, at.slack.app_token]


def close(reason: Reason) -> Callable[[SimSlack], Awaitable[None]]:
    return lambda slack: slack.sockets.disconnect(reason, after=0.2)


async def drop(slack: SimSlack) -> None:
    slack.sockets.drop()


async def black_hole(slack: SimSlack) -> None:
    slack.sockets.black_hole()


ENDS = {
    "warning": close("warning"),
    "refresh_requested": close("refresh_requested"),
    "too_many_websockets": close("too_many_websockets"),
    "TCP reset": drop,
    "silence": black_hole,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_connection_that_ends_is_replaced(end: Callable[[SimSlack], Awaitable[None]]) -> None:
    async with single_workspace(heartbeat=0.5 if end is black_hole else HEARTBEAT) as at:
        (old,) = at.slack.sockets.connections
        at.anchor.fault = Slow(1.3 if end is black_hole else 0.7, times=1)
        typing = asyncio.create_task(at.command())
        await at.anchor.until(lambda: at.orders)
        await end(at.slack)
        await at.slack.until(lambda: at.slack.sockets.count == 1 and old not in at.slack.sockets.connections)
        assert (await typing).error is None
        assert (await at.command()).error is None
        await is_ready(at)
        assert len(at.orders) == 2
        assert opened(at) >= 2 if end is black_hole else opened(at) == 2  # a pong may be late on a slow machine
        assert [(message.source, message.text) for message in at.seen()] == [(Source.ACK, paused())] * 2


@pytest.mark.parametrize(
    ("place", "fault", "why"),
    [
        (OPEN, api_error("internal_error"), "internal_error"),
        (OPEN, api_error("invalid_auth"), "invalid_auth"),
        (OPEN, ResetAfterReading(), "ServerDisconnectedError"),
        ("handshake", server_error(503), "WSServerHandshakeError"),
    ],
    ids=["Slack fails", "a token revoked meanwhile", "reset", "handshake"],
)
async def test_without_a_working_connection_the_bot_is_not_ready(
    place: str, fault: Fault, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace(heartbeat=0.5) as at:
        at.slack.faults[place] = fault
        at.slack.sockets.black_hole()
        await not_ready(at)
        await asyncio.sleep(1.0)
        reason = await not_ready(at)
        assert any(name in reason for name in (why, "ClientOSError", "ConnectionResetError"))
        assert await probe(at, "/healthz") == (200, {"ok": True})
        at.slack.faults.clear()
        await at.slack.until(lambda: at.slack.sockets.count == 1)
        assert (await at.command()).error is None
        await is_ready(at)
    assert [vars(record)["why"] for record in caplog.records if record.levelno == logging.WARNING]
    assert "ticket" not in caplog.text


async def test_switched_off_it_is_not_ready_and_then_works_without_a_restart() -> None:
    async with single_workspace() as at:
        await at.slack.sockets.disconnect("link_disabled")
        await at.slack.until(lambda: opened(at) > 2)
        assert "link_disabled" in await not_ready(at)
        at.slack.socket_mode = True
        await is_ready(at)
        assert (await at.command()).error is None


BAD_COMMANDS: list[Any] = [
    [SESSION],
    None,
    COMMAND,
    COMMAND | {"user_id": ALICE, "text": 7},
    {"command": "/anchor-pause", "text": "\ud800"},
]


UNREADABLE_FRAMES: list[Any] = [{"type": "slash_commands"}, {"type": []}, {"type": "hello"}]


async def test_bad_envelopes_are_not_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        bad = [("slash_commands", payload) for payload in BAD_COMMANDS]
        bad += [(kind, {"type": 7}) for kind in ("interactive", "events_api", "novelty")]
        answers = await asyncio.gather(*(at.deliver(*one, takes_answer=True) for one in bad))
        assert {answer.error for answer in answers} == {"operation_timeout"}
        for frame in ("", "{", "[]", "null", "[" * 5000, *map(json.dumps, UNREADABLE_FRAMES)):
            await at.slack.sockets.say(frame)
        assert at.anchor.requests == []
        assert (await at.command()).error is None
        assert opened(at) == 1
    assert {vars(one)["status"] for one in caplog.records if one.levelno == logging.WARNING} == {400}
    assert "anchor-pause" not in caplog.text


async def test_a_command_after_a_quiet_time_is_not_taken_for_a_late_one() -> None:
    async with single_workspace(tick=Limits().tick) as at:
        await asyncio.sleep(60.0)
        await at.answer("a command")
        assert [(message.source, message.text) for message in at.seen()] == [(Source.ACK, paused())]

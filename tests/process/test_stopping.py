"""The end: nobody is left without an answer, and nothing is left running."""

import asyncio
import signal
import time
from typing import Any

import aiohttp
import pytest

from harness import SESSION, outcome_text, paused
from harness.process import (
    GONE_WITHIN,
    BotProcess,
    hanging,
    seconds_to_stop,
    single_workspace_process,
)
from harness.product import outcomes
from harness.texts import waiting_text

pytestmark = pytest.mark.anyio

TRANSPORTS = pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
DEVELOPMENT = {"PYTHONDEVMODE": "1"}  # Python then complains of what was never awaited or closed


def shutdown_log(bot: BotProcess) -> list[dict[str, Any]]:
    """Return what it logged, without Python's remarks on how long something took: those are about this machine."""
    return [entry for entry in bot.log if not entry["message"].startswith("Executing <")]


@TRANSPORTS
async def test_commands_that_hang_at_the_end_are_all_told_so(*, socket_mode: bool) -> None:
    async with single_workspace_process(DEVELOPMENT, socket_mode=socket_mode) as at:
        sessions, typing = await hanging(at, 5)
        stopping = asyncio.create_task(seconds_to_stop(at.bot))
        await at.bot.says("stopping")
        assert await at.bot.get("/healthz") == (200, {"ok": True})
        status, answer = await at.bot.get("/readyz")
        assert (status, answer["ready"], set(answer["reasons"])) == (503, False, {"stopping"})
        late = await at.command(SESSION)
        assert await stopping < GONE_WITHIN
        deliveries = await asyncio.gather(*typing)
        reported = at.messages()
        with pytest.raises(aiohttp.ClientConnectorError):
            await at.bot.get("/healthz")
    assert late.ack is not None
    assert late.ack.response_type == "ephemeral"
    if socket_mode:  # its envelopes are served until all are answered
        assert late.ack.text == waiting_text()
        sessions.append(SESSION)
    else:
        assert late.ack.text == outcome_text(outcomes.Refusal(outcomes.Why.STOPPING))
    assert len(at.anchor.orders) == len(sessions)
    assert [delivery.error for delivery in deliveries] == [None] * 5
    stopped = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)
    assert {message.text for message in reported} == {outcome_text(stopped, session=session) for session in sessions}
    assert len(reported) == len(sessions)
    assert {entry["message"] for entry in shutdown_log(at.bot) if entry["level"] != "INFO"} == {"pause"}
    assert at.slack.violations == []


@pytest.mark.parametrize(
    ("number", "socket_mode"), [(signal.SIGINT, False), (signal.SIGTERM, True)], ids=["Ctrl-C", "Socket Mode"]
)
async def test_without_work_a_bot_ends_in_order(number: signal.Signals, *, socket_mode: bool) -> None:
    settings = DEVELOPMENT | {"DRAIN_SECONDS": "3.5"}
    async with single_workspace_process(settings, socket_mode=socket_mode) as at:
        await at.command(SESSION)
        assert await seconds_to_stop(at.bot, number) < GONE_WITHIN
    logged = ["starting", "tables created", "listening", "ready", "connected to Slack", "pause", "stopping"]
    assert [entry["message"] for entry in shutdown_log(at.bot)] == [
        message for message in logged if socket_mode or message != "connected to Slack"
    ]
    assert at.slack.sockets.count == 0


async def test_after_sigterm_requests_are_served_until_a_load_balancer_has_noticed() -> None:
    async with single_workspace_process(DEVELOPMENT | {"DRAIN_SECONDS": "3"}) as at:
        stopping = asyncio.create_task(seconds_to_stop(at.bot))
        while (await at.bot.get("/readyz"))[0] != 503:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        deliveries, ends = [], time.monotonic() + 1.5
        while time.monotonic() < ends:
            deliveries.append(await at.command(SESSION))
            await asyncio.sleep(0.3)
        assert 3.0 <= await stopping < GONE_WITHIN
    assert {(delivery.error, delivery.ack and delivery.ack.text) for delivery in deliveries} == {(None, paused())}

"""The end: nobody is left without an answer, and nothing is left running."""

import asyncio
import os
import signal
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.demo.stage import environment
from bot.sim.anchor import Hang, SimAnchor
from bot.sim.slack import Delivery, SimSlack, Source
from harness import SESSION
from harness.process import BotProcess, ProcessHarness, bot_process, single_workspace_process

pytestmark = pytest.mark.anyio

GONE_WITHIN = 10.0
WAYS = pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
DEVELOPMENT = {"PYTHONDEVMODE": "1"}  # Python then complains of what was never awaited or closed


def told_by(bot: BotProcess) -> list[dict[str, Any]]:
    """What it logged, without Python's remarks on how long something took: those are about this machine."""
    return [entry for entry in bot.log if not entry["message"].startswith("Executing <")]


async def hanging(at: ProcessHarness, count: int) -> tuple[list[str], list[asyncio.Task[Delivery]]]:
    """Type commands that Anchor has received and does not answer."""
    at.anchor.fault = Hang()
    sessions = [at.anchor.add_session() for _ in range(count)]
    typing = [asyncio.create_task(at.command(session)) for session in sessions]
    await at.anchor.until(lambda: len(at.anchor.requests) == count)
    return sessions, typing


def nothing_is_left_of(bot: BotProcess) -> bool:
    try:
        os.killpg(bot.process.pid, 0)
    except ProcessLookupError:
        return True
    return False


async def is_refused(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url):
            return False
    except aiohttp.ClientConnectorError:
        return True


@WAYS
async def test_commands_that_hang_at_the_end_are_all_told_so(*, socket_mode: bool) -> None:
    async with single_workspace_process(DEVELOPMENT, socket_mode=socket_mode) as at:
        sessions, typing = await hanging(at, 5)
        stopped_at = time.monotonic()
        at.bot.process.terminate()
        await at.bot.says("stopping")
        assert await at.bot.get("/healthz") == (200, {"ok": True})
        assert await at.bot.get("/readyz") == (
            503,
            {"ready": False, "reasons": {"stopping": "The bot is being stopped."}},
        )
        late = await at.command(SESSION)
        assert await at.bot.exit_code() == 0
        seconds = time.monotonic() - stopped_at
        deliveries = await asyncio.gather(*typing)
        told = [m for m in at.slack.channel_messages(at.slack.alerts) if m.source is not Source.TYPED]
        assert nothing_is_left_of(at.bot)
        assert await is_refused(at.bot.url)
    assert seconds < GONE_WITHIN
    assert late.ack is not None
    assert late.ack.response_type == "ephemeral"
    assert late.ack.text.splitlines()[0] == (
        f"*Not paused:* the bot is being restarted and sent nothing for session `{SESSION}`."
    )
    assert len(at.anchor.requests) == 5
    assert [delivery.error for delivery in deliveries] == [None] * 5
    assert sorted(message.text for message in told) == sorted(
        f"❓ *Unconfirmed, it may or may not be paused*: session `{session}`, asked for by <@{at.slack.alice.id}>.\n"
        "The bot was stopped while it was asking Anchor.\n"
        "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard."
        for session in sessions
    )
    assert [entry for entry in told_by(at.bot) if entry["level"] != "INFO"] == []
    assert at.bot.sentences == []
    assert at.slack.violations == []


async def test_a_slack_that_hangs_does_not_hold_the_end_up() -> None:
    async with single_workspace_process(DEVELOPMENT | {"LOG_LEVEL": "DEBUG"}) as at:
        at.slack.faults["response_url"] = Hang()
        _, typing = await hanging(at, 1)
        (delivery,) = await asyncio.gather(*typing)
        stopped_at = time.monotonic()
        assert await at.bot.stop() == 0
        seconds = time.monotonic() - stopped_at
        assert nothing_is_left_of(at.bot)
    assert seconds < GONE_WITHIN
    (untold,) = [entry for entry in told_by(at.bot) if entry["level"] != "INFO"]
    assert untold["message"] == "a result could not be told"
    assert untold["why"].endswith("the bot was stopped")
    assert urlsplit(delivery.response_url).path not in "".join(at.bot.lines)
    assert at.bot.sentences == []


@WAYS
async def test_a_command_that_ends_in_time_is_waited_for(*, socket_mode: bool) -> None:
    async with single_workspace_process(socket_mode=socket_mode) as at:
        sessions, typing = await hanging(at, 1)
        at.bot.process.terminate()
        await at.bot.says("stopping")
        at.anchor.fault = None
        await at.anchor.stop()  # the connection breaks; once Anchor is back, the bot's second attempt succeeds
        await at.anchor.start()
        (delivery,) = await asyncio.gather(*typing)
        assert await at.bot.exit_code() == 0
    assert delivery.ack is not None
    assert delivery.ack.text.startswith(f"⏸️ *Paused*: session `{sessions[0]}`")


@WAYS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_an_idle_bot_goes_at_once(number: signal.Signals, *, socket_mode: bool) -> None:
    async with single_workspace_process(DEVELOPMENT, socket_mode=socket_mode) as at:
        await at.command(SESSION)
        stopped_at = time.monotonic()
        at.bot.process.send_signal(number)
        assert await at.bot.exit_code() == 0
        seconds = time.monotonic() - stopped_at
        assert nothing_is_left_of(at.bot)
    assert seconds < 3.0
    connected = ["connected to Slack"] if socket_mode else []
    assert [entry["message"] for entry in told_by(at.bot)] == ["listening", "ready", *connected, "pause", "stopping"]
    assert at.slack.sockets.count == 0
    assert at.bot.sentences == []


@pytest.mark.parametrize("faulty", [True, False], ids=["no connection at all", "the connection is deaf"])
async def test_a_slack_that_can_not_be_connected_to_does_not_hold_the_end_up(*, faulty: bool) -> None:
    async with single_workspace_process(DEVELOPMENT, socket_mode=True) as at:
        at.slack.faults["apps.connections.open"] = Hang()
        _, typing = await hanging(at, 1)
        if faulty:
            at.slack.sockets.drop()
        else:
            at.slack.sockets.mute()
        stopped_at = time.monotonic()
        assert await at.bot.stop() == 0
        seconds = time.monotonic() - stopped_at
        assert nothing_is_left_of(at.bot)
        await asyncio.gather(*typing)
    assert seconds < GONE_WITHIN
    assert at.bot.sentences == []


async def test_a_bot_that_never_got_a_connection_goes_too() -> None:
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        slack.faults["handshake"] = Hang()
        async with bot_process(environment(slack, anchor, **DEVELOPMENT)) as bot:
            await bot.says("ready")
            await slack.until(lambda: len(slack.api_calls) == 2)
            assert await bot.stop() == 0
    assert [entry["message"] for entry in told_by(bot)] == ["listening", "ready", "stopping"]
    assert bot.sentences == []


async def test_a_bot_that_never_became_ready_goes_too() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        await slack.stop()
        async with bot_process(environment(slack, anchor, **DEVELOPMENT)) as bot:
            await bot.says("Slack can't be reached")
            assert await bot.stop() == 0
    assert [entry["message"] for entry in told_by(bot)] == ["listening", "Slack can't be reached", "stopping"]
    assert bot.sentences == []

"""A bot as a process: how it starts, serves many, and ends."""

import asyncio
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import __version__
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor, Slow
from bot.sim.slack import Delivery, SimSlack, api_error
from harness import SESSION, outcome_text, paused, process
from harness.process import GONE_WITHIN, MODULE, BotProcess, bot_process, seconds_to_stop, single_workspace_process
from harness.product import Limits, outcomes
from harness.texts import waiting_text

Check = Callable[[str, str], None]


FOREIGN = {
    "SLACK_SCOPES": "commands,chat:write",
    "SLACK_VERIFICATION_TOKEN": "verification",
    "SLACK_USER_TOKEN": "xoxp-of-a-person",
} | dict.fromkeys(("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), "http://127.0.0.1:9")
"""Variables that mean something to Bolt and to HTTP clients, and must not to the bot."""


async def test_it_serves_slack_whatever_else_is_set_and_says_what_is_questionable(tmp_path: Path) -> None:
    home, directory = tmp_path / "home", tmp_path / "directory"
    home.mkdir()
    directory.mkdir()
    (directory / ".env").write_text("ALERT_TOKEN=x\nSLACK_BOT_TOKEN=xoxb-of-the-file\n")
    (directory / ".env").chmod(0o644)
    settings = FOREIGN | {"HOME": str(home), "PAUSE_USERS": "U0ALICE0001"}
    async with single_workspace_process(settings, directory=directory) as at:
        assert await at.bot.get("/healthz") == (200, {"ok": True})
        status, ready = await at.bot.get("/readyz")
        assert (status, ready["ready"]) == (200, True)
        for _ in range(2):
            await at.command()
        assert await at.bot.stop() == 0
    assert [message.text for message in at.messages()] == [paused()] * 2
    assert [(call.method, call.token) for call in at.slack.api_calls] == [
        ("auth.test", at.slack.bot_token),
        ("users.info", at.slack.bot_token),
    ]
    assert [*home.iterdir(), *directory.iterdir()] == [directory / ".env"]
    assert at.slack.violations == []
    first, *warnings = at.bot.log[:3]
    summary = {"version": __version__, "transport": "HTTP", "tenancy": "one workspace", "anchor": at.anchor.url}
    assert first.items() >= ({"message": "starting", "permissions": "restricted"} | summary).items()
    assert [(entry["level"], entry["why"].split()[0]) for entry in warnings] == [
        ("WARNING", "ALERT_TOKEN"),
        ("WARNING", "Every"),
    ]


def the_sentence(ended: BotProcess) -> str:
    """The one thing that was said, without how the system puts it."""
    (sentence,) = ended.sentences
    return re.sub(r"(error while attempting|\[Errno \d+\]) .*(?=\.$)", "(the system's error)", sentence)


@pytest.mark.parametrize(("name", "code"), [("port", 1), ("certificates", 1), ("app token", 2)])
async def test_what_it_cannot_start_without_is_named_in_one_sentence(name: str, code: int, wording: Check) -> None:
    async with SimSlack(socket_mode=name == "app token") as slack, SimAnchor() as anchor:
        slack.faults["apps.connections.open"] = api_error("missing_scope")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = {"PORT": str(taken.getsockname()[1])} if name == "port" else {}
            files = {"SSL_CERT_FILE": "/nowhere/ca.pem"} if name == "certificates" else {}
            async with bot_process(environment(slack, anchor, **port, **files)) as ended:
                assert await ended.exit_code() == code
    wording(name, the_sentence(ended))


async def test_a_bot_token_that_slack_refuses_ends_it_once_slack_can_be_reached(wording: Check) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        await slack.stop()
        async with bot_process(environment(slack, anchor, SLACK_BOT_TOKEN="xoxb-of-nobody")) as bot:
            await bot.logs(logger="bot.app", level="WARNING")
            await slack.start()
            assert await bot.exit_code() == 2
    (sentence,) = bot.sentences
    wording("bot token", sentence)


TRANSPORTS = pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
DEVELOPMENT = {"PYTHONDEVMODE": "1"}  # Python then complains of what was never awaited or closed


def shutdown_log(bot: BotProcess) -> list[dict[str, Any]]:
    """Return what it logged, without Python's remarks on how long something took: those are about this machine."""
    return [entry for entry in bot.log if not entry["message"].startswith("Executing <")]


async def no_command_is_old(*, socket_mode: bool) -> None:
    """Wait until the ack of a command carries its result."""
    await asyncio.sleep(Limits().redelivery_window if socket_mode else 0.0)


@TRANSPORTS
async def test_commands_that_hang_at_the_end_are_all_told_so(*, socket_mode: bool) -> None:
    async with single_workspace_process(DEVELOPMENT, socket_mode=socket_mode) as at:
        await no_command_is_old(socket_mode=socket_mode)
        sessions, typing = await process.hanging(at, 5)
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
    assert (late.ack.response_type, late.ack.text) == ("ephemeral", waiting_text())
    sessions.append(SESSION)
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
    async with single_workspace_process(DEVELOPMENT, socket_mode=socket_mode) as at:
        await no_command_is_old(socket_mode=socket_mode)
        await at.command(SESSION)
        assert await seconds_to_stop(at.bot, number) < GONE_WITHIN
    logged = ["starting", "tables created", "listening", "ready", "connected to Slack", "pause", "stopping"]
    assert [entry["message"] for entry in shutdown_log(at.bot)] == [
        message for message in logged if socket_mode or message != "connected to Slack"
    ]
    assert at.slack.sockets.count == 0


async def test_after_sigterm_requests_are_served_until_a_load_balancer_has_noticed() -> None:
    async with single_workspace_process(DEVELOPMENT) as at:
        stopping = asyncio.create_task(seconds_to_stop(at.bot))
        while (await at.bot.get("/readyz"))[0] != 503:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        deliveries, ends = [], time.monotonic() + 1.5
        while time.monotonic() < ends:
            deliveries.append(await at.command(SESSION))
            await asyncio.sleep(0.3)
        assert 3.0 <= await stopping < GONE_WITHIN
    assert {delivery.error for delivery in deliveries} == {None}
    assert paused() in {delivery.ack and delivery.ack.text for delivery in deliveries}


HANGING = """
import sys, threading, time
from bot.cli.main import main

threading.Thread(target=time.sleep, args=[3600]).start()
sys.exit(main())
"""


async def test_a_command_ends_although_a_thread_hangs() -> None:
    async with bot_process({}, command=(sys.executable, "-c", HANGING), arguments=("manifest",)) as process:
        assert await process.exit_code() == 0


USUAL_LIMIT = 1024  # open files that Linux grants a process, unless it asks for more


@pytest.mark.no_cover
@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux shows the limits of another process")
async def test_the_bot_takes_as_many_sockets_as_it_may_and_dumps_no_core() -> None:
    """Each command needs two. With the usual limit, 480 at once would exhaust it, and the brake would fail for all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ("sh", "-c", f'ulimit -Sn {USUAL_LIMIT}; exec "$@"', "sh", *MODULE)
    async with single_workspace_process(command=command) as at:
        limits = Path(f"/proc/{at.bot.process.pid}/limits").read_text()  # noqa: ASYNC240 - no disk behind it
        assert await at.bot.stop() == 0
    (files,), (core,) = (
        re.findall(rf"^Max {name} +(\d+) +(\d+)", limits, re.MULTILINE) for name in ("open files", "core file size")
    )
    assert files == (str(min(hard, 65_536)), str(hard))
    assert core == ("0", "0")


@pytest.mark.no_cover
@pytest.mark.long
@pytest.mark.realtime
async def test_a_flood_of_one_person_delays_nobody_else() -> None:
    """One person orders 50 pauses per second while Anchor is slow: everybody else is answered as on a quiet day."""
    async with single_workspace_process() as at:
        at.anchor.fault = Slow(5.0)
        flood, waits = list[asyncio.Task[Delivery]](), list[float]()
        for number in range(200):
            flood.append(asyncio.create_task(at.command(at.anchor.add_session())))
            if number % 20 == 0:
                began = time.monotonic()
                assert (await at.command(at.anchor.add_session(), user=at.slack.bob)).error is None
                waits.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
        await asyncio.gather(*flood)
        assert max(waits) < 3.0  # the time that Slack waits

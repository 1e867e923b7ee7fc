"""The beginning: what the bot needs before it serves, and what it says if something is missing."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import __version__
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.slack import SimSlack, api_error
from harness import paused
from harness.process import BotProcess, bot_process, run_to_exit, single_workspace_process

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]
READY = (200, {"ready": True, "leader": True, "reasons": {}, "degraded": {}})


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
    (directory / ".env").write_text("ALERT_TOKEN=x\nALERTS_TOKEN=short\nSLACK_BOT_TOKEN=xoxb-of-the-file\n")
    (directory / ".env").chmod(0o644)
    settings = FOREIGN | {"HOME": str(home), "PAUSE_USERS": "U0ALICE0001"}
    async with single_workspace_process(settings, directory=directory) as at:
        assert await at.bot.get("/healthz") == (200, {"ok": True})
        status, ready = await at.bot.get("/readyz")
        assert (status, [*ready["degraded"]]) == (200, ["alerts"])
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
    first, *warnings = at.bot.log[:4]
    summary = {"version": __version__, "transport": "HTTP", "tenancy": "one workspace", "anchor": at.anchor.url}
    assert first.items() >= ({"message": "starting", "permissions": "restricted"} | summary).items()
    assert [(entry["level"], entry["why"].split()[0]) for entry in warnings] == [
        ("WARNING", "ALERT_TOKEN"),
        ("ERROR", "ALERTS_TOKEN"),
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
            ended = await run_to_exit(environment(slack, anchor, **port, **files), code)
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

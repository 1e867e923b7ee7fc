"""`anchor-bot alert`: sends to a running bot, and says what came of it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from harness import SESSION
from harness.process import CONSOLE_SCRIPT, single_workspace_process

pytestmark = pytest.mark.anyio

TOKEN = "s3cret-of-the-alerts"
SETTINGS = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
LEAST = ("--session", SESSION, "--text", "It spent $40.")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


async def alert(directory: Path, *arguments: str | bytes, **environ: str) -> Ran:
    """Run the command, in `directory`; it must never show the token."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    process = await asyncio.create_subprocess_exec(
        *CONSOLE_SCRIPT,
        "alert",
        *arguments,
        env={"PATH": os.environ["PATH"], **coverage, **environ},
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    assert TOKEN.encode() not in out + err
    return Ran(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def server(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Something at an address that answers every request like this."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0])
    await runner.cleanup()


async def test_it_posts_through_the_bot_and_prints_where(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ALERTS_TOKEN={TOKEN}\n", encoding="utf-8")
    more = ("--title", "High spend", "--severity", "critical", "--url", "https://a.example/1")
    async with single_workspace_process(SETTINGS) as at:
        ran = await alert(tmp_path, *LEAST, *more, ANCHOR_BOT_URL=at.bot.url)
        (message,) = at.slack.channel_messages(at.slack.alerts)
        assert at.slack.violations == []
    assert ran == Ran(0, f"Posted in C0ALERTS001, ts {message.ts}\n", "")
    assert message.text == (
        f"🚨 *Critical*: session `{SESSION}`\nTo pause it: `/anchor-pause {SESSION}`\n*High spend*\nIt spent $40.\n"
        "<https://a.example/1|Open>"
    )


async def test_what_the_bot_does_not_take_is_said(tmp_path: Path) -> None:
    async with single_workspace_process(SETTINGS) as at:
        where = ("--bot-url", f"{at.bot.url}/")
        bad = await alert(tmp_path, "--session", "x", "--text", b"\xff", *where, ALERTS_TOKEN=TOKEN)
        elsewhere = await alert(tmp_path, *LEAST, "--channel", "C0INCIDENT1", *where, ALERTS_TOKEN=TOKEN)
        refused = await alert(tmp_path, *LEAST, *where, ALERTS_TOKEN="another")
        assert at.slack.channel_messages(at.slack.alerts) == []
    assert bad == Ran(
        2,
        "",
        "anchor-bot: session_id holds no session id: it has 32 hexadecimal digits in groups of 8-4-4-4-12. (400)\n",
    )
    assert elsewhere == Ran(
        1,
        "",
        "anchor-bot: Nothing was posted. The bot is no member of C0INCIDENT1: invite the bot: /invite @anchor in that "
        "channel. (502)\n",
    )
    assert refused == Ran(
        2,
        "",
        f"anchor-bot: The bot at {at.bot.url}/alerts refuses ALERTS_TOKEN: use the one of its alerts.\n",
    )


async def test_a_bot_without_alerts_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    async with single_workspace_process() as at:
        without = await alert(tmp_path, *LEAST, ANCHOR_BOT_URL=at.bot.url, ALERTS_TOKEN=TOKEN)
    gone = await alert(tmp_path, *LEAST, ANCHOR_BOT_URL=at.bot.url, ALERTS_TOKEN=TOKEN)
    assert without.code == gone.code == 1
    assert without.err == (
        f"anchor-bot: There is no {at.bot.url}/alerts (404): the bot was started without ALERTS_TOKEN, or "
        "ANCHOR_BOT_URL is another's, or the bot serves many workspaces and ALERTS_WORKSPACE does not say which.\n"
    )
    assert gone.err == (
        f"anchor-bot: No bot is at {at.bot.url}/alerts ([Errno 111] Connection refused): nothing was posted. Is it "
        "running, is ANCHOR_BOT_URL right?\n"
    )


async def test_the_address_may_have_a_path_and_the_answer_may_get_lost(tmp_path: Path) -> None:
    asked = []

    async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.path, request.headers["Authorization"]))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with server(hang_up) as url:
        ran = await alert(tmp_path, *LEAST, ANCHOR_BOT_URL=f"{url}/anchor/", ALERTS_TOKEN=TOKEN)
    assert asked == [("/anchor/alerts", f"Bearer {TOKEN}")]
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"anchor-bot: The bot at {url}/anchor/alerts did not answer (")
    assert ran.err.endswith("): the alert may have been posted. Look into the channel.\n")


async def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = "http://{}:{}".format(*free.getsockname())
        ran = await alert(
            tmp_path, *LEAST, ANCHOR_BOT_URL=url, ALERTS_TOKEN=TOKEN, SSL_CERT_FILE=str(tmp_path / "none.pem")
        )
    assert ran.code == 1
    assert ran.err.startswith("anchor-bot: The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: ")

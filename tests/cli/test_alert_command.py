"""`anchor-bot alert`: sends an alert to a running bot, and says whether it was posted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from bot.cli.alert_client import read_answer
from bot.sim.slack import rate_limited
from harness import OTHER_SESSION, SESSION, single_workspace
from harness.product import main
from harness.secret_scan import leaks

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]
TOKEN = "s3cret-of-the-alerts"
LEAST = ("--session", SESSION, "--text", "It spent $40.")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    said: str


Send = Callable[..., Awaitable[Ran]]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Send:
    """Run the command in this process to a bot at `url`, with its token in `.env`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"ALERTS_TOKEN={TOKEN}\n", encoding="utf-8")

    async def run(url: str, *arguments: str, **environ: str) -> Ran:
        with monkeypatch.context() as patch:
            for name, value in ({"ANCHOR_BOT_URL": url} | environ).items():
                patch.setenv(name, value)
            code = await asyncio.to_thread(main, ["alert", *(arguments or LEAST)])
        out, err = capsys.readouterr()
        assert (err if code == 0 else out) == ""
        assert leaks(out + err) == []
        return Ran(code, (out + err).removeprefix("anchor-bot: ").removesuffix("\n"))

    return run


def why(status: int, *, url: str) -> str:
    """Return what the command makes of an answer of the bot's."""
    read = read_answer(status, b"", url)
    return getattr(read, "why", "")


async def test_it_posts_through_the_bot_and_says_where_or_that_it_is_queued(send: Send) -> None:
    more = ("--title", "High spend", "--severity", "critical", "--url", "https://a.example/1")
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        sent = await send(at.bot.url, *LEAST, *more)
        (message,) = at.messages()
        assert sent == Ran(0, f"Posted in C0ALERTS001, ts {message.ts}")
        assert all(word in str(message) for word in ("High spend", "It spent $40.", "https://a.example/1", "ritical"))
        at.slack.faults["chat.postMessage"] = rate_limited(9, times=1)
        other = ("--session", OTHER_SESSION, "--text", "It loops.", "--bot-url", at.bot.url)
        assert await send("", *other) == Ran(0, "Queued for C0ALERTS001")


async def test_if_the_bot_does_not_post_it_its_reason_is_shown(send: Send) -> None:
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        bad = await send(at.bot.url, "--session", "x", "--text", "\udcff")  # an argument that is no UTF-8
        elsewhere = await send(at.bot.url, *LEAST, "--channel", "C0INCIDENT1", "--bot-url", f"{at.bot.url}/")
        refused = await send(at.bot.url, ALERTS_TOKEN="another")
        assert at.messages() == []
    assert (bad.code, bad.said.split()[0], bad.said.split()[-1]) == (2, "session_id", "(400)")
    assert (elsewhere.code, elsewhere.said.split()[-1]) == (1, "(502)")
    assert refused == Ran(2, why(401, url=f"{at.bot.url}/alerts"))


async def test_a_bot_without_alerts_is_told_from_one_that_is_not_there(send: Send, wording: Check) -> None:
    async with single_workspace() as at:
        assert await send(at.bot.url) == Ran(1, why(404, url=f"{at.bot.url}/alerts"))
    gone = await send(at.bot.url)
    assert gone.code == 1
    wording("no bot is there", gone.said)


@asynccontextmanager
async def server(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Something at an address that answers every request like this."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0])
    await runner.cleanup()


async def test_the_address_can_have_a_path_and_the_answer_can_get_lost(send: Send, wording: Check) -> None:
    asked = []

    async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.path, request.headers["Authorization"]))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with server(hang_up) as url:
        ran = await send(f"{url}/anchor/")
    assert asked == [("/anchor/alerts", f"Bearer {TOKEN}")]
    assert ran.code == 1
    wording("no answer", ran.said.replace("RemoteProtocolError", "ERROR").replace("ReadError", "ERROR"))


async def test_certificates_that_cannot_be_read_are_named(send: Send, tmp_path: Path, wording: Check) -> None:
    ran = await send("http://127.0.0.1:1", SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert ran.code == 1
    wording("certificates", ran.said.replace(str(tmp_path), "DIRECTORY"))

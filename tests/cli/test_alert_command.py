"""`anchor-bot alert`: sends an alert to a running bot, and says whether it was posted."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from bot.cli.alert_client import NotPosted, read_answer
from bot.cli.main import main
from bot.core.alert import Alert, Severity
from bot.core.session_id import SessionId
from bot.inbound.alerts.generic import BadAlert, read_alert
from bot.messages.alert_card import alert_message
from bot.messages.alert_errors import refused_by_slack
from bot.sim.slack import Slow
from harness import SESSION, single_workspace
from harness.process import CONSOLE_SCRIPT, bot_process

pytestmark = pytest.mark.anyio

TOKEN = "s3cret-of-the-alerts"
LEAST = ("--session", SESSION, "--text", "It spent $40.")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    err: str


Send = Callable[..., Awaitable[Ran]]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Send:
    """Run the command in this process to a bot at `url`; it is not to print anything, nor to show the token."""
    monkeypatch.chdir(tmp_path)

    async def run(url: str, *arguments: str, **environ: str) -> Ran:
        for name, value in ({"ANCHOR_BOT_URL": url, "ALERTS_TOKEN": TOKEN} | environ).items():
            monkeypatch.setenv(name, value)
        code = await asyncio.to_thread(main, ["alert", *(arguments or LEAST)])
        out, err = capsys.readouterr()
        assert out == ""
        assert TOKEN not in err
        return Ran(code, err.removeprefix("anchor-bot: ").removesuffix("\n"))

    return run


def why(status: int, error: str = "", *, url: str = "") -> str:
    """Return what the command makes of an answer of the bot's."""
    read = read_answer(status, f'{{"error": "{error}"}}'.encode() if error else b"", url)
    assert isinstance(read, NotPosted)
    return read.why


async def test_it_posts_through_the_bot_and_prints_where(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ALERTS_TOKEN={TOKEN}\n", encoding="utf-8")
    more = ("--title", "High spend", "--severity", "critical", "--url", "https://a.example/1")
    async with (
        single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at,
        bot_process(
            {"ANCHOR_BOT_URL": at.bot.url},
            command=CONSOLE_SCRIPT,
            arguments=("alert", *LEAST, *more),
            directory=tmp_path,
        ) as sender,
    ):
        assert await sender.exit_code() == 0
        (message,) = at.messages()
    assert sender.printed == [f"Posted in C0ALERTS001, ts {message.ts}"]
    assert sender.lines == []
    alert = Alert(SessionId(SESSION), "It spent $40.", "High spend", Severity.CRITICAL, "https://a.example/1")
    assert message.text == alert_message(alert).text


async def test_it_says_that_an_alert_is_queued(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALERTS_TOKEN", TOKEN)
    monkeypatch.setattr("bot.usecases.alert_cards.POST_WAIT", 0.0)
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        at.slack.faults["chat.postMessage"] = Slow(1.0)
        code = await asyncio.to_thread(main, ["alert", *LEAST, "--bot-url", at.bot.url])
    assert (code, capsys.readouterr().out) == (0, "Queued for C0ALERTS001\n")


async def test_if_the_bot_does_not_post_it_its_reason_is_shown(send: Send) -> None:
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        bad = await send(at.bot.url, "--session", "x", "--text", "\udcff")  # an argument that is no UTF-8
        elsewhere = await send(at.bot.url, *LEAST, "--channel", "C0INCIDENT1", "--bot-url", f"{at.bot.url}/")
        refused = await send(at.bot.url, ALERTS_TOKEN="another")
        assert at.messages() == []
    no_session = read_alert({"session_id": "x", "text": "y"})
    assert isinstance(no_session, BadAlert)
    assert bad == Ran(2, why(400, no_session.why))
    assert elsewhere == Ran(1, why(502, refused_by_slack("not_in_channel", "C0INCIDENT1")))
    assert refused == Ran(2, why(401, url=f"{at.bot.url}/alerts"))


async def test_a_bot_without_alerts_is_told_from_one_that_is_not_there(
    send: Send, wording: Callable[[str, str], None]
) -> None:
    async with single_workspace() as at:
        without = await send(at.bot.url)
    gone = await send(at.bot.url)
    assert without == Ran(1, why(404, url=f"{at.bot.url}/alerts"))
    assert gone.code == 1
    wording("no bot is there", gone.err)


@asynccontextmanager
async def server(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Something at an address that answers every request like this."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0])
    await runner.cleanup()


async def test_the_address_can_have_a_path_and_the_answer_can_get_lost(
    send: Send, wording: Callable[[str, str], None]
) -> None:
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
    wording("no answer", ran.err.replace("RemoteProtocolError", "ERROR").replace("ReadError", "ERROR"))


async def test_certificates_that_cannot_be_read_are_named(
    send: Send, tmp_path: Path, wording: Callable[[str, str], None]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = "http://{}:{}".format(*free.getsockname())
        ran = await send(url, SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert ran.code == 1
    wording("certificates", ran.err.replace(str(tmp_path), "DIRECTORY"))

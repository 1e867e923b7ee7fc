"""`anchor-bot alert`: sends an alert to a running bot, and says whether it was posted."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web

from bot.cli.alert import read_answer, read_warnings
from bot.sim.local_server import LocalServer
from bot.sim.slack import rate_limited
from harness import OTHER_SESSION, SESSION, single_workspace
from harness import admin_texts as say
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
    warned: str = ""


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
        assert leaks(out + err) == []
        if code == 0 and err:
            return Ran(code, out.removesuffix("\n"), err)
        assert not (code and out)
        return Ran(code, (out + err).removeprefix("anchor-bot: ").removesuffix("\n"))

    return run


async def test_it_posts_through_the_bot_and_says_where_or_that_it_is_queued(send: Send) -> None:
    more = ("--title", "High spend", "--severity", "critical", "--url", "https://a.example/1")
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        sent = await send(at.bot.url, *LEAST, *more)
        (message,) = at.messages()
        assert sent == Ran(0, f"Posted in C0ALERTS001, ts {message.ts}")
        again = await send(at.bot.url, *LEAST, *more)
        assert again == Ran(0, f"Added to the card in C0ALERTS001 (2 alerts), ts {message.ts}")
        assert all(word in str(message) for word in ("High spend", "It spent $40.", "https://a.example/1", "ritical"))
        at.slack.faults["chat.postMessage"] = rate_limited(9, times=1)
        other = ("--session", OTHER_SESSION, "--text", "It loops.", "--bot-url", at.bot.url)
        assert await send("", *other) == Ran(0, "Queued for C0ALERTS001")


async def test_the_warnings_of_the_bot_are_printed_beside_the_result(send: Send) -> None:
    """Before, nobody learned that a channel was out of reach, if the script did not look where the alert went."""
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        sent = await send(at.bot.url, *LEAST, "--channel", "C0OTHER0001")
    assert (sent.code, sent.said.split(",")[0]) == (0, "Posted in C0ALERTS001")
    assert sent.warned == f"anchor-bot: {say.cards.moved('C0OTHER0001', 'C0ALERTS001', by_admins=False)}\n"


@pytest.mark.parametrize("warnings", [7, {"a": 1}, [7, None], ["\x1b[2J" * 1_000] * 1_000])
def test_odd_warnings_are_left_out_or_cut(warnings: object) -> None:
    lines = read_warnings(json.dumps({"warnings": warnings}).encode())
    assert len(lines) <= 20
    assert all(one.isprintable() and len(one) <= 500 for one in lines)


async def test_if_the_bot_does_not_post_it_its_reason_is_shown(send: Send) -> None:
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNELS="C0INCIDENT1") as at:
        bad = await send(at.bot.url, "--session", "x", "--text", "\udcff")  # an argument that is no UTF-8
        elsewhere = await send(at.bot.url, *LEAST, "--channel", "C0INCIDENT1", "--bot-url", f"{at.bot.url}/")
        refused = await send(at.bot.url, ALERTS_TOKEN="another")
        assert at.messages() == []
    assert (bad.code, bad.said.split()[0], bad.said.split()[-1]) == (2, "session_id", "(400)")
    assert (elsewhere.code, elsewhere.said.split()[-1]) == (1, "(502)")
    assert refused == Ran(2, refusal(401, url=f"{at.bot.url}/alerts")[0])


async def test_a_bot_without_alerts_is_told_from_one_that_is_not_there(send: Send, wording: Check) -> None:
    async with single_workspace() as at:
        assert await send(at.bot.url) == Ran(1, refusal(404, url=f"{at.bot.url}/alerts")[0])
    gone = await send(at.bot.url)
    assert gone.code == 1
    wording("no bot is there", gone.said)


async def test_the_address_can_have_a_path_and_the_answer_can_get_lost(send: Send, wording: Check) -> None:
    asked = []

    async def hang_up(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, request.headers["Authorization"]))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with LocalServer([web.post("/anchor/alerts", hang_up)]) as server:
        ran = await send(f"{server.origin}/anchor/")
    assert asked == [("/anchor/alerts", f"Bearer {TOKEN}")]
    assert ran.code == 1
    wording("no answer", ran.said.replace("RemoteProtocolError", "ERROR").replace("ReadError", "ERROR"))


async def test_ctrl_c_says_what_is_not_known(send: Send, monkeypatch: pytest.MonkeyPatch, wording: Check) -> None:
    monkeypatch.setattr("httpx.post", Mock(side_effect=KeyboardInterrupt))
    ran = await send("http://127.0.0.1:1")
    assert ran.code == 130
    wording("interrupted", ran.said)


async def test_certificates_that_cannot_be_read_are_named(send: Send, tmp_path: Path, wording: Check) -> None:
    ran = await send("http://127.0.0.1:1", SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert ran.code == 1
    wording("certificates", ran.said.replace(str(tmp_path), "DIRECTORY"))


# --- the meaning of an answer ---


URL = "https://bot.example.com/anchor/alerts"
NOTHING = [b"", b"<html>", b"\xff", b"[]", b"{}", b'{"ok": true, "channel": "C1"}', b'{"error": 7}', b"[" * 10**6]


def refusal(status: int, body: bytes = b"", *, url: str = URL, has_workspace: bool = False) -> tuple[str, int]:
    """Return why nothing was posted, and the exit code."""
    with pytest.raises(Exception, match=r".") as refused:
        read_answer(status, body, url, has_workspace=has_workspace)
    return str(refused.value), getattr(refused.value, "code", -1)


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        (200, {"ts": "1.2"}, "Posted in C1, ts 1.2"),
        (200, {"ts": "1.2", "count": 3}, "Added to the card in C1 (3 alerts), ts 1.2"),
        (202, {"queued": True}, "Queued for C1"),
        (200, {"counted": 3}, "Queued for C1"),
        (202, {"queued": True, "count": 3}, "Added to the card in C1 (3 alerts)"),
    ],
)
def test_an_alert_that_was_taken(status: int, more: dict[str, Any], said: str) -> None:
    body = json.dumps({"ok": True, "channel": "C1"} | more).encode()
    assert read_answer(status, body, URL, has_workspace=False) == said


@pytest.mark.parametrize(("status", "code"), [(400, 2), (502, 1), (503, 1), (504, 1)])
def test_the_bots_own_error_is_passed_on(status: int, code: int) -> None:
    body = json.dumps({"error": "text is missing:\x1b[2J"}).encode()
    assert refusal(status, body) == (f"text is missing: [2J ({status})", code)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 502])
def test_any_other_answer_is_no_success(status: int) -> None:
    ((why, code),) = {refusal(status, body) for body in NOTHING}
    assert URL in why
    assert code == (2 if status == 401 else 1)


def test_each_kind_of_answer_has_its_own_explanation(wording: Check) -> None:
    assert len({refusal(status, b"")[0].replace(str(status), "") for status in (401, 404, 200, 502)}) == 3
    assert "ALERTS_TOKEN" in refusal(401, b'{"error": "whatever"}')[0]
    assert "ALERTS_WORKSPACE" in refusal(404, b"404: Not Found")[0]
    for name, has_workspace in {"one workspace": False, "many workspaces": True}.items():
        wording(f"401 of a bot of {name}", refusal(401, has_workspace=has_workspace)[0])

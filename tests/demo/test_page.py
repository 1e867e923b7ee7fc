"""The demo's server and its transcript."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.cli.main import main
from bot.demo.jobs import JOBS
from bot.demo.monitor import AlertsEndpoint
from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page
from bot.demo.script import RUNNING, STEPS
from demo.page_client import open_page, strict_runner


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """The page of a demo for all tests of the module."""
    async with strict_runner() as runner, page(runner) as url:
        yield url


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


async def handshake(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(f"{url}socket", headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_the_page_loads_nothing_from_elsewhere_and_stands_in_no_frame(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy


async def test_another_host_name_or_origin_is_refused_and_a_websocket_needs_an_origin(url: str) -> None:
    for path in ("", "socket"):
        status, said = await get(f"{url}{path}", Host="evil.example", Origin=url.rstrip("/"))
        assert (status, said) == (403, f"This page is served as {url.rstrip('/')} only: open that.")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        assert await get(url, Origin=origin) == (403, "Another site may not use this page.")
        assert await handshake(url, Origin=origin) == 403
    named = url.replace("127.0.0.1", "localhost").rstrip("/")
    assert await handshake(url) == 403
    assert await handshake(url, Origin=url.rstrip("/")) == 101
    assert await handshake(url, Origin=named, Host=named.removeprefix("http://")) == 101


async def test_an_impossible_order_is_answered_with_the_reason_and_nonsense_breaks_nothing(url: str) -> None:
    async with open_page(url) as alice:
        for nonsense in ("", "{", "[]", "5", "{}", '{"do": "end"}'):
            await alice.send(nonsense)
        for kind, details, problem in (
            ("fly", {}, "There is no such order."),
            ("enter", {"line": 5}, "line must be a text."),
            ("click", {"channel": "C0ALERTS001", "ts": "1.2"}, "The message is gone."),
            ("open_home", {"tab": "about"}, "Slack does not let you: the app has no such tab: about."),
        ):
            assert await alice.order(kind, **details) == problem


RUNAWAY = next(iter(JOBS))


async def test_an_outsider_gets_only_shared_channels_and_no_commands(url: str) -> None:
    async with open_page(url, "U0MALLORY01") as mallory:
        assert [one["name"] for one in mallory.slack["channels"]] == ["alerts"]
        assert (mallory.slack["me"], mallory.slack["commands"], mallory.slack["app"]) == ("U0MALLORY01", [], None)
        assert mallory.slack["shortcuts"] == []
        assert "have no tab of the app" in await mallory.order("open_home", tab="home")


async def test_the_admin_of_another_workspace_gets_that_workspace_only(url: str) -> None:
    async with open_page(url, "U0DORA00001") as dora:
        assert [one["name"] for one in dora.slack["channels"]] == ["alerts", "general", "anchor"]
        assert [agent["name"] for agent in dora.demo["agents"]] == ["Lead research"]
        assert dora.demo["key_to_set"] == {"workspace": "Newco", "key": NEWCO_KEY}
        assert dora.demo["auto_pause"] is None
        assert await dora.order("end", session_id=RUNAWAY) == f"There is no '{RUNAWAY}' here."


@pytest.mark.slow
def test_the_transcript_shows_every_step_over_http_and_over_socket_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {step.title}" for number, step in enumerate(STEPS, 1)
    ] * 2
    assert "=== Over Socket Mode ===" in text
    assert f"POST /v1/sessions/{RUNNING}/agent/pause -> 200" in text
    assert re.search(r"only @alice sees, [1-9]\.\d s", " ".join(text.split()))
    assert text.endswith("All went as it should.\n")


@pytest.mark.slow
def test_the_token_for_alerts_is_not_printed() -> None:
    assert "secret" not in repr(AlertsEndpoint("http://127.0.0.1/alerts/T0", "secret"))

"""The page is served to this machine's browsers only, and says why an order can't be carried out."""

import aiohttp
import pytest

from bot.demo.demo import Demo
from bot.demo.page.server import NotServedError, page
from bot.demo.runner import DemoRunner
from browser.sample_app import sample_app
from demo.page_client import PageClient, open_page
from harness.blocks import actions, button, input_block, modal

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("path", ["", "socket"])
async def test_another_host_name_for_this_machine_is_refused(url: str, path: str) -> None:
    status, said = await get(f"{url}{path}", Host="evil.example", Origin=url.rstrip("/"))
    assert (status, said) == (403, f"This page is served as {url.rstrip('/')} only: open that.")


async def test_another_origin_is_refused_and_a_websocket_needs_one(url: str) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"):
        assert await get(url, Origin=origin) == (403, "Another site may not use this page.")
        assert await handshake(url, Origin=origin) == 403
    named = url.replace("127.0.0.1", "localhost").rstrip("/")
    assert await handshake(url) == 403
    assert await handshake(url, Origin=url.rstrip("/")) == 101
    assert await handshake(url, Origin=named, Host=named.removeprefix("http://")) == 101


async def test_a_port_in_use_is_reported(runner: DemoRunner, url: str) -> None:
    with pytest.raises(NotServedError, match="Address already in use"):
        async with page(runner, int(url.rstrip("/").rpartition(":")[2])):
            pass


async def test_an_impossible_order_is_answered_with_the_reason(alice: PageClient) -> None:
    for kind, details, problem in (
        ("fly", {}, "There is no such order."),
        ("enter", {"line": 5}, "line must be a text."),
        ("enter", {"line": "x", "channel": "C0NOWHERE01"}, "There is no 'C0NOWHERE01' here."),
        (
            "enter",
            {"line": "x", "channel": "C0ARCHIVED1"},
            "Slack does not let you: nobody can write in an archived channel.",
        ),
        ("click", {"channel": "C0ALERTS001", "ts": "1.2"}, "The message is gone."),
        ("press", {"channel": "C0ALERTS001", "block": "x"}, "An attachment has a number."),
        ("switch", {"name": "gravity"}, "There is no 'gravity' here."),
        ("end", {"session_id": "x"}, "There is no 'x' here."),
        ("open_home", {"tab": "about"}, "Slack does not let you: the app has no such tab: about."),
    ):
        assert await alice.order(kind, **details) == problem


async def test_an_impossible_order_in_a_view_is_answered_with_the_reason(demo: Demo, url: str) -> None:
    async with sample_app(demo.sandbox.slack) as app, open_page(url) as alice:
        app.opens["open"] = modal(input_block("plain_text_input", "key"))
        await app.publish(app.slack.alice, {**actions(button("open", text="Open")), "block_id": "block"})
        await alice.until(lambda: alice.slack["app"]["home"])
        assert await alice.order("act", view=alice.slack["app"]["home"]["id"], block="block", action="open") == ""
        [view] = alice.slack["modals"]
        for kind, details, problem in (
            ("act", {"action": "fly"}, "Slack does not let you: the view has no such elements: fly."),
            ("act", {"action": "open", "choice": 5}, "choice must be a text, or several."),
            ("act", {"action": "open", "choice": ["x", 5]}, "choice must be a text, or several."),
            ("submit", {"values": []}, "values must be an object."),
            ("submit", {"values": {"key": None}}, "values must be a text, or several."),
            ("submit", {}, "Slack does not let you: this must be filled in: key."),
        ):
            assert await alice.order(kind, view=view["id"], block="block", **details) == problem
        async with open_page(url, "U0BOB000001") as bob:
            assert bob.slack["modals"] == []
            assert await bob.order("close", view=view["id"]) == "What that was in is gone."
        app.clear()


async def test_nonsense_breaks_nothing(alice: PageClient) -> None:
    for nonsense in ("", "{", "[]", "5", "{}", '{"do": "end"}'):
        await alice.send(nonsense)
    assert await alice.order("fly") == "There is no such order."

"""The page is served to this machine's browsers alone, and answers what can't be done. One world does for all of it."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.demo.page.assets import read_assets
from bot.demo.page.server import NotServedError, page
from bot.demo.world import World
from demo.page_client import PageClient
from demo.worlds import flawless_world

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[World]:
    """Nothing that is done here changes it."""
    async with flawless_world() as at:
        yield at


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


async def test_every_file_of_the_page_is_served_and_named_in_it(url: str) -> None:
    assets = read_assets()
    status, index = await get(url)
    assert (status, index) == (200, assets["index.html"].body.decode())
    named = set(re.findall(r'(?:href|src)="([^"#]+)"', index))
    imported = {
        path
        for asset in assets.values()
        for path in re.findall(r'from "\.{1,2}/(?:\w+/)?([\w.]+)"', asset.body.decode())
    }
    drawn = {path for asset in assets.values() for path in re.findall(r'"(\w+\.svg)"', asset.body.decode())}
    assert {path.rpartition("/")[2] for path in assets} - {"index.html"} == {
        *(path.rpartition("/")[2] for path in named),
        *imported,
        *drawn,
    }
    for path in assets:
        assert (await get(f"{url}{path}"))[0] == 200
    assert (await get(f"{url}app.py"))[0] == 404


async def test_the_page_loads_from_here_alone_and_stands_in_no_frame(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["", "socket"])
async def test_a_foreign_name_that_points_here_is_refused(url: str, path: str) -> None:
    status, said = await get(f"{url}{path}", Host="evil.example", Origin=url.rstrip("/"))
    assert (status, said) == (403, f"This page is served as {url.rstrip('/')} only: open that.")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"])
async def test_a_foreign_page_is_refused(url: str, origin: str) -> None:
    assert await get(url, Origin=origin) == (403, "Another site may not use this page.")
    assert await handshake(url, Origin=origin) == 403


async def test_a_websocket_needs_an_origin_and_takes_both_names_of_this_machine(url: str) -> None:
    named = url.replace("127.0.0.1", "localhost").rstrip("/")
    assert await handshake(url) == 403
    assert await handshake(url, Origin=url.rstrip("/")) == 101
    assert await handshake(url, Origin=named, Host=named.removeprefix("http://")) == 101


async def test_a_port_that_is_taken_can_t_be_served(at: World, url: str) -> None:
    with pytest.raises(NotServedError, match="Address already in use"):
        async with page(at, int(url.rstrip("/").rpartition(":")[2])):
            pass


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"kind": "fly"}, "There is no such order."),
        ({"kind": "enter", "line": 5}, "line must be a text."),
        ({"kind": "enter", "line": "x", "channel": "C0NOWHERE01"}, "There is no 'C0NOWHERE01' here."),
        (
            {"kind": "enter", "line": "x", "channel": "C0ARCHIVED1"},
            "Slack does not let you: nobody can write in an archived channel.",
        ),
        ({"kind": "click", "channel": "C0ALERTS001", "ts": "1.2"}, "The message is gone."),
        ({"kind": "pull", "lever": "gravity"}, "There is no 'gravity' here."),
        ({"kind": "end", "session_id": "x"}, "There is no 'x' here."),
    ],
    ids=str,
)
async def test_what_can_t_be_done_is_answered_with_why(
    alice: PageClient, order: dict[str, object], problem: str
) -> None:
    assert await alice.order(str(order.pop("kind")), **order) == problem


async def test_the_bot_survives_nonsense_and_so_does_the_page(alice: PageClient) -> None:
    for nonsense in ("", "{", "[]", "5", "{}", '{"do": "end"}'):
        await alice.send(nonsense)
    assert await alice.order("fly") == "There is no such order."

"""A real Chromium, pages in it, and the demo that is looked at."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from bot.demo.page.server import page as served
from bot.demo.world import World, world
from browser.chromium import chromium, executable
from browser.pages import Screen, watched_page
from browser.pages import screen as turned_on
from browser.room import Room, new_room
from browser.small_app import SmallApp, small_app

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """One loop for all, since all use one browser."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium(executable(os.environ)) as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A watched page. A server of the test's own that it talks to all the time is to be asked for before it."""
    async with watched_page(browser) as page:
        yield page


@pytest.fixture(scope="session")
async def at() -> AsyncIterator[World]:
    """The demo's world, one for all: a test leaves its levers and agents as they were."""
    async with world() as at:
        yield at


@pytest.fixture(scope="session")
async def url(at: World) -> AsyncIterator[str]:
    async with served(at) as url:
        yield url


@pytest.fixture(scope="session")
async def screen(browser: Browser, url: str) -> AsyncIterator[Screen]:  # noqa: ARG001 - the server outlives the page
    async with turned_on(browser) as screen:
        yield screen


@pytest.fixture
async def room(at: World, url: str, screen: Screen) -> AsyncIterator[Room]:
    """A channel of the test's own, which Alice has open. The bot breaks no rule of Slack's or Anchor's in it."""
    room = new_room(at, screen.page)
    await screen.page.goto(url)
    await room.open()
    yield room
    del at.stage.slack.home.channels[room.channel.id]
    await screen.tidy()
    left_on = [name for name, is_on in at.levers.positions.items() if is_on]
    for name in left_on:
        await at.levers.pull(name, on=False)
    complaints = [*at.stage.slack.violations, *at.stage.anchor.violations]
    at.stage.slack.violations.clear()
    at.stage.anchor.violations.clear()
    await screen.check()
    assert (left_on, complaints) == ([], [])


@pytest.fixture
async def app(room: Room) -> AsyncIterator[SmallApp]:
    """A small app in the bot's place, whose views are before Alice."""
    async with small_app(room.at.stage.slack) as app:
        yield app
        app.clear()

"""A real Chromium, and the demo's page in it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from bot.demo.page.server import page as serve_page
from browser.channel_page import ChannelPage, new_channel
from browser.pages import chromium, watched_page
from demo.page_client import strict_runner

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """One event loop for all tests, since they share a browser."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def fresh(browser: Browser) -> AsyncIterator[ChannelPage]:
    """#alerts in a demo that has just begun, in which nobody may break a rule."""
    async with strict_runner() as runner, serve_page(runner) as url, watched_page(browser) as page:
        await page.goto(url)
        await expect(page.get_by_role("radio", name="alice")).to_be_checked()
        yield ChannelPage(runner.demo, runner.demo.sandbox.slack.alerts, page)


@pytest.fixture
async def channel(fresh: ChannelPage) -> ChannelPage:
    """A new channel, which Alice has open."""
    channel = ChannelPage(fresh.demo, await new_channel(fresh.demo), fresh.page)
    await channel.open()
    return channel

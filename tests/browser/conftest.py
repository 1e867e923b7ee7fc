"""A real Chromium, and the demo's page in it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from bot.demo.page.server import page as serve_page
from bot.demo.runner import DemoRunner
from browser.channel_page import ChannelPage, new_channel_page
from browser.chromium import chromium
from browser.pages import Screen, open_screen, watched_page
from demo.page_client import patient_runner, strict_runner

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """One event loop for all tests, since they share a browser."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
async def runner() -> AsyncIterator[DemoRunner]:
    """One demo for all tests: each leaves its switches and agents as they were."""
    async with patient_runner() as runner:
        yield runner


@pytest.fixture(scope="session")
async def url(runner: DemoRunner) -> AsyncIterator[str]:
    async with serve_page(runner) as url:
        yield url


@pytest.fixture(scope="session")
async def screen(browser: Browser, url: str) -> AsyncIterator[Screen]:  # noqa: ARG001 - the server outlives the page
    async with open_screen(browser) as screen:
        yield screen


@pytest.fixture
async def channel(runner: DemoRunner, url: str, screen: Screen) -> AsyncIterator[ChannelPage]:
    """A new channel, which Alice has open. The bot must break no rule of Slack's or Anchor's in it."""
    switches = runner.demo.switches
    channel = await new_channel_page(runner.demo, screen.page)
    await screen.page.goto(url)
    await channel.open()
    yield channel
    del channel.slack.home.channels[channel.conversation.id]
    channel.slack.platform.views.forget(channel.slack.home.team_id)
    await screen.reset()
    left_on = [name for name, is_on in switches.positions.items() if is_on]
    for name in left_on:
        await switches.set(name, on=False)
    violations = [*channel.slack.violations, *channel.anchor.violations]
    channel.slack.violations.clear()
    channel.anchor.violations.clear()
    await screen.check()
    assert (left_on, violations) == ([], [])


@pytest.fixture
async def fresh(browser: Browser) -> AsyncIterator[ChannelPage]:
    """#alerts in a demo of the test's own that has just begun, in which nobody may break a rule."""
    async with strict_runner() as runner, serve_page(runner) as url, watched_page(browser) as page:
        await page.goto(url)
        await expect(page.get_by_role("radio", name="alice")).to_be_checked()
        yield ChannelPage(runner.demo, runner.demo.sandbox.slack.alerts, page)

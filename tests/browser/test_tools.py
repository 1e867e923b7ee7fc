"""The tool of these tests that records what goes wrong in a page."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import Browser, Error

from bot.sim.local_server import LocalServer
from browser.pages import Watch

pytestmark = pytest.mark.anyio

PROBLEMS = {
    "console.error('Broken', {part: 1})": "console error: Broken {part: 1}",
    "throw new Error('Thrown')": "thrown: Error: Thrown",
    "fetch('http://fetched.invalid/').catch(() => 0)": "leaves the machine: http://fetched.invalid/",
    "new WebSocket('ws://connected.invalid/')": "leaves the machine: ws://connected.invalid/",
}


async def empty_page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><link rel='icon' href='data:,'>", content_type="text/html")


async def test_what_goes_wrong_in_a_page_is_recorded_and_chromium_resolves_no_names(browser: Browser) -> None:
    async with LocalServer([web.get("/", empty_page)]) as site, await browser.new_context() as context:
        watch = Watch(context)
        page = await context.new_page()
        await page.goto(site.origin.replace("127.0.0.1", "localhost"))
        for script, problem in PROBLEMS.items():
            await page.evaluate("script => void setTimeout(script, 0)", script)
            async with asyncio.timeout(20):
                while not any(problem in recorded for recorded in watch.problems):
                    await page.wait_for_timeout(10)
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            await page.goto(site.origin.replace("127.0.0.1", "elsewhere.localhost"))

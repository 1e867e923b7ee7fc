"""The page reconnects by itself after the demo was stopped."""

import re

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from bot.demo.page.server import page as serve_page
from bot.demo.runner import DemoRunner
from browser.channel_page import ChannelPage
from browser.pages import watched_page

pytestmark = pytest.mark.anyio


async def test_the_page_opens_at_once_and_says_that_the_bot_starts(browser: Browser) -> None:
    runner = DemoRunner()
    async with serve_page(runner) as url, watched_page(browser) as page:
        await page.goto(url)
        starting, alerts = page.get_by_text("The bot is starting…"), page.get_by_role("heading", name="#alerts")
        await expect(starting).to_be_in_viewport(ratio=1)
        async with runner:
            await expect(alerts).to_be_visible()
            await expect(starting).to_be_hidden()


async def test_the_page_says_that_the_demo_is_gone_and_reconnects(browser: Browser) -> None:
    async with await browser.new_context(locale="en-US") as context:
        page = await context.new_page()
        async with DemoRunner() as runner, serve_page(runner) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            slack = runner.demo.sandbox.slack
            channel = ChannelPage(runner.demo, slack.incidents, page)
            await page.goto(f"{url}#{slack.alice.id}")
            await channel.open()
            channel.post("Of the first demo")
            await channel.message("Of the first demo").hover()
            await channel.button("Reply in thread").click()
        gone = page.get_by_role("alert")
        await expect(gone).to_contain_text("The demo is gone.")
        await channel.enter("Sent to nobody")
        toast = page.get_by_role("status").get_by_text("The demo is gone; nothing was sent.")
        for width in (1440, 390, 320):
            await page.set_viewport_size({"width": width, "height": 844})
            banner, covering = await gone.bounding_box(), await toast.bounding_box()
            assert banner
            assert covering
            assert covering["y"] >= banner["y"] + banner["height"]
            await expect(toast).to_be_in_viewport(ratio=1)
        await page.set_viewport_size({"width": 1280, "height": 720})
        await expect(channel.line).to_have_value("Sent to nobody")
        async with DemoRunner() as runner, serve_page(runner, port):
            await expect(gone).to_be_hidden()
            await expect(channel.message("Of the first demo")).to_have_count(0)
            await expect(channel.line).to_have_accessible_name("Message #incidents as alice")
            slack = runner.demo.sandbox.slack
            slack.post(slack.private, "Elsewhere in the second")
            await expect(page.get_by_role("button", name="#war-room 1 unread")).to_be_visible()
            await channel.line.press("Enter")
            await expect(channel.message("Sent to nobody")).to_be_visible()


async def test_the_page_does_not_wait_for_answers_of_a_broken_connection(channel: ChannelPage, url: str) -> None:
    sockets: list[WebSocketRoute] = []
    page = await channel.page.context.new_page()
    await page.route_web_socket(re.compile("/socket"), lambda socket: sockets.append(socket.connect_to_server()))
    broken = ChannelPage(channel.demo, channel.conversation, page)
    await page.goto(url)
    await broken.open()
    async with channel.hanging():
        await broken.enter("/anchor-pause help")
        await expect(page.locator("form[aria-busy=true]")).to_be_visible()
        await sockets[0].close()
        await expect(page.get_by_role("status")).to_have_text("The demo was ended before it answered.")
        await expect(page.locator("form[aria-busy=true]")).to_have_count(0)
        await expect(broken.line).to_have_value("/anchor-pause help")
        await expect(page.get_by_role("alert")).to_be_hidden()
    await expect(broken.message("Only visible to you")).to_be_visible()

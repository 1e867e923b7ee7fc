"""The page reconnects by itself after the demo was stopped."""

import pytest
from playwright.async_api import Browser, expect

from bot.demo.page.server import page as serve_page
from bot.demo.runner import DemoRunner
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio


async def test_the_page_says_that_the_bot_starts_or_that_the_demo_is_gone_and_reconnects(browser: Browser) -> None:
    async with await browser.new_context(locale="en-US") as context:
        page = await context.new_page()
        gone, starting = page.get_by_role("alert"), page.get_by_text("The bot is starting…")
        runner = DemoRunner()
        async with serve_page(runner) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            await page.goto(url)
            await expect(starting).to_be_in_viewport(ratio=1)
            async with runner:
                slack = runner.demo.sandbox.slack
                channel = ChannelPage(runner.demo, slack.incidents, page)
                await channel.open()
                await expect(starting).to_be_hidden()
                channel.post("Of the first demo")
                await channel.message("Of the first demo").hover()
                await channel.button("Reply in thread").click()
        await expect(gone).to_contain_text("The demo is gone.")
        await channel.enter("Sent to nobody")
        toast = page.get_by_role("status").get_by_text("The demo is gone; nothing was sent.")
        await expect(toast).to_be_in_viewport(ratio=1)
        await expect(channel.line).to_have_value("Sent to nobody")
        async with DemoRunner() as second, serve_page(second, port):
            await expect(gone).to_be_hidden()
            await expect(channel.message("Of the first demo")).to_have_count(0)
            await expect(channel.line).to_have_accessible_name("Message #incidents as alice")
            await channel.line.press("Enter")
            await expect(channel.message("Sent to nobody")).to_be_visible()

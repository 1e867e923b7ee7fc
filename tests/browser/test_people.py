"""Who acts on the page: a member of the workspace, an outsider, who can click but not command, or another admin."""

import pytest
from playwright.async_api import expect

from bot.demo.jobs import JOBS
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))


async def test_an_outsider_sees_only_shared_channels_and_has_no_commands(channel: ChannelPage) -> None:
    names = channel.page.get_by_role("navigation").get_by_role("button").locator(".name")
    assert {"#alerts", "#incidents", "#war-room", "bob", "anchor"} <= set(await names.all_inner_texts())
    await expect(channel.page.get_by_title("Of another workspace")).to_have_text("malloryExternal")
    await channel.act_as("mallory")
    shared = await names.all_inner_texts()
    assert shared[0] == "#alerts"
    assert all(name.startswith("#test-") for name in shared[1:])
    await channel.line.press_sequentially("/an")
    await expect(channel.page.get_by_role("listbox")).to_be_hidden()
    await channel.enter(f"/anchor-pause {RUNAWAY}")
    await expect(channel.messages).to_contain_text("Only visible to you")
    await expect(channel.messages.locator(".author")).to_have_text("Slackbot")
    await channel.page.get_by_role("button", name=RUNAWAY).click()
    await expect(channel.line).to_have_value(RUNAWAY)
    assert channel.orders(RUNAWAY) == []
    await channel.page.get_by_role("link", name="Skip to the composer").press("Enter")
    await expect(channel.line).to_be_focused()

"""Who acts on the page: a member of the workspace, an outsider, who can click but not command, or another admin."""

import re

import pytest
from playwright.async_api import expect

from bot.demo.jobs import JOBS
from bot.demo.newco import NEWCO_KEY
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
    await channel.page.reload()  # which keeps the acting person, as the skip link does
    await expect(channel.page.get_by_role("radio", name="mallory")).to_be_checked()


async def test_the_acting_person_is_chosen_by_keyboard_and_another_workspace_has_its_own_page(
    channel: ChannelPage,
) -> None:
    page, copy = channel.page, channel.page.get_by_role("button", name="Copy")
    await page.get_by_role("radio", name="alice").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):  # faster than the page follows
        await page.keyboard.press(key)
    await expect(page.get_by_role("radio", name="mallory")).to_be_focused()
    await expect(channel.line).to_have_accessible_name(f"Message {channel.name} as mallory")
    await channel.enter("To all")
    for _ in range(100):  # what is entered while the page still changes comes back into the line
        if await channel.message("To all").count():
            break
        await page.wait_for_timeout(100)
        await channel.line.press("Enter")
    await expect(channel.message("To all").locator(".author")).to_have_text("mallory")
    await expect(copy).to_be_hidden()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_title("An admin of Newco").click()
    await expect(channel.line).to_have_accessible_name("Message #alerts as dora")
    channels = re.compile(r"^\s*Newco\s*#alerts\s*#general\s*Apps\s*anchor\s*$")
    await expect(page.get_by_role("navigation")).to_have_text(channels)
    await expect(page.get_by_role("heading", level=3)).to_contain_text(["Lead research"])
    await expect(page.get_by_role("button", name="Raise")).to_have_count(0)
    await copy.click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == NEWCO_KEY
    await page.context.clear_permissions()
    await page.get_by_title("An admin of Acme").click()
    await expect(channel.agent("Flight watch")).to_have_count(1)
    await expect(channel.agent("Lead research")).to_have_count(0)

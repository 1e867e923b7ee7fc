"""The app's modals, by mouse and by keyboard. https://docs.slack.dev/surfaces/modals"""

import pytest
from playwright.async_api import Locator, expect

from browser.accessibility import tab_to
from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness import blocks as kit
from harness.blocks import actions, button, input_block, modal, plain, section

pytestmark = pytest.mark.anyio
KEY = input_block("plain_text_input", "key", label="Secret key", hint="It begins with sk-.", focus_on_load=True)


async def open_modal(channel: ChannelPage, app: SampleApp, view: kit.Block) -> Locator:
    """Let Alice open a modal by a button of her Home, and return its first field."""
    app.opens["open"] = view
    await app.publish(channel.slack.alice, actions(button("open", text="Open")))
    await channel.open_app()
    await channel.home.get_by_role("button", name="Open").press("Enter")
    await expect(channel.dialog).to_be_visible()
    return channel.dialog.locator("input, textarea").first


async def test_a_modal_keeps_the_focus_and_what_is_typed_and_tells_nobody_when_it_is_left(
    channel: ChannelPage, app: SampleApp
) -> None:
    page, dialog = channel.page, channel.dialog
    first = modal(section("*About* it"), KEY, title="Set it", close=plain("Never mind"))
    line = await open_modal(channel, app, first)
    await expect(dialog).to_have_accessible_name("Set it")
    await expect(dialog.get_by_role("button")).to_have_text(["×", "Never mind", "Save"])
    await expect(line).to_be_focused()
    for key in ("Tab", "Shift+Tab"):
        await tab_to(page, dialog.get_by_role("button", name="Save"), key)
        await tab_to(page, line, key)
    await line.fill("sk-typed")
    await line.press("ArrowLeft")
    channel.post("Somebody talks")
    await app.publish(app.slack.alice, section("Another Home"), actions(button("open", text="Open again")))
    await app.update(modal({"type": "divider"}, section("After"), {**KEY, "label": plain("The key")}, title="Other"))
    await expect(dialog.locator("#modal-body")).to_contain_text("After")
    await expect(dialog).to_have_accessible_name("Other")
    await expect(line).to_be_focused()
    await page.keyboard.type("-")
    await expect(line).to_have_value("sk-type-d")
    for way in ("Escape", "Cancel", "Close all"):
        await line.fill("sk-typed")
        if way == "Escape":
            await page.keyboard.press("Escape")
        else:
            await dialog.get_by_role("button", name=way).click()
        await expect(dialog).to_be_hidden()
        await expect(channel.home.get_by_role("button", name="Open again")).to_be_focused()
        await app.slack.until(lambda: not app.slack.modals_of(app.slack.alice))
        assert "sk-typed" not in str(app.received)
        app.opens["open"] = modal(KEY)
        await page.keyboard.press("Enter")
        await expect(line).to_have_value("")

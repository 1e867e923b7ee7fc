"""People can use the page whatever they see and whatever they type with: names, roles, contrast, order of the focus."""

import pytest
from playwright.async_api import expect

from browser.accessibility import axe_in_both_themes, tab_to
from browser.channel_page import ChannelPage
from browser.content import open_home, post_every_kind
from browser.sample_app import SampleApp
from harness.blocks import modal, section

pytestmark = pytest.mark.anyio


async def test_a_channel_has_no_violations_and_the_tab_key_reaches_all_its_controls_in_order(
    channel: ChannelPage,
) -> None:
    page, tools = channel.page, channel.page.locator(".tools")
    session_id = await post_every_kind(channel)
    reply = channel.button("Reply in thread")
    await expect(page.get_by_role("navigation")).to_have_accessible_name("Conversations")
    for name in (channel.name, "Agents and switches", "Agents", "Switches"):
        await expect(page.get_by_role("main").get_by_role("region", name=name, exact=True)).to_have_count(1)
    await expect(tools.first).to_have_css("opacity", "0")
    for control in (
        page.get_by_role("link", name="Skip to the composer"),
        page.get_by_role("radio", name="alice"),
        channel.in_sidebar(channel.name),
        channel.list,
        channel.pause_button(session_id),
        reply,
        channel.button("Shortcuts"),
        channel.list.get_by_text("2 replies", exact=True),
        channel.list.get_by_role("button", name="Reply", exact=True),
        channel.button("Aside"),
        channel.button("Legacy"),
        channel.list.get_by_role("link", name="Runbook"),
        channel.line,
        channel.agent("Office supplies").get_by_title("Put into the composer"),
        channel.agent("Invoice filing").get_by_role("button", name="End session"),
        channel.switch("Stopped"),
    ):
        await tab_to(page, control)
        if control == reply:
            await expect(tools.first).to_have_css("opacity", "1")
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    paused = await channel.alert()
    await channel.pause(paused)
    await expect(channel.resume_button(paused)).to_have_count(1)
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        await channel.line.fill("/")
        await expect(page.get_by_role("listbox")).to_be_visible()
        assert (width, await axe_in_both_themes(page)) == (width, [])
        await channel.line.fill("")
    await channel.resume_button(paused).first.click()
    await expect(channel.dialog).to_be_visible()
    assert await axe_in_both_themes(page) == []
    await page.keyboard.press("Escape")
    moving = "document.getAnimations().filter(one => one.effect.getComputedTiming().activeDuration > 1).length"
    assert await page.evaluate(moving) == 0  # for people who want no motion


async def test_the_home_and_a_modal_have_no_violations_and_the_tab_key_reaches_all_their_controls(
    channel: ChannelPage, app: SampleApp
) -> None:
    page, home, dialog = channel.page, channel.home, channel.dialog
    await open_home(channel, app)
    await page.get_by_role("link", name="Skip to the composer").press("Enter")
    await expect(home).to_be_focused()
    for control in (
        home.get_by_role("button", name="Replace"),
        home.get_by_role("combobox", name="Where"),
        home.get_by_role("button", name="Yes"),
        home.get_by_role("checkbox", name="Admins"),
        page.get_by_role("button", name="Raise a storm"),
    ):
        await tab_to(page, control)
    await home.get_by_role("button", name="Replace").press("Enter")
    await expect(dialog.get_by_label("Key")).to_be_focused()
    for control in (
        dialog.get_by_label("Note"),
        dialog.get_by_role("button", name="Remove bob"),
        dialog.get_by_role("combobox", name="People"),
        dialog.get_by_role("button", name="Cancel"),
        dialog.get_by_role("button", name="Save"),
        dialog.get_by_role("button", name="Close all"),
        dialog.get_by_label("Key"),
    ):
        await tab_to(page, control)
    await dialog.get_by_role("button", name="Close all").click()
    app.slack.request_url, request_url = None, app.slack.request_url
    await home.get_by_role("button", name="Yes").click()
    await expect(home.get_by_role("alert")).to_be_visible()
    app.slack.request_url = request_url
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        await home.get_by_role("combobox").click()
        assert (width, await axe_in_both_themes(page)) == (width, [])
        await page.keyboard.press("Escape")
        await home.get_by_role("button", name="Replace").click()
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.get_by_label("Key")).to_have_attribute("aria-invalid", "true")
        await dialog.get_by_role("combobox", name="People").click()
        assert (width, await axe_in_both_themes(page)) == (width, [])
        await app.update(modal(section("One moment"), title="Checking", submit=None))
        await expect(dialog).to_have_accessible_name("Checking")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
    await channel.tab("Messages").click()
    assert await axe_in_both_themes(page) == []

"""People can use the page whatever they see and whatever they type with: names, roles, contrast, order of the focus."""

import pytest
from playwright.async_api import expect

from browser.accessibility import axe_in_both_themes, tab_to
from browser.channel_page import ChannelPage
from browser.content import open_home, post_every_kind
from browser.sample_app import SampleApp
from harness.blocks import modal, section

pytestmark = pytest.mark.anyio

WIDTHS = (1440, 390)


async def test_axe_finds_nothing_in_a_channel(channel: ChannelPage) -> None:
    await post_every_kind(channel)
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    paused = await channel.alert()
    await channel.pause(paused)
    await expect(channel.resume_button(paused)).to_have_count(1)
    for width in WIDTHS:
        await channel.page.set_viewport_size({"width": width, "height": 900})
        await channel.line.fill("/")
        await expect(channel.page.get_by_role("listbox")).to_be_visible()
        assert (width, await axe_in_both_themes(channel.page)) == (width, [])
        await channel.line.fill("")
        await channel.resume_button(paused).first.click()
        await expect(channel.dialog).to_be_visible()
        assert (width, await axe_in_both_themes(channel.page)) == (width, [])
        await channel.page.keyboard.press("Escape")


@pytest.mark.parametrize("width", WIDTHS)
async def test_axe_finds_nothing_in_the_home_and_in_modals(channel: ChannelPage, app: SampleApp, width: int) -> None:
    page, home, dialog = channel.page, channel.home, channel.dialog
    await open_home(channel, app)
    app.slack.request_url, request_url = None, app.slack.request_url
    await home.get_by_role("button", name="Yes").click()
    await expect(home.get_by_role("alert")).to_be_visible()
    app.slack.request_url = request_url
    await page.set_viewport_size({"width": width, "height": 900})
    await home.get_by_role("combobox").click()
    assert await axe_in_both_themes(page) == []
    await page.keyboard.press("Escape")
    await home.get_by_role("button", name="Replace").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_label("Key")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_role("combobox", name="People").click()
    assert await axe_in_both_themes(page) == []
    await app.update(modal(section("One moment"), title="Checking", submit=None))
    await expect(dialog).to_have_accessible_name("Checking")
    await page.keyboard.press("Escape")
    await channel.tab("Messages").click()
    assert await axe_in_both_themes(page) == []


async def test_the_parts_of_the_page_have_their_roles_and_names(channel: ChannelPage) -> None:
    page = channel.page
    await expect(page.get_by_role("banner")).to_contain_text("Anchor demo")
    await expect(page.get_by_role("navigation")).to_have_accessible_name("Conversations")
    for name in (channel.name, "Agents and switches", "Agents", "Switches"):
        await expect(page.get_by_role("main").get_by_role("region", name=name, exact=True)).to_have_count(1)
    await expect(page.get_by_role("group", name="Act as").get_by_role("radio")).to_have_count(4)
    await expect(page.get_by_role("group", name="Colours").get_by_role("radio")).to_have_count(3)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Anchor demo")
    agents = page.get_by_role("region", name="Agents", exact=True)
    await expect(agents.get_by_role("heading", level=3)).to_have_count(3)
    await expect(page.get_by_role("region", name="Switches", exact=True).get_by_role("switch")).to_have_count(7)


async def test_the_tab_key_reaches_all_controls_of_a_channel_in_order(channel: ChannelPage) -> None:
    session_id = await post_every_kind(channel)
    reply, tools = channel.button("Reply in thread"), channel.page.locator(".tools")
    await expect(tools.first).to_have_css("opacity", "0")
    for control in (
        channel.page.get_by_role("link", name="Skip to the composer"),
        channel.page.get_by_role("radio", name="alice"),
        channel.page.get_by_role("radio", name="As the system"),
        channel.in_sidebar("#alerts"),
        channel.in_sidebar(channel.name),
        channel.list,
        channel.pause_button(session_id),
        reply,
        channel.button("Shortcuts"),
        channel.list.get_by_text("2 replies", exact=True),
        channel.list.get_by_role("button", name="Reply", exact=True),
        channel.list.get_by_role("link", name="e"),
        channel.button("Aside"),
        channel.button("danger"),
        channel.list.get_by_role("link", name="Title"),
        channel.button("Legacy"),
        channel.list.get_by_role("link", name="Runbook"),
        channel.line,
        channel.page.get_by_role("button", name="Send"),
        channel.page.get_by_role("button", name="Raise five alerts at once"),
        channel.agent("Office supplies").get_by_title("Put into the composer"),
        channel.agent("Office supplies").get_by_role("button", name="Raise alert"),
        channel.agent("Invoice filing").get_by_role("button", name="End session"),
        channel.switch("Slow"),
        channel.switch("Stopped"),
    ):
        await tab_to(channel.page, control)
        if control == reply:
            await expect(tools.first).to_have_css("opacity", "1")


async def test_the_tab_key_reaches_all_controls_of_the_home_and_of_a_modal(
    channel: ChannelPage, app: SampleApp
) -> None:
    await open_home(channel, app)
    home, dialog = channel.home, channel.dialog
    await channel.page.get_by_role("link", name="Skip to the composer").press("Enter")
    await expect(home).to_be_focused()
    await channel.tab("Home").focus()
    for control in (
        home,
        home.get_by_role("button", name="Replace"),
        home.get_by_role("combobox", name="Where"),
        home.get_by_role("button", name="Yes"),
        home.get_by_role("checkbox", name="Admins"),
        channel.page.get_by_role("button", name="Raise five alerts at once"),
    ):
        await tab_to(channel.page, control)
    await home.get_by_role("button", name="Replace").press("Enter")
    await expect(dialog.get_by_label("Key")).to_be_focused()
    for control in (
        dialog.get_by_label("Note"),
        dialog.get_by_role("checkbox", name="Admins"),
        dialog.get_by_role("button", name="Remove bob"),
        dialog.get_by_role("combobox", name="People"),
        dialog.get_by_role("combobox", name="One person"),
        dialog.get_by_role("button", name="Cancel"),
        dialog.get_by_role("button", name="Save"),
        dialog.get_by_role("button", name="Close all"),
        dialog.get_by_label("Key"),
    ):
        await tab_to(channel.page, control)


async def test_nothing_moves_for_people_who_want_no_motion(channel: ChannelPage) -> None:
    await channel.alert()
    await expect(channel.messages).to_have_count(1)
    moving = "document.getAnimations().filter(one => one.effect.getComputedTiming().activeDuration > 1).length"
    assert await channel.page.evaluate(moving) == 0
    await channel.page.emulate_media(reduced_motion="no-preference")
    assert await channel.page.evaluate(moving) > 0

"""The page fits every screen, whatever is posted in it, and uses the width that there is."""

import itertools

import pytest
from playwright.async_api import Page, expect

from bot.demo.agents import Line
from browser.channel_page import ChannelPage
from browser.content import WORD, open_home, post_every_kind
from browser.sample_app import SampleApp

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(1_000_000)
PROTRUDING = """
() => [...document.body.querySelectorAll("*")]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest(".sr-only, .skip, .segments input"))
  .filter(one => {
    const {left, right} = one.getBoundingClientRect();
    return right > left && (left < 0 || right > innerWidth || one.scrollWidth > Math.ceil(right - left) && !hides(one));
    function hides(one) { return getComputedStyle(one).textOverflow === "ellipsis" || one.tagName === "INPUT"; }
  })
  .map(one => `${one.tagName} ${one.id || one.className} ${one.scrollWidth} ${one.getBoundingClientRect().right}`)
"""
"""Everything that reaches beyond the window, or is cut off by its container without saying so."""


async def resize(page: Page, width: int, height: int = 844) -> None:
    """Resize the window, and wait until the page has been drawn for it."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def log_word(channel: ChannelPage) -> None:
    """Let each agent log a word that is too long for its card."""
    for agent in channel.demo.agents:
        agent.log.append(Line(next(NUMBERS), 0.0, WORD))


async def test_nothing_in_a_channel_or_about_the_agents_is_wider_than_the_screen(channel: ChannelPage) -> None:
    page = channel.page
    await post_every_kind(channel)
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    await expect(channel.pane.get_by_role("button", name="Leave the thread")).to_be_visible()
    for width in (320, 390, 760, 761, 1160, 1161, 1440):
        log_word(channel)
        await resize(page, width)
        await channel.line.fill("/")
        await expect(page.get_by_role("listbox")).to_be_visible()
        await channel.message("A reply").get_by_text("A reply").hover()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
    for width in (390, 320):
        log_word(channel)
        await resize(page, width)
        if width == 390:
            await channel.pane.get_by_role("button", name="Agents").click()
        await expect(page.get_by_role("heading", name="Switches")).to_be_visible()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])


async def test_nothing_in_the_home_or_in_a_modal_is_wider_than_the_screen(channel: ChannelPage, app: SampleApp) -> None:
    page, home, dialog = channel.page, channel.home, channel.dialog
    await open_home(channel, app)
    save = dialog.get_by_role("button", name="Save")
    for width in (320, 390, 760, 1161, 1440):
        await resize(page, width)
        await home.get_by_role("combobox").click()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
        await page.keyboard.press("Escape")
        await home.get_by_role("button", name="Replace").click()
        people = dialog.get_by_role("combobox", name="People")
        for name in ("alice", "guest", "mallory"):
            await people.fill(name)
            await people.press("Enter")
        await people.click()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
        await expect(dialog.get_by_role("option").first).to_be_in_viewport(ratio=1)
        await expect(save).to_be_in_viewport(ratio=1)
        if width == 1440:
            await resize(page, 844, 400)
            await expect(save).to_be_in_viewport(ratio=1)
            await dialog.get_by_role("combobox", name="One person").scroll_into_view_if_needed()
            await expect(dialog.get_by_role("combobox", name="One person")).to_be_in_viewport(ratio=1)
        await dialog.get_by_role("button", name="Close all").click()
        await expect(dialog).to_be_hidden()


async def test_a_wide_screen_shows_three_columns_and_a_phone_shows_the_channel_or_the_agents(
    channel: ChannelPage,
) -> None:
    columns = [channel.page.locator(".side"), channel.pane, channel.side_pane]
    boxes = [box for part in columns if (box := await part.bounding_box())]
    edges = [(round(box["x"]), round(box["x"] + box["width"])) for box in boxes]
    assert edges == [(0, 220), (220, 1020), (1020, 1440)]
    assert {round(box["y"] + box["height"]) for box in boxes} == {900}
    await resize(channel.page, 390)
    await expect(channel.pane).to_be_visible()
    await expect(channel.side_pane).to_be_hidden()
    to_agents = channel.pane.get_by_role("button", name="Agents")
    await to_agents.click()
    await expect(channel.side_pane).to_be_visible()
    await expect(channel.pane).to_be_hidden()
    await expect(channel.page.get_by_role("button", name="Channel")).to_be_focused()
    await channel.page.keyboard.press("Enter")
    await expect(channel.pane).to_be_visible()
    await expect(to_agents).to_be_focused()
    await to_agents.click()
    await channel.agent("Flight watch").get_by_title("Put into the composer").click()
    await expect(channel.line).to_be_focused()
    await expect(channel.line).to_have_value("/anchor-pause 9c0d7e11-2222-4333-8444-555566667777")


async def test_all_switches_are_visible_on_a_laptop_without_scrolling(channel: ChannelPage) -> None:
    for person in ("alice", "dora"):
        await channel.page.get_by_role("radio", name=person).locator("xpath=..").click()
        await expect(channel.page.get_by_text("Lead research")).to_be_visible(visible=person == "dora")
        for switch in await channel.page.get_by_role("switch").all():
            await expect(switch).to_be_in_viewport(ratio=1)
            await expect(switch.locator("xpath=following-sibling::*")).to_be_in_viewport(ratio=1)
        assert await channel.side_pane.evaluate("pane => pane.scrollHeight <= pane.clientHeight")


async def test_the_buttons_of_an_agent_do_not_wrap_however_much_it_has_spent(channel: ChannelPage) -> None:
    card, [supplies, *_] = channel.agent("Office supplies"), channel.demo.agents
    alert, end = (card.get_by_role("button", name=name) for name in ("Raise alert", "End session"))
    spent = supplies.spent
    try:
        for width in (1440, 1161, 1160, 761, 390):
            await resize(channel.page, width)
            if width == 390:
                await channel.pane.get_by_role("button", name="Agents").click()
            for amount in (100.0, 1_000.0, 9_990.0):
                supplies.spent = amount
                await expect(card.locator(".spent")).to_contain_text(f"${amount:,.0f}"[:-1])
                boxes = [await one.bounding_box() for one in (card.locator(".money"), alert, end)]
                tops = [round(box["y"] + box["height"] / 2) for box in boxes if box]
                assert (width, amount, max(tops) - min(tops) <= 1) == (width, amount, True)
                assert {round(box["height"]) for box in boxes[1:] if box} == {28}
                assert await card.locator(".money").evaluate("money => money.scrollWidth <= money.clientWidth")
    finally:
        supplies.spent = spent


async def test_the_badge_of_the_outsider_is_visible_on_a_phone(channel: ChannelPage) -> None:
    badge = channel.page.get_by_role("group", name="Act as").get_by_text("External")
    for width in (1440, 1024, 390, 320):
        await resize(channel.page, width)
        await expect(badge).to_be_in_viewport(ratio=1)


async def test_an_empty_channel_says_so_and_a_few_messages_stand_at_the_bottom(channel: ChannelPage) -> None:
    empty = channel.pane.get_by_text(f"This is the very beginning of {channel.name}.")
    await expect(empty).to_be_in_viewport(ratio=1)
    assert await channel.page.evaluate(PROTRUDING) == []
    channel.post("The only one")
    await expect(empty).to_be_hidden()
    only, composer = await channel.message("The only one").bounding_box(), await channel.line.bounding_box()
    assert only
    assert composer
    assert 0 < composer["y"] - (only["y"] + only["height"]) < 40


async def test_a_low_window_can_be_scrolled_and_has_space_to_read_and_to_write(channel: ChannelPage) -> None:
    channel.post("Something to read")
    await resize(channel.page, 844, 480)
    await expect(channel.message("Something to read")).to_be_in_viewport(ratio=1)
    await expect(channel.line).to_be_in_viewport(ratio=1)
    await resize(channel.page, 320, 256)
    for part in (channel.line, channel.message("Something to read"), channel.page.get_by_role("radio", name="alice")):
        await part.scroll_into_view_if_needed()
        await expect(part).to_be_in_viewport(ratio=1)
    assert await channel.list.evaluate("list => list.clientHeight") > 200

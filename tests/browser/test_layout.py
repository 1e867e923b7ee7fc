"""The page fits every screen, whatever is posted in it, and uses the width that there is."""

import pytest
from playwright.async_api import Page, expect

from browser.channel_page import ChannelPage
from browser.content import open_home, post_every_kind
from browser.sample_app import SampleApp

pytestmark = pytest.mark.anyio

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


async def test_nothing_in_a_channel_or_about_the_agents_is_wider_than_the_screen(channel: ChannelPage) -> None:
    page = channel.page
    await post_every_kind(channel)
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    await expect(channel.pane.get_by_role("button", name="Leave the thread")).to_be_visible()
    for width in (320, 390, 760, 761, 1160, 1161, 1440):
        await resize(page, width)
        await channel.line.fill("/")
        await expect(page.get_by_role("listbox")).to_be_visible()
        await channel.message("A reply").get_by_text("A reply").hover()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
    await resize(page, 320)
    await channel.pane.get_by_role("button", name="Agents").click()
    await expect(page.get_by_role("heading", name="Switches")).to_be_visible()
    assert await page.evaluate(PROTRUDING) == []


async def test_nothing_in_the_home_or_in_a_modal_is_wider_than_the_screen(channel: ChannelPage, app: SampleApp) -> None:
    page, home, dialog = channel.page, channel.home, channel.dialog
    await open_home(channel, app)
    for width in (320, 1440):
        await resize(page, width)
        await home.get_by_role("combobox").click()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
        await page.keyboard.press("Escape")
        await home.get_by_role("button", name="Replace").click()
        await dialog.get_by_role("combobox", name="People").click()
        assert (width, await page.evaluate(PROTRUDING)) == (width, [])
        await expect(dialog.get_by_role("option").first).to_be_in_viewport(ratio=1)
        await expect(dialog.get_by_role("button", name="Save")).to_be_in_viewport(ratio=1)
        await dialog.get_by_role("button", name="Close all").click()


async def test_a_wide_screen_shows_three_columns_and_a_phone_shows_the_channel_or_the_agents(
    channel: ChannelPage,
) -> None:
    page = channel.page
    empty = channel.pane.get_by_text(f"This is the very beginning of {channel.name}.")
    columns = [page.locator(".side"), channel.pane, channel.side_pane]
    boxes = [box for part in columns if (box := await part.bounding_box())]
    edges = [(round(box["x"]), round(box["x"] + box["width"])) for box in boxes]
    assert edges == [(0, 220), (220, 1020), (1020, 1440)]
    assert {round(box["y"] + box["height"]) for box in boxes} == {900}
    await expect(empty).to_be_in_viewport(ratio=1)
    assert await page.evaluate(PROTRUDING) == []
    channel.post("The only one")
    await expect(empty).to_be_hidden()
    assert await channel.side_pane.evaluate("pane => pane.scrollHeight <= pane.clientHeight")
    for width in (1440, 1024, 320, 390):
        await resize(page, width)
        await expect(page.get_by_role("group", name="Act as").get_by_text("External")).to_be_in_viewport(ratio=1)
    await expect(channel.pane).to_be_visible()
    await expect(channel.side_pane).to_be_hidden()
    to_agents = channel.pane.get_by_role("button", name="Agents")
    await to_agents.click()
    await expect(channel.side_pane).to_be_visible()
    await expect(channel.pane).to_be_hidden()
    await expect(page.get_by_role("button", name="Channel")).to_be_focused()
    await channel.agent("Flight watch").get_by_title("Put into the composer").click()
    await expect(channel.line).to_be_focused()

"""The list of messages follows new ones, but does not move while somebody reads above."""

import pytest
from playwright.async_api import Locator, expect

from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio

LAST = "Message 60"


@pytest.fixture
async def full(channel: ChannelPage) -> ChannelPage:
    """A channel of many messages, of which the newest is in view."""
    for number in range(1, 61):
        channel.post(f"Message {number}", by=(channel.slack.bob, channel.slack.alice)[number % 7 == 0])
    await expect(channel.messages).to_have_count(60)
    await expect(channel.message(LAST)).to_be_in_viewport(ratio=1)
    return channel


def offer(full: ChannelPage) -> Locator:
    return full.pane.get_by_role("button", name="New messages")


async def read_above(full: ChannelPage) -> Locator:
    """Scroll up to a message in the middle, and return it."""
    middle = full.message("Message 30")
    await middle.scroll_into_view_if_needed()
    await expect(middle).to_be_in_viewport()
    await expect(full.message(LAST)).not_to_be_in_viewport()
    return middle


async def test_the_newest_message_is_in_view_after_a_reload_a_new_message_and_a_resize(full: ChannelPage) -> None:
    await full.page.reload()
    await full.open()
    await expect(full.message(LAST)).to_be_in_viewport(ratio=1)
    full.post("A new one\nof two lines")
    newest = full.message("A new one")
    await expect(newest).to_be_in_viewport(ratio=1)
    await expect(offer(full)).to_be_hidden()
    for height in (500, 1200, 400, 900):
        await full.page.set_viewport_size({"width": 1440, "height": height})
        await expect(newest).to_be_in_viewport(ratio=1)
    await newest.hover()
    await newest.get_by_role("button", name="Reply in thread").click()
    await expect(full.pane.get_by_text("In the thread of: A new one")).to_be_visible()
    bottom_of_list = await full.list.evaluate("list => list.getBoundingClientRect().bottom")
    assert await newest.evaluate("last => last.getBoundingClientRect().bottom") <= bottom_of_list


async def test_a_new_message_moves_nobody_who_reads_above_but_is_offered(full: ChannelPage) -> None:
    for by in ("mouse", "keyboard", "scrolling"):
        middle = await read_above(full)
        before = await middle.bounding_box()
        full.post(f"New by {by}")
        await expect(offer(full)).to_be_visible()
        assert await middle.bounding_box() == before
        if by == "mouse":
            await offer(full).click()
        elif by == "keyboard":
            await full.line.press("Shift+Tab")  # to the shortcut
            await full.page.keyboard.press("Shift+Tab")
            await expect(offer(full)).to_be_focused()
            await full.page.keyboard.press("Enter")
            await expect(full.list).to_be_focused()
        else:
            await full.list.hover()
            await full.page.mouse.wheel(0, 100_000)
        await expect(full.message(f"New by {by}")).to_be_in_viewport(ratio=1)
        await expect(offer(full)).to_be_hidden()


async def test_somebody_who_reads_above_stays_there_after_a_reply_above_and_a_resize(full: ChannelPage) -> None:
    middle = await read_above(full)
    full.post("A reply", thread=full.slack.channel_messages(full.conversation)[9])
    await expect(full.message("A reply")).to_be_attached()
    await expect(offer(full)).to_be_hidden()
    await expect(middle).to_be_in_viewport()
    await full.page.set_viewport_size({"width": 1440, "height": 700})
    await expect(middle).to_be_in_viewport()
    await expect(full.message(LAST)).not_to_be_in_viewport()


async def test_ones_own_command_and_message_are_scrolled_to(full: ChannelPage) -> None:
    await read_above(full)
    await full.enter("/anchor-pause")
    await expect(full.messages.last).to_contain_text("Only visible to you")
    await expect(full.messages.last).to_be_in_viewport(ratio=1)
    await read_above(full)
    await full.enter("My own")
    await expect(full.message("My own")).to_be_in_viewport(ratio=1)


async def test_the_offer_stands_above_the_composer_and_not_in_another_channel(full: ChannelPage) -> None:
    await read_above(full)
    full.post("A new one")
    await expect(offer(full)).to_be_visible()
    for width in (1440, 390):
        await full.page.set_viewport_size({"width": width, "height": 844})
        await full.line.fill("/anchor-pause " if width == 390 else "")
        composer, button = await full.page.locator("form").first.bounding_box(), await offer(full).bounding_box()
        assert composer
        assert button
        assert 0 <= composer["y"] - (button["y"] + button["height"]) <= 24
    await full.page.set_viewport_size({"width": 1440, "height": 900})
    await full.in_sidebar("#incidents").click()
    await expect(offer(full)).to_be_hidden()
    await full.open()
    await expect(full.message("A new one")).to_be_in_viewport(ratio=1)

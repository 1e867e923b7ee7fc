"""The list of messages follows what comes, but moves nobody who reads above."""

import pytest
from playwright.async_api import Locator, expect

from browser.room import Room

pytestmark = pytest.mark.anyio

LAST = "Message 100"


@pytest.fixture
async def full(room: Room) -> Room:
    """A room in which a hundred messages were said, and the newest is looked at."""
    for number in range(1, 101):
        room.post(f"Message {number}", by=(room.at.stage.slack.bob, room.at.stage.slack.alice)[number % 7 == 0])
    await expect(room.messages).to_have_count(100)
    return room


async def read_above(room: Room) -> Locator:
    """Scroll up to a message in the middle, and return it."""
    middle = room.message("Message 50")
    await middle.scroll_into_view_if_needed()
    await expect(middle).to_be_in_viewport()
    await expect(room.message(LAST)).not_to_be_in_viewport()
    return middle


async def top_of(locator: Locator) -> float:
    box = await locator.bounding_box()
    assert box
    return box["y"]


async def test_a_hundred_messages_are_there_with_the_newest_in_view(full: Room) -> None:
    await expect(full.message(LAST)).to_be_in_viewport(ratio=1)
    await full.page.reload()
    await full.open()
    await expect(full.messages).to_have_count(100)
    await expect(full.message(LAST)).to_be_in_viewport(ratio=1)
    await expect(full.pane.get_by_role("button", name="New messages")).to_be_hidden()


async def test_the_list_follows_what_comes(full: Room) -> None:
    full.post("A new one\nof two lines")
    await expect(full.message("A new one")).to_be_in_viewport(ratio=1)
    await expect(full.pane.get_by_role("button", name="New messages")).to_be_hidden()


@pytest.mark.parametrize("by", ["mouse", "keyboard", "scrolling"])
async def test_a_new_message_moves_nobody_who_reads_above_but_is_offered(full: Room, by: str) -> None:
    offer = full.pane.get_by_role("button", name="New messages")
    middle = await read_above(full)
    before = await top_of(middle)
    full.post("A new one")
    await expect(offer).to_be_visible()
    assert await top_of(middle) == before
    if by == "mouse":
        await offer.click()
    elif by == "keyboard":
        await full.line.press("Shift+Tab")
        await expect(offer).to_be_focused()
        await full.page.keyboard.press("Enter")
        await expect(full.list).to_be_focused()
    else:
        await full.list.hover()
        await full.page.mouse.wheel(0, 100_000)
    await expect(full.message("A new one")).to_be_in_viewport(ratio=1)
    await expect(offer).to_be_hidden()


async def test_a_change_and_a_reply_above_are_no_new_messages(full: Room) -> None:
    slack = full.at.stage.slack
    middle = await read_above(full)
    full.post("A reply", thread=slack.channel_messages(full.channel)[9])
    await expect(full.message("A reply")).to_be_attached()
    await expect(full.pane.get_by_role("button", name="New messages")).to_be_hidden()
    await expect(middle).to_be_in_viewport()


async def test_what_one_says_oneself_is_in_view(full: Room) -> None:
    await read_above(full)
    await full.enter("/anchor-pause")
    await expect(full.message("Nothing was paused")).to_be_in_viewport(ratio=1)
    await read_above(full)
    await full.enter("My own")
    await expect(full.message("My own")).to_be_in_viewport(ratio=1)


async def test_the_newest_stays_in_view_when_the_list_gets_lower(full: Room) -> None:
    for height in (500, 1200, 400, 900):
        await full.page.set_viewport_size({"width": 1440, "height": height})
        await expect(full.message(LAST)).to_be_in_viewport(ratio=1)
    await full.message(LAST).hover()
    await full.message(LAST).get_by_role("button", name="Reply in thread").click()
    await expect(full.pane.get_by_text(f"In the thread of: {LAST}")).to_be_visible()
    bottom_of_list = await full.list.evaluate("list => list.getBoundingClientRect().bottom")
    assert await full.message(LAST).evaluate("last => last.getBoundingClientRect().bottom") <= bottom_of_list


async def test_who_reads_above_stays_there_when_the_window_changes(full: Room) -> None:
    middle = await read_above(full)
    await full.page.set_viewport_size({"width": 1440, "height": 700})
    await expect(middle).to_be_in_viewport()
    await expect(full.message(LAST)).not_to_be_in_viewport()


async def test_the_list_is_scrolled_by_keyboard(full: Room) -> None:
    await full.list.focus()
    await full.page.keyboard.press("Home")
    await expect(full.message("Message 1").first).to_be_in_viewport()
    await full.page.keyboard.press("End")
    await expect(full.message(LAST)).to_be_in_viewport()


async def test_the_offer_is_above_the_composer_and_in_nobodys_way(full: Room) -> None:
    await read_above(full)
    full.post("A new one")
    offer = full.pane.get_by_role("button", name="New messages")
    await expect(offer).to_be_visible()
    for width in (1440, 390):
        await full.page.set_viewport_size({"width": width, "height": 844})
        await full.line.fill("/anchor-pause " if width == 390 else "")
        composer = await full.page.locator("form").first.bounding_box()
        button = await offer.bounding_box()
        assert composer
        assert button
        assert 0 <= composer["y"] - (button["y"] + button["height"]) <= 24


async def test_what_another_channel_showed_is_not_offered_here(full: Room) -> None:
    await read_above(full)
    full.post("A new one")
    await expect(full.pane.get_by_role("button", name="New messages")).to_be_visible()
    await full.page.get_by_role("button", name="#incidents").click()
    await expect(full.pane.get_by_role("button", name="New messages")).to_be_hidden()
    await full.open()
    await expect(full.message("A new one")).to_be_in_viewport(ratio=1)

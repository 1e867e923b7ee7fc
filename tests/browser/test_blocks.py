"""A message is drawn from its blocks, whatever they are. https://docs.slack.dev/reference/block-kit/blocks"""

import pytest
from playwright.async_api import Locator, expect

from browser.parts import Part, actions, button, mrkdwn, plain, section
from browser.room import Room

pytestmark = pytest.mark.anyio

UNKNOWN = "I don't know this button; nothing was done."


async def place(locator: Locator) -> tuple[float, float]:
    """Where something begins, in whole pixels."""
    box = await locator.bounding_box()
    assert box
    return round(box["x"]), round(box["y"])


async def test_a_section_has_its_text_and_its_fields_in_two_columns(room: Room) -> None:
    fields = [mrkdwn("*Agent*\nOffice"), mrkdwn("*Spent*\n`$40`"), mrkdwn("*Budget*\n$30"), mrkdwn("*Seen*\nnow")]
    room.post("Alert", blocks=[section("*High* spend"), {"type": "section", "fields": fields}])
    content = room.message("High spend").locator(".content")
    await expect(content.locator("strong")).to_have_text(["High", "Agent", "Spent", "Budget", "Seen"])
    places = [await place(content.get_by_text(text)) for text in ("Agent", "Spent", "Budget", "Seen")]
    (left, first), (right, same), (left_again, second), (right_again, same_again) = places
    assert (left, right) == (left_again, right_again)
    assert left < right
    assert (first, second) == (same, same_again)
    assert first < second


async def test_an_accessory_stands_at_the_end_of_its_section_and_on_a_phone_below(room: Room) -> None:
    room.post("x", blocks=[section("Some text", accessory=button("Open it", "open"))])
    text, opener = room.list.get_by_text("Some text"), room.button("Open it")
    await expect(opener).to_be_visible()
    (left, top), (right, same) = await place(text), await place(opener)
    assert right > left + 300
    assert same - top < 10
    await room.page.set_viewport_size({"width": 390, "height": 844})
    await expect(room.pane.get_by_role("button", name="Agents")).to_be_visible()  # it is laid out anew
    (left, top), (same, below) = await place(text), await place(opener)
    assert same == left
    assert below > top


async def test_headers_dividers_and_contexts(room: Room) -> None:
    small = [mrkdwn("by <@U0BOB000001>"), plain("at *noon*"), picture("A small chart")]
    blocks: list[Part] = [
        {"type": "header", "text": plain("Budget *42* :rocket: &lt;")},
        {"type": "divider"},
        {"type": "context", "elements": small},
    ]
    room.post("x", blocks=blocks)
    await expect(room.list.get_by_role("heading")).to_have_text("Budget *42* 🚀 <")
    await expect(room.list.get_by_role("separator")).to_have_count(1)
    await expect(room.list.get_by_text("by @bob")).to_have_css("font-size", "13px")
    await expect(room.list.get_by_text("at *noon*")).to_be_visible()
    await expect(room.list.get_by_role("img", name="A small chart")).to_be_visible()


async def test_plain_text_is_plain_and_emoji_can_be_off(room: Room) -> None:
    blocks = [
        {"type": "section", "text": plain("*a* <@U0ALICE0001> &amp; `b` :fire:\n> c")},
        {"type": "section", "text": {**plain(":fire:"), "emoji": False}},
    ]
    room.post("x", blocks=blocks)
    await expect(room.list.locator(".section")).to_have_text(["*a* <@U0ALICE0001> & `b` 🔥> c", ":fire:"])
    await expect(room.list.locator(".section br")).to_have_count(1)


async def test_an_image_is_told_but_not_fetched(room: Room) -> None:
    room.post("x", blocks=[{**picture("A chart of spend"), "title": plain("Spend")}])
    await expect(room.list.get_by_role("img", name="A chart of spend")).to_be_visible()
    await expect(room.list.get_by_text("Spend", exact=True)).to_be_visible()


async def test_what_can_t_be_drawn_or_operated_says_so(room: Room) -> None:
    menu = {
        "type": "static_select",
        "placeholder": plain("Choose one"),
        "options": [{"text": plain("x"), "value": "x"}],
    }
    blocks: list[Part] = [
        {"type": "rich_text", "elements": []},
        {"type": "markdown", "text": "# As\n**written**"},
        actions(menu),
    ]
    room.post("x", blocks=blocks)
    await expect(room.list.get_by_text("This page draws no blocks of type rich_text.")).to_be_visible()
    await expect(room.list.get_by_text("# As **written**")).to_be_visible()
    await expect(room.list.get_by_role("button", name="Choose one")).to_be_disabled()


async def test_buttons_look_as_they_are_styled_and_are_called_what_they_are_to_be_called(room: Room) -> None:
    named = button("Go", "c", accessibility_label="Go on with session 5")
    room.post("x", blocks=[actions(button("Stop", "a", style="danger"), button("Yes", "b", style="primary"), named)])
    await expect(room.button("Stop")).to_have_css("background-color", "rgb(192, 31, 58)")
    await expect(room.button("Yes")).to_have_css("background-color", "rgb(42, 85, 201)")
    await expect(room.button("Go on with session 5")).to_have_text("Go")
    await expect(room.button("Go on with session 5")).to_have_css("background-color", "rgb(255, 255, 255)")


async def test_each_button_is_its_own(room: Room) -> None:
    session_id = room.at.stage.anchor.add_session()
    pause = button("Pause", "anchor_pause", value=session_id)
    room.post("Two", blocks=[actions(button("Other", "other")), actions(pause)])
    await room.button("Other").click()
    await expect(room.message(UNKNOWN)).to_have_count(1)
    assert room.orders(session_id) == []
    await room.button("Pause").click()
    await expect(room.list.get_by_text("Paused by @alice")).to_be_visible()
    assert room.orders(session_id) == ["pause"]


async def test_a_second_click_while_the_first_is_on_its_way_is_none(room: Room) -> None:
    room.post("x", blocks=[actions(button("Ask", "ask"))])
    async with room.hanging():
        await room.button("Ask").dblclick()
        await expect(room.button("Ask")).to_have_attribute("aria-busy", "true")
        await room.button("Ask").press("Enter")
    await expect(room.message(UNKNOWN)).to_be_visible()
    await expect(room.button("Ask")).not_to_have_attribute("aria-busy", "true")
    await room.button("Ask").click()
    await expect(room.message(UNKNOWN)).to_have_count(2)
    first, second = room.answered()
    assert second == first + 1


async def test_a_button_with_a_link_opens_it_and_tells_the_app(room: Room, url: str) -> None:
    room.post("x", blocks=[actions(button("Look", "look", url=url))])
    async with room.page.context.expect_page() as opened:
        await room.button("Look").click()
    page = await opened.value
    await expect(page).to_have_title("#alerts · Anchor demo")
    assert await page.evaluate("window.opener") is None
    await expect(room.message(UNKNOWN)).to_be_visible()


async def test_a_link_that_would_run_something_is_not_followed(room: Room) -> None:
    room.post("x", blocks=[actions(button("Look", "look", url="javascript:document.title='Hacked'"))])
    await room.button("Look").click()
    await expect(room.message(UNKNOWN)).to_be_visible()
    assert len(room.page.context.pages) == 1
    await expect(room.page).to_have_title(f"#{room.channel.name} · Anchor demo")


def picture(description: str) -> Part:
    """An image, as a block or in a context."""
    return {"type": "image", "image_url": "https://a.example/chart.png", "alt_text": description}

"""The page fits on every screen, whatever is said in it, and uses the width that there is."""

import itertools

import pytest
from playwright.async_api import Page, expect

from bot.demo.agents import Line
from browser.parts import actions, attachment, button, legacy, mrkdwn, plain, section
from browser.room import Room

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(1_000_000)
WORD = "Donaudampfschifffahrtsgesellschaft" * 10
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
"""Everything that reaches beyond the window, or is cut off by what it stands in without saying so."""


def say_much(room: Room) -> None:
    """Let everything be said that could burst a narrow column."""
    alice, bob = room.at.stage.slack.alice, room.at.stage.slack.bob
    for agent in room.at.agents:
        agent.log.append(Line(next(NUMBERS), 0.0, WORD))
    for number in range(90):
        room.post(f"Message {number}", by=bob)
    room.post(WORD, by=bob)
    room.post(f"*{WORD}* `{WORD}` <https://a.example/{WORD}> <@{WORD}>", by=alice)
    room.post(f"```{WORD}\n{'  ' * 200}x```\n> {WORD}\n:fire: and " + "words " * 100, only_to=alice)
    fields = [mrkdwn(f"*Field*\n{text}") for text in ("short", WORD, "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "x")]
    blocks = [
        {"type": "header", "text": plain("H" * 150)},
        section(WORD, accessory=button("W" * 75, "a", accessibility_label="Wide")),
        {"type": "section", "fields": fields},
        {"type": "context", "elements": [mrkdwn(WORD), plain(WORD), picture(WORD)]},
        actions(*[button(f"Button number {number} of several", f"b{number}") for number in range(8)]),
        picture(WORD),
        {"type": "markdown", "text": WORD},
    ]
    first = room.post("Blocks", blocks=blocks)
    fields = [{"title": WORD, "value": WORD, "short": True}] * 3
    alert = attachment(legacy("L" * 75), legacy("M"), title=WORD, text=WORD, footer=WORD, pretext=WORD, fields=fields)
    room.post("Attachment", attachments=[alert])
    for text in ("A reply", WORD, f"```{WORD}```"):
        room.post(text, thread=first, by=bob)


def picture(description: str) -> dict[str, object]:
    return {"type": "image", "image_url": "https://a.example/chart.png", "alt_text": description}


async def look_at(page: Page, width: int, height: int = 844) -> None:
    """Make the window that large, and wait until the page has been drawn for it."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


async def test_nothing_is_wider_than_the_screen(room: Room) -> None:
    say_much(room)
    await expect(room.message("Attachment")).to_be_visible()
    for width in (320, 390, 760, 761, 1160, 1161, 1440):
        await look_at(room.page, width)
        await room.line.fill("/")
        await expect(room.page.get_by_role("listbox")).to_be_visible()
        assert (width, await room.page.evaluate(PROTRUDING)) == (width, [])
        await room.line.fill("")
        await room.message("A reply").get_by_text("A reply").hover()
        await room.list.get_by_role("button", name="Reply", exact=True).click()
        await expect(room.pane.get_by_role("button", name="Leave the thread")).to_be_visible()
        assert (width, await room.page.evaluate(PROTRUDING)) == (width, [])
        await room.pane.get_by_role("button", name="Leave the thread").click()


@pytest.mark.parametrize("width", [320, 390])
async def test_the_agents_are_no_wider_than_a_phone(room: Room, width: int) -> None:
    say_much(room)
    await look_at(room.page, width)
    await room.pane.get_by_role("button", name="Agents").click()
    await expect(room.page.get_by_role("heading", name="Levers")).to_be_visible()
    assert await room.page.evaluate(PROTRUDING) == []


async def test_a_wide_screen_has_the_three_parts_side_by_side(room: Room) -> None:
    parts = [room.page.get_by_role("navigation"), room.pane, room.world]
    boxes = [box for part in parts if (box := await part.bounding_box())]
    edges = [(round(box["x"]), round(box["x"] + box["width"])) for box in boxes]
    assert [edge for edges in edges for edge in edges] == [0, 220, 220, 1020, 1020, 1440]
    assert {round(box["y"] + box["height"]) for box in boxes} == {900}


async def test_a_phone_shows_the_channel_and_the_agents_in_turn(room: Room) -> None:
    agents, channel = room.world, room.pane
    await look_at(room.page, 390)
    await expect(channel).to_be_visible()
    await expect(agents).to_be_hidden()
    await room.pane.get_by_role("button", name="Agents").click()
    await expect(agents).to_be_visible()
    await expect(channel).to_be_hidden()
    await expect(room.page.get_by_role("button", name="Channel")).to_be_focused()
    await room.page.keyboard.press("Enter")
    await expect(channel).to_be_visible()
    await expect(room.pane.get_by_role("button", name="Agents")).to_be_focused()
    await room.pane.get_by_role("button", name="Agents").click()
    await room.agent("Flight watch").get_by_title("Put into the composer").click()
    await expect(room.line).to_be_focused()
    await expect(room.line).to_have_value("/anchor-pause 9c0d7e11-2222-4333-8444-555566667777")


async def test_an_empty_channel_says_so(room: Room) -> None:
    empty = room.pane.get_by_text(f"This is the very beginning of #{room.channel.name}. Commands work here too.")
    await expect(empty).to_be_in_viewport(ratio=1)
    assert await room.page.evaluate(PROTRUDING) == []
    room.post("The first")
    await expect(empty).to_be_hidden()
    await room.page.get_by_role("radio", name="bob").check(force=True)  # the bot has never written to Bob
    await room.open_app()
    await room.page.get_by_role("tab", name="Messages").click()
    await expect(room.pane.get_by_text("Results that can't be posted where they belong come here.")).to_be_in_viewport()
    await expect(room.pane.get_by_text("App", exact=True)).to_be_visible()


async def test_a_few_messages_stand_at_the_bottom(room: Room) -> None:
    room.post("The only one")
    only = await room.message("The only one").bounding_box()
    composer = await room.line.bounding_box()
    assert only
    assert composer
    assert 0 < composer["y"] - (only["y"] + only["height"]) < 40


async def test_a_low_window_can_be_scrolled_and_leaves_room_to_read_and_to_write(room: Room) -> None:
    room.post("Something to read")
    await look_at(room.page, 844, 480)
    await expect(room.message("Something to read")).to_be_in_viewport(ratio=1)
    await expect(room.line).to_be_in_viewport(ratio=1)
    await look_at(room.page, 320, 256)
    for part in (room.line, room.message("Something to read"), room.page.get_by_role("radio", name="alice")):
        await part.scroll_into_view_if_needed()
        await expect(part).to_be_in_viewport(ratio=1)
    assert await room.list.evaluate("list => list.clientHeight") > 200

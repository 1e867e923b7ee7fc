"""Nobody is kept from using the page: names, roles, contrast and order, in both colours, on a desk and on a phone."""

from typing import Literal

import pytest
from playwright.async_api import expect

from browser.accessibility import axe
from browser.keyboard import tab_to
from browser.parts import actions, attachment, button, legacy, mrkdwn, plain, section
from browser.room import Room

pytestmark = pytest.mark.anyio


async def say_something_of_each_kind(room: Room) -> str:
    """An alert, its session's id is returned; a thread, a private message, an attachment, a warning, all formats."""
    slack = room.at.stage.slack
    session_id = await room.alert()
    alert = slack.channel_messages(room.channel)[0]
    room.post("A reply", thread=alert, by=slack.bob)
    room.post("Alone `for you`, <@U0BOB000001>", only_to=slack.alice)
    formats = "*a* _b_ ~c~ `d` <https://a.example|e> <!here> <#C0ALERTS001> <!date^0^{date}|f>\n> g\n```h```"
    room.post(formats, by=slack.outsider)
    styles = [button("No", "a"), button("Yes", "b", style="primary"), button("Stop", "c", style="danger")]
    blocks = [
        {"type": "header", "text": plain("A header")},
        section("Text", accessory=button("Aside", "d")),
        {"type": "section", "fields": [mrkdwn("*A*\nb")] * 4},
        {"type": "context", "elements": [plain("small"), mrkdwn("`code`")]},
        {"type": "divider"},
        actions(*styles, {"type": "overflow", "options": [{"text": plain("x"), "value": "x"}], "action_id": "e"}),
        {"type": "rich_text", "elements": []},
    ]
    room.post("Blocks", blocks=blocks)
    link = {"type": "button", "text": "Runbook", "url": "https://a.example"}
    old = attachment(legacy("Legacy"), link, title="Title", title_link="https://a.example", footer="Foot", color="good")
    room.post("Attachment", attachments=[old])
    slack.request_url, road = None, slack.request_url
    await slack.click(slack.alice, alert)
    slack.request_url = road
    await expect(room.messages.locator(".warning")).to_be_visible()
    await expect(room.message("Attachment")).to_be_visible()
    return session_id


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing(room: Room, theme: Literal["light", "dark"], width: int) -> None:
    await room.page.emulate_media(color_scheme=theme)
    await expect(room.page.locator("html")).to_have_attribute("data-theme", theme)
    await room.page.set_viewport_size({"width": width, "height": 900})
    assert await axe(room.page) == []
    session_id = await say_something_of_each_kind(room)
    await room.line.fill("/")
    await expect(room.page.get_by_role("listbox")).to_be_visible()
    assert await axe(room.page) == []
    await room.line.fill("")
    await room.list.get_by_role("button", name="Reply", exact=True).click()
    await room.button(f"Pause session {session_id}").click()
    await expect(room.dialog).to_be_visible()
    assert await axe(room.page) == []
    await room.page.keyboard.press("Escape")
    if width == 390:
        await room.pane.get_by_role("button", name="Agents").click()
    assert await axe(room.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_state_of_agents_and_levers(room: Room, theme: Literal["light", "dark"]) -> None:
    await room.page.emulate_media(color_scheme=theme)
    await expect(room.page.locator("html")).to_have_attribute("data-theme", theme)
    flights, invoices = list(room.at.agents)[1:]
    await room.enter(f"/anchor-pause {flights.session_id}")
    await room.agent("Invoice filing").get_by_role("button", name="End session").click()
    await room.pull("Slow", on=True)
    await room.pull("Stopped", on=True)
    await room.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await expect(room.page.get_by_role("status")).not_to_be_empty()
    await expect(room.agent("Flight watch").get_by_text("Paused", exact=True)).to_be_visible()
    assert await axe(room.page) == []
    await room.pull("Stopped", on=False)
    await room.pull("Slow", on=False)
    await room.agent("Invoice filing").get_by_role("button", name="New session").click()
    await room.enter(f"/anchor-resume {flights.session_id}")
    await expect(room.agent("Flight watch").get_by_text("Running", exact=True)).to_be_visible()
    assert invoices.session_id not in {agent.session_id for agent in room.at.agents}


async def test_the_parts_of_the_page_have_their_roles_and_names(room: Room) -> None:
    await expect(room.page.get_by_role("banner")).to_contain_text("Anchor demo")
    await expect(room.page.get_by_role("navigation")).to_have_accessible_name("Conversations")
    for name in (f"#{room.channel.name}", "Agents and levers", "Agents", "Levers"):
        await expect(room.page.get_by_role("main").get_by_role("region", name=name, exact=True)).to_have_count(1)
    await expect(room.page.get_by_role("group", name="Act as").get_by_role("radio")).to_have_count(4)
    await expect(room.page.get_by_role("group", name="Colours").get_by_role("radio")).to_have_count(3)
    await expect(room.page.get_by_role("heading", level=1)).to_have_text("Anchor demo")
    await expect(
        room.page.get_by_role("region", name="Agents", exact=True).get_by_role("heading", level=3)
    ).to_have_count(3)
    await expect(room.page.get_by_role("region", name="Levers", exact=True).get_by_role("switch")).to_have_count(6)


async def test_all_controls_are_reached_in_order_and_seen(room: Room) -> None:
    session_id = await say_something_of_each_kind(room)
    for control in (
        room.page.get_by_role("link", name="Skip to the composer"),
        room.page.get_by_role("radio", name="alice"),
        room.page.get_by_role("radio", name="As the system"),
        room.page.get_by_role("navigation").get_by_role("button", name="#alerts"),
        room.page.get_by_role("navigation").get_by_role("button", name=f"#{room.channel.name}"),
        room.list,
        room.button(f"Pause session {session_id}"),
        room.list.get_by_text("1 reply", exact=True),
        room.list.get_by_role("button", name="Reply", exact=True),
        room.list.get_by_role("link", name="e"),
        room.button("Aside"),
        room.button("Stop"),
        room.list.get_by_role("link", name="Title"),
        room.button("Legacy"),
        room.list.get_by_role("link", name="Runbook"),
        room.line,
        room.page.get_by_role("button", name="Send"),
        room.page.get_by_role("button", name="Raise five alerts at once"),
        room.agent("Office supplies").get_by_title("Put into the composer"),
        room.agent("Office supplies").get_by_role("button", name="Raise alert"),
        room.agent("Invoice filing").get_by_role("button", name="End session"),
        room.lever("Slow"),
        room.lever("Stopped"),
    ):
        await tab_to(room.page, control)


async def test_the_button_to_reply_is_seen_when_the_keyboard_is_on_it(room: Room) -> None:
    room.post("First")
    reply = room.button("Reply in thread")
    await expect(reply).to_have_css("opacity", "0")
    await room.line.focus()
    await tab_to(room.page, reply, "Shift+Tab")
    await expect(reply).to_have_css("opacity", "1")
    await room.page.keyboard.press("Enter")
    await expect(room.line).to_be_focused()


async def test_nothing_moves_for_who_wants_no_motion(room: Room) -> None:
    await room.alert()
    await expect(room.messages).to_have_count(1)
    moving = "document.getAnimations().filter(one => one.effect.getComputedTiming().activeDuration > 1).length"
    assert await room.page.evaluate(moving) == 0
    await room.page.emulate_media(reduced_motion="no-preference")
    assert await room.page.evaluate(moving) > 0

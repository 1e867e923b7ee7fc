"""What can be typed, ticked and chosen in a modal, by mouse and by keyboard, and what of it is submitted.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from browser.parts import Part, actions, button, mrkdwn, plain
from browser.room import Room
from browser.small_app import SmallApp, field_of, modal

pytestmark = pytest.mark.anyio

ROLES = [
    {"text": mrkdwn("*Admins*"), "value": "admins", "description": plain("and owners")},
    {"text": plain("Members"), "value": "members"},
    {"text": plain("Guests"), "value": "guests"},
]


async def put_up(room: Room, app: SmallApp, *blocks: Part) -> None:
    """Let Alice open a modal of these."""
    app.opens["open"] = modal(*blocks)
    await app.publish(app.slack.alice, actions(button("Open", "open")))
    await room.open_app()
    await room.home.get_by_role("button", name="Open").click()
    await expect(room.dialog).to_be_visible()


async def submit(room: Room, app: SmallApp) -> dict[str, Any]:
    """Save it, and return what the app got in each field: entries without their type."""
    await room.dialog.get_by_role("button", name="Save").click()
    await expect(room.dialog).to_be_hidden()
    [values] = app.submitted()
    entries = {name: dict(entry) for block in values.values() for name, entry in block.items()}
    return {name: next(value for key, value in entry.items() if key != "type") for name, entry in entries.items()}


def chips(room: Room) -> Locator:
    return room.dialog.locator(".chip")


async def test_several_people_are_chosen_by_keyboard(room: Room, app: SmallApp) -> None:
    await put_up(room, app, field_of("multi_users_select", "people", label="People", placeholder=plain("Choose")))
    people, options = room.dialog.get_by_role("combobox", name="People"), room.dialog.get_by_role("option")
    await expect(people).to_be_focused()
    await expect(people).to_have_attribute("placeholder", "Choose")
    await expect(options).to_have_count(0)
    await people.press("ArrowDown")
    await expect(people).to_have_attribute("aria-expanded", "true")
    names = await options.all_inner_texts()
    assert {"alice", "bob", "guest"} <= set(names)
    await people.press("ArrowUp")
    await expect(room.dialog.locator(".menu .active")).to_have_text(names[-1])
    await people.press("ArrowDown")
    await expect(room.dialog.locator(".menu .active")).to_have_text(names[0])
    for name in ("bo", "ALI", "gue"):
        await people.press_sequentially(name)
        await people.press("Enter")
        await expect(people).to_have_value("")
    await expect(chips(room)).to_have_text(["bob×", "alice×", "guest×"])
    await people.press("Backspace")
    await expect(chips(room)).to_have_text(["bob×", "alice×"])
    await people.press("ArrowDown")
    assert {"bob", "alice"} & set(await options.all_inner_texts()) == set()
    await people.press("Escape")
    await expect(options).to_have_count(0)
    await expect(room.dialog).to_be_visible()
    assert await submit(room, app) == {"people": ["U0BOB000001", "U0ALICE0001"]}


async def test_several_conversations_are_chosen_by_mouse(room: Room, app: SmallApp) -> None:
    wanted = {"include": ["public", "private"], "exclude_external_shared_channels": True}
    element = {"initial_conversations": ["C0ALERTS001"], "filter": wanted}
    await put_up(room, app, field_of("multi_conversations_select", "channels", label="Channels", **element))
    channels, options = room.dialog.get_by_role("combobox", name="Channels"), room.dialog.get_by_role("option")
    await expect(chips(room)).to_have_text(["#alerts×"])
    await channels.click()
    await expect(options).to_have_text(["#incidents", "#war-room"])
    await options.first.click()
    await expect(options).to_have_count(0)
    await expect(channels).to_be_focused()
    await room.dialog.locator(".picker-box").click(position={"x": 400, "y": 20})
    await options.get_by_text("#war-room").click()
    await room.dialog.get_by_role("button", name="Remove #alerts").click()
    await expect(chips(room)).to_have_text(["#incidents×", "#war-room×"])
    await expect(channels).to_be_focused()
    assert await submit(room, app) == {"channels": ["C0INCIDENT1", "C0PRIVATE01"]}


async def test_no_more_are_chosen_than_the_app_wants(room: Room, app: SmallApp) -> None:
    await put_up(room, app, field_of("multi_users_select", "people", label="People", max_selected_items=1))
    people = room.dialog.get_by_role("combobox", name="People")
    for name in ("alice", "bob"):
        await people.fill(name)
        await people.press("Enter")
    await expect(chips(room)).to_have_text(["alice×"])


async def test_one_person_is_chosen(room: Room, app: SmallApp) -> None:
    one = field_of("users_select", "one", label="One", initial_user="U0BOB000001")
    await put_up(room, app, one)
    people = room.dialog.get_by_role("combobox", name="One")
    await expect(people).to_have_value("bob")
    await people.press("Enter")
    await expect(room.dialog.get_by_role("option", selected=True)).to_have_text("bob")
    await people.press_sequentially("alice")
    await room.page.keyboard.press("Tab")
    await expect(people).to_have_value("bob")
    await people.fill("alice")
    await people.press("Enter")
    assert await submit(room, app) == {"one": "U0ALICE0001"}


async def test_boxes_are_ticked_and_described(room: Room, app: SmallApp) -> None:
    element = {"options": ROLES, "initial_options": ROLES[:1]}
    await put_up(room, app, field_of("checkboxes", "roles", label="Who may", **element))
    group = room.dialog.get_by_role("group", name="Who may")
    await expect(group.get_by_role("checkbox", name="Admins")).to_be_checked()
    await expect(group.locator("label").first).to_have_text("Adminsand owners")
    await group.get_by_text("Members").click()
    await group.get_by_role("checkbox", name="Guests").press("Space")
    await group.get_by_role("checkbox", name="Admins").press("Space")
    got = await submit(room, app)
    assert [option["value"] for option in got["roles"]] == ["members", "guests"]


async def test_boxes_that_are_needed_are_marked_and_can_be_done_without_where_not(room: Room, app: SmallApp) -> None:
    needed = field_of("checkboxes", "roles", label="Who may", options=ROLES)
    other = {**field_of("checkboxes", "other", label="And", options=ROLES), "optional": True}
    await put_up(room, app, needed, other)
    await expect(room.dialog.get_by_role("group", name="And (optional)")).to_be_visible()
    await room.dialog.get_by_role("button", name="Save").click()
    group = room.dialog.get_by_role("group", name="Who may")
    await expect(group).to_have_accessible_description("Please complete this required field.")
    await expect(group.get_by_role("checkbox").first).to_be_focused()
    await room.page.keyboard.press("Space")
    got = await submit(room, app)
    assert [option["value"] for option in got["roles"]] == ["admins"]
    assert got["other"] == []


async def test_what_nobody_touched_is_submitted_as_the_app_put_it_there(room: Room, app: SmallApp) -> None:
    hidden = field_of("multi_conversations_select", "channels", initial_conversations=["C0ARCHIVED1"])
    text = field_of("plain_text_input", "text", label="Text", initial_value="as it was")
    await put_up(room, app, hidden, text)
    await expect(chips(room)).to_have_text(["#old-alerts×"])
    await expect(room.dialog.get_by_label("Text")).to_have_value("as it was")
    assert await submit(room, app) == {"channels": ["C0ARCHIVED1"], "text": "as it was"}


async def test_what_is_emptied_is_submitted_empty(room: Room, app: SmallApp) -> None:
    text = {**field_of("plain_text_input", "text", label="Text", initial_value="as it was"), "optional": True}
    people = {**field_of("multi_users_select", "people", initial_users=["U0BOB000001"]), "optional": True}
    await put_up(room, app, text, people)
    await room.dialog.get_by_label("Text").fill("")
    await room.dialog.get_by_role("button", name="Remove bob").click()
    assert await submit(room, app) == {"text": None, "people": []}


async def test_long_text_has_lines(room: Room, app: SmallApp) -> None:
    await put_up(room, app, field_of("plain_text_input", "text", label="Text", multiline=True, max_length=20))
    area = room.dialog.get_by_label("Text")
    await area.press_sequentially("one")
    await area.press("Enter")
    await area.press_sequentially("two, and more than fits")
    await expect(area).to_have_value("one\ntwo, and more th")
    assert await submit(room, app) == {"text": "one\ntwo, and more th"}


async def test_the_field_that_asks_for_the_focus_has_it(room: Room, app: SmallApp) -> None:
    first, second = field_of("plain_text_input", "a", label="A"), field_of("plain_text_input", "b", label="B")
    element = {"type": "plain_text_input", "action_id": "b", "focus_on_load": True}
    await put_up(room, app, first, {**second, "element": element})
    await expect(room.dialog.get_by_label("B")).to_be_focused()


async def test_boxes_that_are_no_longer_offered_are_not_chosen_any_more(room: Room, app: SmallApp) -> None:
    roles = field_of("checkboxes", "roles", label="Who may", options=ROLES)
    await put_up(room, app, roles)
    for name in ("Members", "Guests"):
        await room.dialog.get_by_role("checkbox", name=name).check()
    await app.update(modal(field_of("checkboxes", "roles", label="Who may", options=ROLES[:2])))
    await expect(room.dialog.get_by_role("checkbox")).to_have_count(2)
    got = await submit(room, app)
    assert [option["value"] for option in got["roles"]] == ["members"]

"""What can be typed, ticked and chosen in a modal, by mouse and by keyboard, and what is submitted.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness.blocks import Block, actions, button, input_block, modal, mrkdwn, plain

pytestmark = pytest.mark.anyio

ROLES = [
    {"text": mrkdwn("*Admins*"), "value": "admins", "description": plain("and owners")},
    {"text": plain("Members"), "value": "members"},
    {"text": plain("Guests"), "value": "guests"},
]


async def open_modal(channel: ChannelPage, app: SampleApp, *blocks: Block) -> None:
    """Let Alice open a modal of these."""
    app.opens["open"] = modal(*blocks)
    await app.publish(app.slack.alice, actions(button("open", text="Open")))
    await channel.open_app()
    await channel.home.get_by_role("button", name="Open").click()
    await expect(channel.dialog).to_be_visible()


async def submit(channel: ChannelPage, app: SampleApp) -> dict[str, Any]:
    """Save it, and return what the app got in each field: entries without their type, options by their value."""
    await channel.dialog.get_by_role("button", name="Save").click()
    await expect(channel.dialog).to_be_hidden()
    [values] = app.submitted()
    entries: dict[str, Any] = {name: dict(entry) for block in values.values() for name, entry in block.items()}
    for name, entry in entries.items():
        [value] = [value for key, value in entry.items() if key != "type"]
        entries[name] = [_id(one) for one in value] if isinstance(value, list) else _id(value)
    return entries


def _id(chosen: Any) -> Any:
    return chosen["value"] if isinstance(chosen, dict) else chosen


def chips(channel: ChannelPage) -> Locator:
    return channel.dialog.locator(".chip")


async def test_people_are_chosen_by_keyboard(channel: ChannelPage, app: SampleApp) -> None:
    dialog = channel.dialog
    placeholder = plain("Choose")
    people_field = input_block("multi_users_select", "people", label="People", placeholder=placeholder)
    one_field = input_block("users_select", "one", label="One", initial_user="U0BOB000001")
    limited_field = input_block("multi_users_select", "limited", label="At most one", max_selected_items=1)
    await open_modal(channel, app, people_field, one_field, limited_field)
    people, options = dialog.get_by_role("combobox", name="People"), dialog.get_by_role("option")
    await expect(people).to_be_focused()
    await expect(people).to_have_attribute("placeholder", "Choose")
    await expect(options).to_have_count(0)
    await people.press("ArrowDown")
    await expect(people).to_have_attribute("aria-expanded", "true")
    names = await options.all_inner_texts()
    assert {"alice", "bob", "guest"} <= set(names)
    for key, name in (("ArrowUp", names[-1]), ("ArrowDown", names[0])):
        await people.press(key)
        await expect(dialog.locator(".menu .active")).to_have_text(name)
    for name in ("bo", "ALI", "gue"):
        await people.press_sequentially(name)
        await people.press("Enter")
        await expect(people).to_have_value("")
    await expect(chips(channel)).to_have_text(["bob×", "alice×", "guest×"])
    await people.press("Backspace")
    await expect(chips(channel)).to_have_text(["bob×", "alice×"])
    await people.press("ArrowDown")
    assert {"bob", "alice"} & set(await options.all_inner_texts()) == set()
    await people.press("Escape")
    await expect(options).to_have_count(0)
    await expect(dialog).to_be_visible()
    one = dialog.get_by_role("combobox", name="One", exact=True)
    await expect(one).to_have_value("bob")
    await one.press("Enter")
    await expect(dialog.get_by_role("option", selected=True)).to_have_text("bob")
    await one.press_sequentially("alice")
    await channel.page.keyboard.press("Tab")  # leaves what was typed unchosen
    await expect(one).to_have_value("bob")
    await one.fill("alice")
    await one.press("Enter")
    limited = dialog.get_by_role("combobox", name="At most one")
    for name in ("alice", "bob"):
        await limited.fill(name)
        await limited.press("Enter")
    expected = {"people": ["U0BOB000001", "U0ALICE0001"], "one": "U0ALICE0001", "limited": ["U0ALICE0001"]}
    assert await submit(channel, app) == expected


async def test_an_option_of_a_menu_is_chosen_by_keyboard_or_mouse(channel: ChannelPage, app: SampleApp) -> None:
    role = input_block("static_select", "role", label="Role", options=ROLES[1:], initial_option=ROLES[1])
    other = input_block("static_select", "other", label="Other", options=ROLES[1:])
    await open_modal(channel, app, role, other)
    chosen, options = channel.dialog.get_by_role("combobox", name="Role"), channel.dialog.get_by_role("option")
    await expect(chosen).to_have_value("Members")
    await chosen.press("ArrowDown")
    await expect(options).to_have_text(["Members", "Guests"])
    await chosen.press("ArrowDown")
    await chosen.press("Enter")
    await expect(chosen).to_have_value("Guests")
    await channel.dialog.get_by_role("combobox", name="Other").click()
    await options.get_by_text("Members").click()
    assert await submit(channel, app) == {"role": "guests", "other": "members"}


async def test_conversations_are_chosen_by_mouse(channel: ChannelPage, app: SampleApp) -> None:
    wanted = {"include": ["public", "private"], "exclude_external_shared_channels": True}
    element = {"initial_conversations": ["C0ALERTS001"], "filter": wanted}
    await open_modal(channel, app, input_block("multi_conversations_select", "channels", label="Channels", **element))
    channels, options = channel.dialog.get_by_role("combobox", name="Channels"), channel.dialog.get_by_role("option")
    await expect(chips(channel)).to_have_text(["#alerts×"])
    await channels.click()
    await expect(options).to_have_text(["#incidents", "#war-room"])
    await options.first.click()
    await expect(options).to_have_count(0)
    await expect(channels).to_be_focused()
    await channel.dialog.locator(".picker-box").click(position={"x": 400, "y": 20})
    await options.get_by_text("#war-room").click()
    await channel.dialog.get_by_role("button", name="Remove #alerts").click()
    await expect(chips(channel)).to_have_text(["#incidents×", "#war-room×"])
    await expect(channels).to_be_focused()
    assert await submit(channel, app) == {"channels": ["C0INCIDENT1", "C0PRIVATE01"]}


async def test_boxes_are_ticked_and_required_ones_are_marked(channel: ChannelPage, app: SampleApp) -> None:
    chosen = input_block("checkboxes", "chosen", label="Chosen", options=ROLES, initial_options=ROLES[:1])
    needed = input_block("checkboxes", "needed", label="Needed", options=ROLES)
    other = input_block("checkboxes", "other", label="Other", optional=True, options=ROLES)
    await open_modal(channel, app, chosen, needed, other)
    group, required = (channel.dialog.get_by_role("group", name=name) for name in ("Chosen", "Needed"))
    await expect(group.get_by_role("checkbox", name="Admins")).to_be_checked()
    await expect(group.locator("label").first).to_have_text("Adminsand owners")
    await group.get_by_text("Members").click()
    await group.get_by_role("checkbox", name="Guests").press("Space")
    await group.get_by_role("checkbox", name="Admins").press("Space")
    await expect(channel.dialog.get_by_role("group", name="Other (optional)")).to_be_visible()
    await channel.dialog.get_by_role("button", name="Save").click()
    await expect(required).to_have_accessible_description("Please complete this required field.")
    await expect(required.get_by_role("checkbox").first).to_be_focused()
    await channel.page.keyboard.press("Space")
    expected = {"chosen": ["members", "guests"], "needed": ["admins"], "other": []}
    assert await submit(channel, app) == expected


async def test_one_of_several_radio_buttons_is_chosen(channel: ChannelPage, app: SampleApp) -> None:
    chosen = input_block("radio_buttons", "chosen", label="Chosen", options=ROLES, initial_option=ROLES[0])
    needed = input_block("radio_buttons", "needed", label="Needed", options=ROLES)
    other = input_block("radio_buttons", "other", label="Other", optional=True, options=ROLES)
    await open_modal(channel, app, chosen, needed, other)
    group, required = (channel.dialog.get_by_role("radiogroup", name=name) for name in ("Chosen", "Needed"))
    await expect(group.get_by_role("radio", name="Admins")).to_be_checked()
    await expect(group.get_by_role("radio", name="Admins")).to_be_focused()
    await channel.page.keyboard.press("ArrowDown")
    await group.get_by_text("Guests").click()
    await expect(group.get_by_role("radio", checked=True)).to_have_count(1)
    await channel.dialog.get_by_role("button", name="Save").click()
    await expect(required).to_have_accessible_description("Please complete this required field.")
    await expect(required.get_by_role("radio").first).to_be_focused()
    await channel.page.keyboard.press("Space")
    assert await submit(channel, app) == {"chosen": "guests", "needed": "admins", "other": None}


async def test_a_box_that_is_no_longer_offered_is_not_submitted(channel: ChannelPage, app: SampleApp) -> None:
    await open_modal(channel, app, input_block("checkboxes", "roles", options=ROLES))
    for name in ("Members", "Guests"):
        await channel.dialog.get_by_role("checkbox", name=name).check()
    await app.update(modal(input_block("checkboxes", "roles", options=ROLES[:2])))
    await expect(channel.dialog.get_by_role("checkbox")).to_have_count(2)
    assert await submit(channel, app) == {"roles": ["members"]}


async def test_initial_values_are_submitted_unless_they_are_changed_or_emptied(
    channel: ChannelPage, app: SampleApp
) -> None:
    value = {"initial_value": "as it was"}
    await open_modal(
        channel,
        app,
        input_block("multi_conversations_select", "hidden", initial_conversations=["C0ARCHIVED1"]),
        input_block("plain_text_input", "text", label="Unchanged", **value),
        input_block("plain_text_input", "emptied", label="Emptied", optional=True, **value),
        input_block("multi_users_select", "nobody", optional=True, initial_users=["U0BOB000001"]),
        input_block("plain_text_input", "long", label="Long", multiline=True, max_length=20, focus_on_load=True),
    )
    await expect(chips(channel)).to_have_text(["#old-alerts×", "bob×"])
    await expect(channel.dialog.get_by_label("Unchanged")).to_have_value("as it was")
    area = channel.dialog.get_by_label("Long")
    await expect(area).to_be_focused()
    await area.press_sequentially("one")
    await area.press("Enter")
    await area.press_sequentially("two, and more than fits")
    await expect(area).to_have_value("one\ntwo, and more th")
    await channel.dialog.get_by_label("Emptied").fill("")
    await channel.dialog.get_by_role("button", name="Remove bob").click()
    assert await submit(channel, app) == {
        "hidden": ["C0ARCHIVED1"],
        "text": "as it was",
        "emptied": None,
        "nobody": [],
        "long": "one\ntwo, and more th",
    }

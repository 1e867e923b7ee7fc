"""Nobody is kept from using the Home and the modals, on a desk and on a phone, in both colours."""

from typing import Literal

import pytest
from playwright.async_api import expect

from browser.accessibility import axe
from browser.keyboard import tab_to
from browser.parts import Part, actions, button, mrkdwn, plain, section
from browser.room import Room
from browser.small_app import SmallApp, field_of, modal
from browser.test_layout import PROTRUDING, WORD, look_at

pytestmark = pytest.mark.anyio

OPTIONS = [
    {"text": plain("Admins"), "value": "a", "description": plain("and owners")},
    {"text": plain(WORD[:75]), "value": "b"},
]
CHANNELS: Part = {"type": "conversations_select", "action_id": "channel", "placeholder": plain("Choose a channel")}
BLOCKS: tuple[Part, ...] = (
    {"type": "header", "text": plain("Anchor " + "H" * 120)},
    section(
        f"*Key* `1234`, set by <@U0ALICE0001> {WORD}", accessory=button("Replace the key of this workspace", "key")
    ),
    {"type": "section", "block_id": "channel", "text": mrkdwn("*Alerts go to*"), "accessory": CHANNELS},
    {"type": "section", "fields": [mrkdwn("*Paused*\n4"), mrkdwn(f"*Resumed*\n{WORD}")]},
    {"type": "divider"},
    actions(
        button("Yes", "yes", style="primary"), button("Remove", "remove", style="danger"), button("W" * 75, "wide")
    ),
    actions({"type": "checkboxes", "action_id": "boxes", "options": OPTIONS}),
    {"type": "context", "elements": [mrkdwn("`/anchor-pause`"), plain("small")]},
)
INPUTS: tuple[Part, ...] = (
    {**field_of("plain_text_input", "key", label="Key", placeholder=plain("sk-…")), "hint": plain(f"It is {WORD}")},
    {**field_of("plain_text_input", "note", label="Note", multiline=True), "optional": True},
    field_of("checkboxes", "roles", label="Who may", options=OPTIONS),
    {**field_of("multi_users_select", "people", label="People", initial_users=["U0BOB000001"]), "optional": True},
    {**field_of("users_select", "one", label="One person"), "optional": True},
)


async def open_home(room: Room, app: SmallApp) -> None:
    app.opens["key"] = modal(section(f"About {WORD}"), *INPUTS, title="T" * 24, submit="S" * 24, close=plain("C" * 24))
    await app.publish(app.slack.alice, *BLOCKS)
    await room.open_app()
    await expect(room.home.get_by_role("heading")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing(room: Room, app: SmallApp, theme: Literal["light", "dark"], width: int) -> None:
    await room.page.emulate_media(color_scheme=theme)
    await room.page.set_viewport_size({"width": width, "height": 900})
    await expect(room.page.locator("html")).to_have_attribute("data-theme", theme)
    await room.open_app()
    assert await axe(room.page) == []
    await open_home(room, app)
    await room.home.get_by_role("combobox").click()
    assert await axe(room.page) == []
    road, app.slack.request_url = app.slack.request_url, None
    await room.home.get_by_role("button", name="Yes").click()
    await expect(room.home.get_by_role("alert")).to_be_visible()
    assert await axe(room.page) == []
    app.slack.request_url = road
    await room.home.get_by_role("button", name="Replace").click()
    await expect(room.dialog).to_be_visible()
    assert await axe(room.page) == []
    await room.dialog.get_by_role("button", name="S" * 24).click()
    await expect(room.dialog.get_by_label("Key")).to_have_attribute("aria-invalid", "true")
    await room.dialog.get_by_role("combobox", name="People").click()
    assert await axe(room.page) == []
    await app.update(modal(section("One moment"), title="Checking", submit=None))
    await expect(room.dialog).to_have_accessible_name("Checking")
    assert await axe(room.page) == []
    await room.page.keyboard.press("Escape")
    await room.page.get_by_role("tab", name="Messages").click()
    assert await axe(room.page) == []


@pytest.mark.parametrize("width", [320, 390, 760, 1161, 1440])
async def test_nothing_is_wider_than_the_screen(room: Room, app: SmallApp, width: int) -> None:
    await open_home(room, app)
    await look_at(room.page, width)
    await room.home.get_by_role("combobox").click()
    assert await room.page.evaluate(PROTRUDING) == []
    await room.page.keyboard.press("Escape")
    await room.home.get_by_role("button", name="Replace").click()
    people = room.dialog.get_by_role("combobox", name="People")
    for name in ("alice", "guest", "mallory"):
        await people.fill(name)
        await people.press("Enter")
    await people.click()
    assert await room.page.evaluate(PROTRUDING) == []
    await expect(room.dialog.get_by_role("option").first).to_be_in_viewport(ratio=1)
    await expect(room.dialog.get_by_role("button", name="S" * 24)).to_be_in_viewport(ratio=1)


async def test_all_controls_are_reached_in_order_and_seen(room: Room, app: SmallApp) -> None:
    await open_home(room, app)
    home, dialog = room.home, room.dialog
    for control in (
        room.page.get_by_role("tab", name="Home"),
        home,
        home.get_by_role("button", name="Replace"),
        home.get_by_role("combobox", name="Alerts go to"),
        home.get_by_role("button", name="Yes"),
        home.get_by_role("checkbox", name="Admins"),
        room.page.get_by_role("button", name="Raise five alerts at once"),
    ):
        await tab_to(room.page, control)
    await home.get_by_role("button", name="Replace").press("Enter")
    await expect(dialog.get_by_label("Key")).to_be_focused()
    for control in (
        dialog.get_by_label("Note"),
        dialog.get_by_role("checkbox", name="Admins"),
        dialog.get_by_role("button", name="Remove bob"),
        dialog.get_by_role("combobox", name="People"),
        dialog.get_by_role("combobox", name="One person"),
        dialog.get_by_role("button", name="C" * 24),
        dialog.get_by_role("button", name="S" * 24),
        dialog.get_by_role("button", name="Close all"),
        dialog.get_by_label("Key"),
    ):
        await tab_to(room.page, control)


async def test_a_low_window_has_room_for_both(room: Room, app: SmallApp) -> None:
    await open_home(room, app)
    await look_at(room.page, 844, 400)
    await room.home.get_by_role("button", name="Replace").click()
    await expect(room.dialog.get_by_role("button", name="S" * 24)).to_be_in_viewport(ratio=1)
    await room.dialog.get_by_role("combobox", name="One person").scroll_into_view_if_needed()
    await expect(room.dialog.get_by_role("combobox", name="One person")).to_be_in_viewport(ratio=1)


async def test_the_way_to_the_composer_leads_to_the_home_where_there_is_none(room: Room, app: SmallApp) -> None:
    await open_home(room, app)
    await room.page.get_by_role("link", name="Skip to the composer").focus()
    await room.page.keyboard.press("Enter")
    await expect(room.home).to_be_focused()

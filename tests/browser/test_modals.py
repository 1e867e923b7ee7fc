"""Modals: how they come and go, what stays in them, and that the keyboard is never lost.

https://docs.slack.dev/surfaces/modals
"""

import pytest
from playwright.async_api import Locator, expect

from browser.keyboard import tab_to
from browser.parts import Part, actions, button, plain, section
from browser.room import Room
from browser.small_app import SmallApp, field_of, modal

pytestmark = pytest.mark.anyio

TROUBLE = "We had some trouble connecting. Try again?"
KEY = {**field_of("plain_text_input", "key", label="Anchor API key"), "hint": plain("It begins with sk-.")}


async def put_up(room: Room, app: SmallApp, view: Part, *blocks: Part) -> Locator:
    """Let Alice open a modal by a button of her Home, and return its first field."""
    app.opens["open"] = view
    await app.publish(room.at.stage.slack.alice, actions(button("Open", "open")), *blocks)
    await room.open_app()
    await room.home.get_by_role("button", name="Open").press("Enter")
    await expect(room.dialog).to_be_visible()
    return room.dialog.locator("input, textarea").first


def save(room: Room) -> Locator:
    return room.dialog.get_by_role("button", name="Save")


async def test_its_parts_have_their_words_and_roles(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(section("*About* it"), KEY, title="Set a key", close=plain("Never mind")))
    await expect(room.dialog).to_have_accessible_name("Set a key")
    await expect(room.dialog.get_by_role("heading", level=2)).to_have_text("Set a key")
    await expect(room.dialog.locator("strong")).to_have_text("About")
    await expect(room.dialog.get_by_role("button")).to_have_text(["×", "Never mind", "Save"])
    await expect(line).to_have_accessible_name("Anchor API key")
    await expect(line).to_have_accessible_description("It begins with sk-.")
    await expect(line).to_have_attribute("type", "text")
    await expect(line).to_be_focused()


@pytest.mark.parametrize(("submit", "closes"), [("Save", ["×", "Cancel", "Save"]), (None, ["×", "Close"])])
async def test_what_the_app_does_not_name_is_called_what_slack_calls_it(
    room: Room, app: SmallApp, submit: str | None, closes: list[str]
) -> None:
    await put_up(room, app, modal(section("Read"), submit=submit))
    buttons = [one for one in await room.dialog.get_by_role("button").all_inner_texts() if one]
    assert buttons == closes
    await expect(room.dialog.locator("#modal-body")).to_be_focused()


@pytest.mark.parametrize("way", ["Escape", "Cancel", "Close all"])
async def test_it_is_left_without_a_word_and_the_focus_is_given_back(room: Room, app: SmallApp, way: str) -> None:
    line = await put_up(room, app, modal(KEY, notify_on_close=True))
    await line.fill("sk-typed")
    if way == "Escape":
        await room.page.keyboard.press("Escape")
    else:
        await room.dialog.get_by_role("button", name=way).click()
    await expect(room.dialog).to_be_hidden()
    await expect(room.home.get_by_role("button", name="Open")).to_be_focused()
    await app.slack.until(lambda: app.of_type("view_closed"))
    assert "sk-typed" not in str(app.received)
    await room.page.keyboard.press("Enter")
    await expect(line).to_have_value("")


async def test_the_keyboard_stays_in_it(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(KEY))
    for key in ("Tab", "Shift+Tab"):
        for _ in range(6):
            await room.page.keyboard.press(key)
            inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            assert await room.page.evaluate(inside)
        await tab_to(room.page, line, key)


async def test_nothing_is_sent_before_it_is_submitted(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(KEY))
    await line.press_sequentially("sk-secret")
    await tab_to(room.page, save(room))
    view = app.slack.modal_of(app.slack.alice)
    assert "sk-secret" not in f"{app.received} {view}"
    await room.page.keyboard.press("Enter")
    await expect(room.dialog).to_be_hidden()
    assert app.submitted() == [{"key": {"key": {"type": "plain_text_input", "value": "sk-secret"}}}]


async def test_what_is_wrong_stands_below_its_field_and_has_the_focus(room: Room, app: SmallApp) -> None:
    note = {**field_of("plain_text_input", "note", label="Note"), "optional": True}
    line = await put_up(room, app, modal(note, KEY))
    key = room.dialog.get_by_label("Anchor API key")
    app.answers.append({"response_action": "errors", "errors": {"key": "Anchor refuses it."}})
    await key.fill("sk-wrong")
    await line.focus()
    await room.page.keyboard.press("Enter")
    await expect(key).to_be_focused()
    await expect(key).to_have_accessible_description("Anchor refuses it. It begins with sk-.")
    await expect(key).to_have_attribute("aria-invalid", "true")
    await expect(key).to_have_value("sk-wrong")
    await key.fill("sk-right")
    await key.press("Enter")
    await expect(room.dialog).to_be_hidden()
    assert [values["key"]["key"]["value"] for values in app.submitted()] == ["sk-wrong", "sk-right"]


async def test_what_is_missing_or_too_short_is_not_sent(room: Room, app: SmallApp) -> None:
    short = field_of("plain_text_input", "short", label="Four or more", min_length=4)
    line = await put_up(room, app, modal(KEY, short))
    await save(room).click()
    await expect(line).to_be_focused()
    await expect(line).to_have_accessible_description("Please complete this required field. It begins with sk-.")
    await line.fill("sk-1")
    await room.dialog.get_by_label("Four or more").fill("abc")
    await save(room).click()
    await expect(room.dialog.get_by_label("Four or more")).to_have_accessible_description(
        "Must be at least 4 characters."
    )
    await expect(line).not_to_have_attribute("aria-invalid", "true")
    assert app.submitted() == []
    await room.dialog.get_by_label("Four or more").fill("abcd")
    await save(room).click()
    await expect(room.dialog).to_be_hidden()


async def test_what_is_typed_stays_while_others_talk_and_the_app_changes_what_stands_around(
    room: Room, app: SmallApp
) -> None:
    line = await put_up(room, app, modal(section("Before"), KEY))
    await line.fill("sk-typed")
    await line.press("ArrowLeft")
    room.post("Somebody talks")
    await app.publish(app.slack.alice, section("Another Home"))
    await app.update(modal({"type": "divider"}, section("After"), {**KEY, "label": plain("The key")}, title="Other"))
    await expect(room.dialog.locator("#modal-body")).to_contain_text("After")
    await expect(room.dialog).to_have_accessible_name("Other")
    await expect(line).to_have_accessible_name("The key")
    await expect(line).to_be_focused()
    await room.page.keyboard.type("-")
    await expect(line).to_have_value("sk-type-d")
    await app.update(modal({**KEY, "block_id": "other"}))
    await expect(line).to_have_value("")
    await expect(line).to_be_focused()


async def test_it_is_submitted_once_however_often_that_is_pressed(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(KEY))
    app.delay = 1.0
    await line.fill("sk-1")
    await line.press("Enter")
    await line.press("Enter")
    await expect(save(room)).to_have_attribute("aria-busy", "true")
    await save(room).click()
    await expect(room.dialog).to_be_hidden()
    assert len(app.submitted()) == 1


async def test_an_answer_that_makes_no_sense_is_told_in_slacks_words(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(KEY))
    app.answers.append({"response_action": "dance"})
    await line.fill("sk-1")
    await save(room).click()
    await expect(room.dialog.get_by_role("alert")).to_have_text(TROUBLE)
    await expect(line).to_have_value("sk-1")
    app.slack.violations.clear()
    await save(room).click()
    await expect(room.dialog).to_be_hidden()


async def test_it_becomes_another_one_and_that_is_told(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(section("Type it"), KEY, title="Set a key"))
    checking = modal(section("One moment, please."), title="Checking", submit=None)
    app.answers.append({"response_action": "update", "view": checking})
    await line.fill("sk-1")
    await save(room).click()
    await expect(room.dialog).to_have_accessible_name("Checking")
    said = room.dialog.locator("[aria-live=polite]")
    await expect(said).to_have_text("Checking. One moment, please.")
    await expect(room.dialog.locator("#modal-body")).to_be_focused()
    await app.update(modal(section("Anchor accepts it."), title="Key set", submit=None, close=plain("Done")))
    await expect(said).to_have_text("Key set. Anchor accepts it.")
    await expect(room.dialog.get_by_role("button", name="Done")).to_be_visible()
    await room.page.keyboard.press("Escape")
    await expect(room.dialog).to_be_hidden()


async def test_one_lies_on_another_which_is_as_it_was_when_that_is_left(room: Room, app: SmallApp) -> None:
    app.opens["more"] = modal(field_of("plain_text_input", label="More"), title="On top", submit="Add")
    line = await put_up(room, app, modal(KEY, actions(button("More", "more")), title="Below"))
    await line.fill("sk-typed")
    for leave in ("Escape", "Add"):
        await room.dialog.get_by_role("button", name="More").click()
        await expect(room.dialog).to_have_accessible_name("On top")
        await expect(room.dialog.get_by_label("More")).to_be_focused()
        await room.dialog.get_by_label("More").fill("x")
        await room.page.keyboard.press("Escape" if leave == "Escape" else "Enter")
        await expect(room.dialog).to_have_accessible_name("Below")
        await expect(line).to_have_value("sk-typed")
        await expect(line).to_be_focused()
    await room.dialog.get_by_role("button", name="More").click()
    await expect(room.dialog).to_have_accessible_name("On top")
    await room.dialog.get_by_role("button", name="Close all").click()
    await expect(room.dialog).to_be_hidden()
    assert app.slack.modals_of(app.slack.alice) == ()


async def test_the_app_closes_it(room: Room, app: SmallApp) -> None:
    app.opens["more"] = modal(field_of("plain_text_input", label="More"), title="On top")
    await put_up(room, app, modal(actions(button("More", "more")), title="Below"))
    await room.dialog.get_by_role("button", name="More").click()
    app.answers.append({"response_action": "clear"})
    await room.dialog.get_by_label("More").fill("x")
    await save(room).click()
    await expect(room.dialog).to_be_hidden()
    await expect(room.home.get_by_role("button", name="Open")).to_be_focused()


async def test_the_focus_goes_to_what_took_the_place_of_the_button_that_opened_it(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal(KEY))
    await line.fill("sk-1")
    await app.publish(app.slack.alice, section("A key"), actions(button("Open again", "open")))
    await save(room).click()
    await expect(room.dialog).to_be_hidden()
    await expect(room.home.get_by_role("button", name="Open again")).to_be_focused()


async def test_a_button_in_it_tells_the_app_and_may_ask_first(room: Room, app: SmallApp) -> None:
    sure = {"title": plain("Sure?"), "text": plain("x"), "confirm": plain("Do"), "deny": plain("No")}
    await put_up(room, app, modal(actions(button("New token", "token", confirm=sure)), submit=None))
    await room.dialog.get_by_role("button", name="New token").click()
    question = room.page.get_by_role("dialog", name="Sure?")
    await expect(question).to_be_visible()
    await room.page.keyboard.press("Escape")
    await expect(question).to_be_hidden()
    await expect(room.dialog.get_by_role("button", name="New token")).to_be_focused()
    await room.page.keyboard.press("Enter")
    await question.get_by_role("button", name="Do").click()
    await app.slack.until(lambda: len(app.of_type("block_actions")) == 2)
    await expect(room.dialog.get_by_role("button", name="New token")).to_be_focused()


async def test_one_that_a_message_opens_lies_over_the_conversation(room: Room, app: SmallApp) -> None:
    app.opens["open"] = modal(KEY)
    room.post("Set up?", blocks=[actions(button("Set up", "open"))])
    await room.button("Set up").click()
    line = room.dialog.get_by_label("Anchor API key")
    await expect(line).to_be_focused()
    await line.fill("sk-1")
    await line.press("Enter")
    await expect(room.dialog).to_be_hidden()
    await expect(room.button("Set up")).to_be_focused()


async def test_what_can_t_be_done_any_more_is_said_in_it(room: Room, app: SmallApp) -> None:
    line = await put_up(room, app, modal({**KEY, "optional": True}))
    await line.fill("sk-1")
    app.slack.home.change_user(app.slack.alice, deleted=True)
    await save(room).click()
    await expect(room.dialog.get_by_role("alert")).to_have_text(
        "Slack does not let you: a deactivated person can't log in."
    )
    app.slack.home.change_user(app.slack.alice, deleted=False)
    await save(room).click()
    await expect(room.dialog).to_be_hidden()

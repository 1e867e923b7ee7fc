"""Modals: how they open and close, what stays in them, and that the keyboard is never lost.

https://docs.slack.dev/surfaces/modals
"""

import pytest
from playwright.async_api import Locator, expect

from browser.accessibility import tab_to
from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness.blocks import Block, actions, button, input_block, modal, plain, section

pytestmark = pytest.mark.anyio

KEY = input_block("plain_text_input", "key", label="Secret key", hint="It begins with sk-.")


async def open_modal(channel: ChannelPage, app: SampleApp, view: Block, *blocks: Block) -> Locator:
    """Let Alice open a modal by a button of her Home, and return its first field."""
    app.opens["open"] = view
    await app.publish(channel.slack.alice, actions(button("open", text="Open")), *blocks)
    await channel.open_app()
    await channel.home.get_by_role("button", name="Open").press("Enter")
    await expect(channel.dialog).to_be_visible()
    return channel.dialog.locator("input, textarea").first


def save(channel: ChannelPage) -> Locator:
    return channel.dialog.get_by_role("button", name="Save")


async def test_the_parts_of_a_modal_have_their_words_and_roles_and_keep_the_focus(
    channel: ChannelPage, app: SampleApp
) -> None:
    line = await open_modal(channel, app, modal(section("*About* it"), KEY, title="Set it", close=plain("Never mind")))
    dialog = channel.dialog
    await expect(dialog).to_have_accessible_name("Set it")
    await expect(dialog.get_by_role("heading", level=2)).to_have_text("Set it")
    await expect(dialog.locator("strong")).to_have_text("About")
    await expect(dialog.get_by_role("button")).to_have_text(["×", "Never mind", "Save"])
    await expect(line).to_have_accessible_name("Secret key")
    await expect(line).to_have_accessible_description("It begins with sk-.")
    await expect(line).to_have_attribute("type", "text")
    await expect(line).to_be_focused()
    for key in ("Tab", "Shift+Tab"):
        for _ in range(6):
            await channel.page.keyboard.press(key)
            inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            assert await channel.page.evaluate(inside)
        await tab_to(channel.page, line, key)
    for submit, buttons in (("Save", ["×", "Cancel", "Save"]), (None, ["×", "Close", ""])):
        await app.update(modal(section("Read"), submit=submit))
        await expect(dialog.locator("button")).to_have_text(buttons)
    await expect(dialog.locator("#modal-body")).to_be_focused()


async def test_a_modal_that_is_left_is_gone_with_what_was_typed(channel: ChannelPage, app: SampleApp) -> None:
    line = await open_modal(channel, app, modal(KEY))
    opener = channel.home.get_by_role("button", name="Open")
    for way in ("Escape", "Cancel", "Close all"):
        await line.fill("sk-typed")
        if way == "Escape":
            await channel.page.keyboard.press("Escape")
        else:
            await channel.dialog.get_by_role("button", name=way).click()
        await expect(channel.dialog).to_be_hidden()
        await expect(opener).to_be_focused()
        await app.slack.until(lambda: not app.slack.modals_of(app.slack.alice))
        assert "sk-typed" not in str(app.received)
        await channel.page.keyboard.press("Enter")
        await expect(line).to_have_value("")


async def test_a_modal_is_submitted_once_and_nothing_is_sent_before(channel: ChannelPage, app: SampleApp) -> None:
    line = await open_modal(channel, app, modal(KEY))
    await line.press_sequentially("sk-secret")
    await tab_to(channel.page, save(channel))
    assert "sk-secret" not in f"{app.received} {app.slack.modal_of(app.slack.alice)}"
    app.delay = 2.0
    await channel.page.keyboard.press("Enter")
    await channel.page.keyboard.press("Enter")
    await expect(save(channel)).to_have_attribute("aria-busy", "true")
    await save(channel).click()
    await expect(channel.dialog).to_be_hidden()
    assert app.submitted() == [{"key": {"key": {"type": "plain_text_input", "value": "sk-secret"}}}]


async def test_an_error_stands_below_its_field_which_gets_the_focus(channel: ChannelPage, app: SampleApp) -> None:
    note = input_block("plain_text_input", "note", label="Note", optional=True)
    short = input_block("plain_text_input", "short", label="Four or more", min_length=4)
    line = await open_modal(channel, app, modal(note, KEY, short))
    key, four = channel.dialog.get_by_label("Secret key"), channel.dialog.get_by_label("Four or more")
    await save(channel).click()
    await expect(key).to_be_focused()
    await expect(key).to_have_accessible_description("Please complete this required field. It begins with sk-.")
    await key.fill("sk-wrong")
    await four.fill("abc")
    await save(channel).click()
    await expect(four).to_have_accessible_description("Must be at least 4 characters.")
    await expect(key).not_to_have_attribute("aria-invalid", "true")
    assert app.submitted() == []
    app.answers.append({"response_action": "errors", "errors": {"key": "It is wrong."}})
    await four.fill("abcd")
    await line.focus()
    await channel.page.keyboard.press("Enter")
    await expect(key).to_be_focused()
    await expect(key).to_have_accessible_description("It is wrong. It begins with sk-.")
    await expect(key).to_have_attribute("aria-invalid", "true")
    await expect(key).to_have_value("sk-wrong")
    await key.fill("sk-right")
    await key.press("Enter")
    await expect(channel.dialog).to_be_hidden()
    assert [values["key"]["key"]["value"] for values in app.submitted()] == ["sk-wrong", "sk-right"]


async def test_what_is_typed_stays_while_the_modal_is_updated(channel: ChannelPage, app: SampleApp) -> None:
    line = await open_modal(channel, app, modal(section("Before"), KEY))
    await line.fill("sk-typed")
    await line.press("ArrowLeft")
    channel.post("Somebody talks")
    await app.publish(app.slack.alice, section("Another Home"))
    await app.update(modal({"type": "divider"}, section("After"), {**KEY, "label": plain("The key")}, title="Other"))
    await expect(channel.dialog.locator("#modal-body")).to_contain_text("After")
    await expect(channel.dialog).to_have_accessible_name("Other")
    await expect(line).to_have_accessible_name("The key")
    await expect(line).to_be_focused()
    await channel.page.keyboard.type("-")
    await expect(line).to_have_value("sk-type-d")
    await app.update(modal({**KEY, "block_id": "other"}))
    await expect(line).to_have_value("")
    await expect(line).to_be_focused()


async def test_a_failed_submission_is_shown_and_can_be_repeated(channel: ChannelPage, app: SampleApp) -> None:
    line = await open_modal(channel, app, modal({**KEY, "optional": True}))
    alert = channel.dialog.get_by_role("alert")
    app.answers.append({"response_action": "dance"})
    await line.fill("sk-1")
    await save(channel).click()
    await expect(alert).to_have_text("We had some trouble connecting. Try again?")
    await expect(line).to_have_value("sk-1")
    app.slack.violations.clear()
    app.slack.home.change_user(app.slack.alice, deleted=True)
    await save(channel).click()
    await expect(alert).to_have_text("Slack does not let you: a deactivated person can't log in.")
    app.slack.home.change_user(app.slack.alice, deleted=False)
    await save(channel).click()
    await expect(channel.dialog).to_be_hidden()


async def test_a_modal_that_becomes_another_one_is_announced(channel: ChannelPage, app: SampleApp) -> None:
    line = await open_modal(channel, app, modal(section("Type it"), KEY, title="Set it"))
    checking = modal(section("One moment, please."), title="Checking", submit=None)
    app.answers.append({"response_action": "update", "view": checking})
    await line.fill("sk-1")
    await save(channel).click()
    await expect(channel.dialog).to_have_accessible_name("Checking")
    announced = channel.dialog.locator("[aria-live=polite]")
    await expect(announced).to_have_text("Checking. One moment, please.")
    await expect(channel.dialog.locator("#modal-body")).to_be_focused()
    await app.update(modal(section("It is fine."), title="Checked", submit=None, close=plain("Done")))
    await expect(announced).to_have_text("Checked. It is fine.")
    await expect(channel.dialog.get_by_role("button", name="Done")).to_be_visible()
    await channel.page.keyboard.press("Escape")
    await expect(channel.dialog).to_be_hidden()


async def test_a_modal_below_another_one_is_kept_as_it_was(channel: ChannelPage, app: SampleApp) -> None:
    app.opens["more"] = modal(input_block("plain_text_input", label="More"), title="On top", submit="Add")
    line = await open_modal(channel, app, modal(KEY, actions(button("more", text="Go on")), title="Below"))
    await line.fill("sk-typed")
    for key in ("Escape", "Enter"):
        await channel.dialog.get_by_role("button", name="Go on").click()
        await expect(channel.dialog).to_have_accessible_name("On top")
        await channel.dialog.get_by_label("More").fill("x")
        await channel.page.keyboard.press(key)
        await expect(channel.dialog).to_have_accessible_name("Below")
        await expect(line).to_have_value("sk-typed")
        await expect(line).to_be_focused()


async def test_the_focus_returns_to_the_button_that_opened_the_modal_or_to_its_replacement(
    channel: ChannelPage, app: SampleApp
) -> None:
    app.opens["open"] = modal(KEY)
    channel.post("Set up?", blocks=[actions(button("open", text="Set up"))])
    await channel.button("Set up").click()
    line = channel.dialog.get_by_label("Secret key")
    await expect(line).to_be_focused()
    await line.fill("sk-1")
    await line.press("Enter")
    await expect(channel.dialog).to_be_hidden()
    await expect(channel.button("Set up")).to_be_focused()
    await open_modal(channel, app, modal(KEY))
    await line.fill("sk-1")
    await app.publish(app.slack.alice, section("A key"), actions(button("open", text="Open again")))
    await save(channel).click()
    await expect(channel.dialog).to_be_hidden()
    await expect(channel.home.get_by_role("button", name="Open again")).to_be_focused()

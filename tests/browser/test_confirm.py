"""A button can ask first. https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object"""

import pytest
from playwright.async_api import expect

from browser.channel_page import UNKNOWN_BUTTON, ChannelPage
from harness.blocks import actions, attachment, button, confirm, legacy_button

pytestmark = pytest.mark.anyio

FIRST = confirm("Really :fire:?", "It *can't* be undone.", yes="Do it", no="Leave it")
SECOND = confirm("And this?", yes="Yes", no="No")


async def test_each_confirmation_dialog_has_the_words_and_the_style_of_its_button(channel: ChannelPage) -> None:
    confirmed = [button(style, text=style, confirm={**FIRST, "style": style}) for style in ("danger", "primary")]
    channel.post("x", blocks=[actions(*confirmed, button("other", text="other", confirm=SECOND))])
    dialog, do_it = channel.dialog, channel.dialog.get_by_role("button", name="Do it")
    for name, colour in (("danger", "rgb(192, 31, 58)"), ("primary", "rgb(42, 85, 201)")):
        await channel.button(name).click()
        await expect(dialog).to_have_accessible_name("Really 🔥?")
        await expect(dialog).to_have_accessible_description("It can't be undone.")
        await expect(dialog.locator("strong")).to_have_text("can't")
        await expect(dialog.get_by_role("button")).to_have_text(["Leave it", "Do it"])
        await expect(do_it).to_be_focused()
        await expect(do_it).to_have_css("background-color", colour)
        await do_it.click()
        await expect(dialog).to_be_hidden()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(2)
    await channel.button("other").click()
    await expect(dialog).to_have_accessible_name("And this?")
    await expect(dialog.get_by_role("button")).to_have_text(["No", "Yes"])
    await channel.page.keyboard.press("Escape")
    await channel.button("danger").click()
    await do_it.click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(3)
    first, *_, last = channel.answered()
    assert last == first + 2


async def test_deny_and_escape_press_nothing_and_give_the_focus_back(channel: ChannelPage) -> None:
    ask = channel.button("Ask")
    channel.post("x", blocks=[actions(button("ask", text="Ask", confirm=FIRST), button("other", text="Other"))])
    await channel.button("Other").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(1)
    await ask.click()
    await channel.dialog.get_by_role("button", name="Leave it").click()
    await expect(channel.dialog).to_be_hidden()
    await expect(ask).to_be_focused()
    await ask.press("Enter")
    await expect(channel.dialog).to_be_visible()
    await channel.page.keyboard.press("Escape")
    await expect(channel.dialog).to_be_hidden()
    await expect(ask).to_be_focused()
    await expect(ask).not_to_have_attribute("aria-busy", "true")
    await channel.button("Other").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(2)
    first, second = channel.answered()
    assert second == first + 1


async def test_a_legacy_button_asks_in_its_own_words_or_in_slacks(channel: ChannelPage) -> None:
    own = {"title": "Pause &amp; wait?", "text": "It *stops*.", "ok_text": "Pause", "dismiss_text": "Go on"}
    buttons = [legacy_button("Mine", confirm=own), legacy_button("Default", confirm={"text": "Sure?"})]
    channel.post(attachments=[attachment(*buttons)])
    await channel.button("Mine").click()
    await expect(channel.dialog).to_have_accessible_name("Pause & wait?")
    await expect(channel.dialog).to_have_accessible_description("It *stops*.")
    await expect(channel.dialog.get_by_role("button")).to_have_text(["Go on", "Pause"])
    await channel.dialog.get_by_role("button", name="Go on").click()
    await channel.button("Default").click()
    await expect(channel.dialog).to_have_accessible_name("Are you sure?")
    await expect(channel.dialog.get_by_role("button")).to_have_text(["Cancel", "Okay"])


async def test_a_question_asked_before_the_close_event_of_the_last_gets_its_own_answer(channel: ChannelPage) -> None:
    """A browser sends that event some time later; a press of Enter may come before."""
    channel.post("x", blocks=[actions(button("ask", text="Ask", confirm=FIRST))])
    await channel.button("Ask").click()
    await expect(channel.dialog).to_be_visible()
    ask = await channel.button("Ask").element_handle()
    await channel.page.evaluate("(ask) => { document.getElementById('confirm').close(); ask.click(); }", ask)
    await channel.dialog.get_by_role("button", name="Do it").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(1)

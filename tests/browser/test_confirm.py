"""A button can ask first. https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object"""

import pytest
from playwright.async_api import expect

from browser.parts import actions, attachment, button, legacy, mrkdwn, plain
from browser.room import Room

pytestmark = pytest.mark.anyio

UNKNOWN = "I don't know this button; nothing was done."


def question(**more: object) -> dict[str, object]:
    """A confirm object."""
    texts = {"title": plain("Really :fire:?"), "text": mrkdwn("It *can't* be undone."), "confirm": plain("Do it")}
    return {**texts, "deny": plain("Leave it"), **more}


async def test_its_words_are_the_messages_own(room: Room) -> None:
    room.post("x", blocks=[actions(button("Ask", "ask", confirm=question()))])
    await room.button("Ask").click()
    await expect(room.dialog).to_have_accessible_name("Really 🔥?")
    await expect(room.dialog).to_have_accessible_description("It can't be undone.")
    await expect(room.dialog.locator("strong")).to_have_text("can't")
    await expect(room.dialog.get_by_role("button")).to_have_text(["Leave it", "Do it"])
    await expect(room.dialog.get_by_role("button", name="Do it")).to_be_focused()
    await room.dialog.get_by_role("button", name="Do it").click()
    await expect(room.dialog).to_be_hidden()
    await expect(room.message(UNKNOWN)).to_be_visible()


async def test_its_button_has_the_style_of_the_question(room: Room) -> None:
    asking = [button(style, style, confirm=question(style=style)) for style in ("danger", "primary")]
    room.post("x", blocks=[actions(*asking)])
    for name, colour in (("danger", "rgb(192, 31, 58)"), ("primary", "rgb(42, 85, 201)")):
        await room.button(name).click()
        await expect(room.dialog.get_by_role("button", name="Do it")).to_have_css("background-color", colour)
        await room.page.keyboard.press("Escape")


async def test_to_deny_does_nothing_and_escape_neither(room: Room) -> None:
    room.post("x", blocks=[actions(button("Ask", "ask", confirm=question()), button("Other", "other"))])
    await room.button("Other").click()
    await expect(room.message(UNKNOWN)).to_have_count(1)
    await room.button("Ask").click()
    await room.dialog.get_by_role("button", name="Leave it").click()
    await expect(room.dialog).to_be_hidden()
    await expect(room.button("Ask")).to_be_focused()
    await room.button("Ask").press("Enter")
    await expect(room.dialog).to_be_visible()
    await room.page.keyboard.press("Escape")
    await expect(room.dialog).to_be_hidden()
    await expect(room.button("Ask")).to_be_focused()
    await expect(room.button("Ask")).not_to_have_attribute("aria-busy", "true")
    await room.button("Other").click()
    await expect(room.message(UNKNOWN)).to_have_count(2)
    first, second = room.answered()
    assert second == first + 1


async def test_one_question_is_not_the_answer_to_another(room: Room) -> None:
    other = question(title=plain("And this?"), confirm=plain("Yes"), deny=plain("No"))
    room.post("x", blocks=[actions(button("A", "a", confirm=question()), button("B", "b", confirm=other))])
    await room.button("A").click()
    await room.dialog.get_by_role("button", name="Do it").click()
    await expect(room.message(UNKNOWN)).to_have_count(1)
    await room.button("B").click()
    await expect(room.dialog).to_have_accessible_name("And this?")
    await expect(room.dialog.get_by_role("button")).to_have_text(["No", "Yes"])
    await room.page.keyboard.press("Escape")
    await room.button("A").click()
    await room.dialog.get_by_role("button", name="Do it").click()
    await expect(room.message(UNKNOWN)).to_have_count(2)
    first, second = room.answered()
    assert second == first + 1


async def test_a_legacy_button_asks_in_its_own_words_or_in_slacks(room: Room) -> None:
    own = {"title": "Pause &amp; wait?", "text": "It *stops*.", "ok_text": "Pause", "dismiss_text": "Go on"}
    room.post(attachments=[attachment(legacy("Mine", confirm=own), legacy("Default", confirm={"text": "Sure?"}))])
    await room.button("Mine").click()
    await expect(room.dialog).to_have_accessible_name("Pause & wait?")
    await expect(room.dialog).to_have_accessible_description("It *stops*.")
    await expect(room.dialog.get_by_role("button")).to_have_text(["Go on", "Pause"])
    await room.dialog.get_by_role("button", name="Go on").click()
    await room.button("Default").click()
    await expect(room.dialog).to_have_accessible_name("Are you sure?")
    await expect(room.dialog.get_by_role("button")).to_have_text(["Cancel", "Okay"])
    await room.page.keyboard.press("Enter")
    await expect(room.message(UNKNOWN)).to_have_count(1)


async def test_the_longest_words_stay_inside_it(room: Room) -> None:
    long = question(title=plain("T" * 100), text=plain("x" * 300), confirm=plain("c" * 30), deny=plain("d" * 30))
    room.post("x", blocks=[actions(button("Ask", "ask", confirm=long))])
    await room.page.set_viewport_size({"width": 390, "height": 844})
    await room.button("Ask").click()
    await expect(room.dialog).to_be_visible()
    assert await room.dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


async def test_what_has_changed_meanwhile_can_t_be_pressed_and_the_keyboard_is_not_lost(room: Room) -> None:
    session_id = await room.alert()
    [card] = room.at.stage.slack.channel_messages(room.channel)
    await room.button(f"Pause session {session_id}").click()
    await room.at.stage.slack.click(room.at.stage.slack.bob, card)
    await expect(room.list.get_by_text("Paused by @bob")).to_be_visible()
    await room.page.keyboard.press("Enter")
    await expect(room.page.get_by_role("status")).to_contain_text(
        "Slack does not let you: the message has no such button"
    )
    await expect(room.list).to_be_focused()


async def test_one_that_is_asked_before_the_last_has_told_that_it_closed_gets_its_own_answer(room: Room) -> None:
    """A browser tells of that some time later; an Enter may come before."""
    room.post("x", blocks=[actions(button("Ask", "ask", confirm=question()))])
    await room.button("Ask").click()
    await expect(room.dialog).to_be_visible()
    ask = await room.button("Ask").element_handle()
    await room.page.evaluate("(ask) => { document.getElementById('confirm').close(); ask.click(); }", ask)
    await room.dialog.get_by_role("button", name="Do it").click()
    await expect(room.message(UNKNOWN)).to_have_count(1)

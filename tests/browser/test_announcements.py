"""Whoever can't see the page hears what comes, once, and who said it."""

import pytest
from playwright.async_api import expect

from browser.parts import section
from browser.room import Room

pytestmark = pytest.mark.anyio


async def heard(room: Room, *sentences: str) -> None:
    """Exactly these were said, in order."""
    await expect(room.spoken.locator("p")).to_have_text(sentences)


async def test_each_message_is_told_with_who_said_it(room: Room) -> None:
    slack = room.at.stage.slack
    room.post("Hello", by=slack.bob)
    room.post("For *you* :wave:", only_to=slack.alice)
    room.post("For Mallory", only_to=slack.outsider)
    await heard(room, "bob: Hello", "anchor: to you alone: For you 👋")


async def test_the_text_is_told_and_not_the_blocks(room: Room) -> None:
    room.post("Session <@U0ALICE0001> &amp; `5`", blocks=[section("What the eye sees")])
    await heard(room, "anchor: Session @alice & 5")


async def test_lines_stay_apart(room: Room) -> None:
    room.post("One\ntwo\n> three\nfour\n```five```\nsix")
    await heard(room, "anchor: One two three four five six")
    assert "One\ntwo\nthree\nfour\nfive\nsix" in str(await room.spoken.text_content())


async def test_an_attachment_without_text_is_told_by_its_fallback(room: Room) -> None:
    room.post(attachments=[{"fallback": "[FIRING] HighSpend", "text": "x"}, {"title": "The *title*", "text": "x"}])
    await heard(room, "anchor: [FIRING] HighSpend The title")


async def test_an_alert_its_pause_and_the_result(room: Room) -> None:
    session_id = await room.alert("It spends too fast.")
    alert = f"🚨 Critical: session {session_id} To pause it: /anchor-pause {session_id} It spends too fast."
    await heard(room, f"anchor: {alert}")
    await room.button(f"Pause session {session_id}").click()
    await room.dialog.get_by_role("button", name="Pause").click()
    sentences = room.spoken.locator("p")
    await expect(sentences).to_have_count(3)
    told = await sentences.all_inner_texts()
    assert any(one.startswith("anchor: changed a message: 🚨 Critical") and "Paused by @alice" in one for one in told)
    assert any(one.startswith(f"anchor: ⏸️ Paused: session {session_id}, asked for by @alice.") for one in told)


async def test_the_same_words_twice_are_told_twice(room: Room) -> None:
    for _ in range(2):
        await room.enter("/foo")
    words = (
        "Slackbot: to you alone: /foo is not a valid command. To send it as a message, put a space before the slash."
    )
    await heard(room, words, words)


async def test_what_stands_there_already_is_not_told(room: Room) -> None:
    room.post("Old")
    await heard(room, "anchor: Old")
    await room.page.get_by_role("button", name="#alerts").click()
    await room.open()
    await expect(room.message("Old")).to_be_visible()
    await heard(room)
    room.post("New")
    await heard(room, "anchor: New")


async def test_only_the_last_sentences_are_kept(room: Room) -> None:
    for number in range(15):
        room.post(f"Number {number}")
    await heard(room, *[f"anchor: Number {number}" for number in range(5, 15)])

"""Legacy attachments, as Alertmanager sends them, are drawn and their buttons pressed.

https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

import pytest
from playwright.async_api import expect

from browser.parts import actions, attachment, button, legacy, section
from browser.room import Room

pytestmark = pytest.mark.anyio

UNKNOWN = "I don't know this button; nothing was done."


async def test_all_its_parts_are_shown(room: Room) -> None:
    alert = attachment(
        pretext="Before *it*",
        author_name="Alertmanager",
        title="[FIRING] HighSpend",
        title_link="https://a.example/",
        text="Session `5` spends _fast_ &amp; more",
        fields=[{"title": "Severity", "value": "*critical*", "short": True}, {"title": "Where", "value": "here"}],
        footer="Prometheus",
        ts=1392734382,
        color="danger",
    )
    room.post("The text", attachments=[alert])
    await expect(room.messages.locator(".content > div").first).to_have_text("The text")
    await expect(room.list.get_by_text("Before it")).to_be_visible()
    await expect(room.list.get_by_role("link", name="[FIRING] HighSpend")).to_have_attribute(
        "href", "https://a.example/"
    )
    frame = room.messages.locator(".attachment")
    for text in ("Alertmanager", "Session 5 spends fast & more", "Severitycritical", "Wherehere"):
        await expect(frame).to_contain_text(text)
    await expect(frame).to_contain_text("Prometheus · Tuesday, February 18, 2014 at 3:39 PM GMT+1")
    await expect(frame).to_have_css("border-left-color", "rgb(224, 30, 90)")
    await expect(frame).not_to_contain_text("An alert")


async def test_it_has_a_bar_in_its_colour(room: Room) -> None:
    colours = {
        "good": "rgb(46, 182, 125)",
        "#36a64f": "rgb(54, 166, 79)",
        "36A64F": "rgb(54, 166, 79)",
        "red;display:none": "rgb(223, 227, 234)",
        "constructor": "rgb(223, 227, 234)",
    }
    room.post(attachments=[{"text": colour, "color": colour} for colour in colours])
    for colour, drawn in colours.items():
        bar = room.messages.locator(".attachment", has_text=colour).first
        await expect(bar).to_be_visible()
        await expect(bar).to_have_css("border-left-color", drawn)


async def test_what_shows_nothing_else_shows_its_fallback(room: Room) -> None:
    room.post(attachments=[{"fallback": "All that &lt;there&gt; is", "ts": "soon"}])
    await expect(room.messages.locator(".attachment")).to_have_text("All that <there> is")


async def test_a_title_leads_nowhere_but_to_the_web(room: Room) -> None:
    room.post(attachments=[{"title": "Click me", "title_link": "javascript:document.title='Hacked'"}])
    await room.list.get_by_text("Click me").click()
    await expect(room.list.get_by_role("link")).to_have_count(0)
    await expect(room.page).to_have_title(f"#{room.channel.name} · Anchor demo")


async def test_a_legacy_button_is_pressed_and_answered(room: Room) -> None:
    room.post(attachments=[attachment(text="The first"), attachment(legacy("A"), legacy("B :fire:", style="danger"))])
    await expect(room.button("B 🔥")).to_have_css("background-color", "rgb(192, 31, 58)")
    await room.button("B 🔥").click()
    await expect(room.message(UNKNOWN)).to_contain_text("Only visible to you")
    [sent] = [one for one in room.at.stage.slack.seen_by(room.at.stage.slack.alice, room.channel) if one.ephemeral_to]
    assert sent.text.startswith(UNKNOWN)


async def test_block_kit_in_an_attachment_works(room: Room) -> None:
    session_id = room.at.stage.anchor.add_session()
    pause = button("Pause", "anchor_pause", value=session_id)
    room.post("An alert", attachments=[{"color": "warning", "blocks": [section("Card"), actions(pause)]}])
    await room.button("Pause").click()
    await expect(room.messages.locator(".attachment").get_by_text("Paused by @alice")).to_be_visible()
    await expect(room.button(f"Resume session {session_id}").first).to_be_focused()
    assert room.orders(session_id) == ["pause"]


async def test_links_open_and_tell_nobody_and_menus_do_nothing(room: Room, url: str) -> None:
    link = {"type": "button", "text": "Runbook :eyes:", "url": url}
    menu = {"type": "select", "name": "menu", "text": "Pick one", "options": [{"text": "a", "value": "b"}]}
    room.post(attachments=[attachment(link, menu)])
    async with room.page.context.expect_page() as opened:
        await room.list.get_by_role("link", name="Runbook 👀").click()
    await expect(await opened.value).to_have_title("#alerts · Anchor demo")
    await expect(room.list.get_by_role("button", name="Pick one")).to_be_disabled()
    await expect(room.page.get_by_role("status")).to_be_empty()

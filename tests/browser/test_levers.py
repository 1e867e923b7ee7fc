"""The levers break something and mend it, and what people then read in Slack says so."""

import pytest
from playwright.async_api import expect

from browser.room import Room

pytestmark = pytest.mark.anyio

FLIGHTS = "9c0d7e11-2222-4333-8444-555566667777"


async def test_what_each_does_is_told(room: Room) -> None:
    for name, about in {
        "Slow": "Answers after 4 s",
        "Down": "Refuses connections",
        "Key revoked": "Refuses the API key",
        "Socket Mode": "Off: signed HTTP",
        "Hangs": "Its process is frozen",
        "Stopped": "Off starts it again",
    }.items():
        await expect(room.lever(name)).to_have_accessible_description(about)
        await expect(room.lever(name)).not_to_be_checked()
    await expect(room.page.get_by_role("heading", name="Bot")).to_have_text("Botready")


async def test_while_anchor_is_slow_people_are_told_to_wait_and_then_the_result(room: Room) -> None:
    await room.pull("Slow", on=True)
    await room.enter(f"/anchor-pause {FLIGHTS}")
    waiting = room.message(f"Pausing session {FLIGHTS}… The result will be posted here.")
    await expect(waiting).to_contain_text("Only visible to you")
    await expect(room.message("Paused: session")).to_have_count(0)
    await expect(room.message(f"Paused: session {FLIGHTS}, asked for by @alice.")).to_be_visible()
    await room.pull("Slow", on=False)
    await room.enter(f"/anchor-resume {FLIGHTS}")
    await expect(room.message("Resumed: session")).to_be_visible()
    await expect(room.message("Resuming session")).to_have_count(0)


async def test_while_anchor_is_down_nothing_is_sent(room: Room) -> None:
    await room.pull("Down", on=True)
    session_id = await room.alert()
    await room.button(f"Pause session {session_id}").click()
    await room.dialog.get_by_role("button", name="Pause").click()
    await expect(room.message("Not paused: session")).to_contain_text("Anchor can't be reached; nothing was sent.")
    await expect(room.button(f"Pause session {session_id}")).to_be_visible()
    await room.pull("Down", on=False)
    await room.button(f"Pause session {session_id}").click()
    await room.dialog.get_by_role("button", name="Pause").click()
    await expect(room.list.get_by_text("Paused by @alice")).to_be_visible()
    assert room.orders(session_id) == ["pause"]


async def test_a_revoked_key_is_refused_and_who_can_help_is_told(room: Room) -> None:
    await room.pull("Key revoked", on=True)
    await room.enter(f"/anchor-pause {FLIGHTS}")
    refused = room.message("Not paused: session")
    await expect(refused).to_contain_text("Anchor refused this workspace's API key (401); nothing was done.")
    await expect(refused).to_contain_text("An admin of this workspace can replace it in the Home tab of this app")
    await expect(room.agent("Flight watch").get_by_text("Running", exact=True)).to_be_visible()
    await room.pull("Key revoked", on=False)


async def test_the_bot_is_stopped_and_started(room: Room) -> None:
    state = room.page.get_by_role("heading", name="Bot")
    await room.pull("Stopped", on=True)
    await expect(state).to_have_text("Botstopped")
    await expect(room.lever("Hangs")).to_be_disabled()
    await room.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await room.page.get_by_role("button", name="Raise five alerts at once").click()
    notices = room.page.get_by_role("status").get_by_text("The monitor's alert got no answer from the bot.")
    await expect(notices).to_have_count(2)
    await expect(room.lever("Stopped")).to_be_checked()
    await room.page.set_viewport_size({"width": 390, "height": 844})
    await expect(notices.last).to_be_in_viewport(ratio=1)
    await room.page.set_viewport_size({"width": 1440, "height": 900})
    await room.pull("Stopped", on=False)
    await expect(state).to_have_text("Botready")
    await expect(room.lever("Hangs")).to_be_enabled()
    await room.enter("/anchor-pause help")
    await expect(room.message("Usage")).to_be_visible()


async def test_the_page_shows_what_the_bot_is_doing_while_it_changes(room: Room) -> None:
    state = room.page.get_by_role("heading", name="Bot")
    await room.pull("Hangs", on=True)
    await expect(state).to_have_text("Botfrozen")
    await room.pull("Hangs", on=False)
    await expect(state).to_have_text("Botready")
    starts = room.at.stage.bot.log.read_text().count('"listening"')
    await room.lever("Socket Mode").click()
    await expect(room.lever("Socket Mode")).to_have_attribute("aria-busy", "true")
    await room.lever("Socket Mode").click()
    await expect(room.lever("Socket Mode")).to_be_checked()
    await expect(state).to_have_text("Botready")
    await expect(room.lever("Socket Mode")).not_to_have_attribute("aria-busy", "true")
    await expect(room.lever("Socket Mode")).to_be_checked()
    await room.pull("Socket Mode", on=False)
    assert room.at.stage.bot.log.read_text().count('"listening"') == starts + 2


@pytest.mark.parametrize("key", ["Space", "Enter"])
async def test_they_are_pulled_by_keyboard(room: Room, key: str) -> None:
    await room.lever("Slow").focus()
    await room.page.keyboard.press(key)
    await expect(room.lever("Slow")).to_be_checked()
    await expect(room.lever("Slow")).to_be_focused()
    await expect(room.lever("Slow")).not_to_have_attribute("aria-busy", "true")
    await room.page.keyboard.press(key)
    await expect(room.lever("Slow")).not_to_be_checked()


async def test_a_lever_that_somebody_else_pulls_moves_here_too(room: Room) -> None:
    await room.at.levers.pull("anchor_slow", on=True)
    await expect(room.lever("Slow")).to_be_checked()
    await room.at.levers.pull("anchor_slow", on=False)
    await expect(room.lever("Slow")).not_to_be_checked()

"""What people see where the bot hangs or is away: Slack's own words, by the command or by the very button."""

import pytest
from playwright.async_api import Locator, expect

from bot.sim.slack import Rule
from browser.parts import actions, attachment, button, legacy
from browser.room import Room

pytestmark = pytest.mark.anyio

LATE = "Operation timed out. Apps need to respond within three seconds"


def warning_by(room: Room, name: str) -> Locator:
    """The warning that stands by a button."""
    return room.messages.locator(".pressable", has=room.page.get_by_role("button", name=name)).locator(".warning")


async def test_a_command_that_is_not_acknowledged_in_time(room: Room) -> None:
    await room.pull("Hangs", on=True)
    await room.enter("/anchor-pause help")
    failure = room.message('/anchor-pause failed with the error "operation_timeout"')
    await expect(failure).to_contain_text("Slackbot")
    await expect(failure).to_contain_text("Only visible to you")
    await room.pull("Hangs", on=False)
    await room.enter("/anchor-pause help")
    await expect(room.messages).to_have_count(2)
    was_late(room)


async def test_a_command_while_the_bot_is_away(room: Room) -> None:
    await room.pull("Stopped", on=True)
    await room.enter("/anchor-pause help")
    await expect(room.message('/anchor-pause failed with the error "dispatch_failed"')).to_contain_text("Slackbot")
    await room.pull("Stopped", on=False)


async def test_a_late_button_has_a_warning_by_it_until_it_is_pressed_again(room: Room) -> None:
    session_id = await room.alert()
    room.post("x", blocks=[actions(button("Other", "other"))])
    pause = f"Pause session {session_id}"
    await room.pull("Hangs", on=True)
    await confirm(room, pause)
    await expect(room.button(pause)).to_have_attribute("aria-busy", "true")
    await expect(warning_by(room, pause)).to_have_text(f"⚠Warning: {LATE}")
    await expect(room.button(pause)).not_to_have_attribute("aria-busy", "true")
    await expect(room.messages.locator(".warning")).to_have_count(1)
    await expect(room.spoken).to_contain_text(f"Slackbot: by the button: {LATE}")
    await room.page.reload()
    await room.open()
    await expect(warning_by(room, pause)).to_be_visible()
    await confirm(room, pause)
    await expect(room.messages.locator(".warning")).to_have_count(0)
    await expect(warning_by(room, pause)).to_be_visible()
    await room.pull("Hangs", on=False)
    was_late(room, times=2)


async def test_a_warning_does_not_come_back_with_its_button(room: Room) -> None:
    session_id = await room.alert()
    card = room.messages.first
    await confirm(room, f"Pause session {session_id}")
    resume, pause = (card.get_by_role("button", name=f"{verb} session {session_id}") for verb in ("Resume", "Pause"))
    await expect(resume).to_be_focused()
    await room.pull("Stopped", on=True)
    await resume.click()
    await expect(warning_by(room, "Resume").first).to_have_text(f"⚠Warning: {LATE}")
    await room.pull("Stopped", on=False)
    for name in (resume, pause):
        await name.click()
        await expect(name).to_be_hidden()
    await expect(resume).to_be_visible()
    await expect(room.messages.locator(".warning")).to_have_count(0)
    assert room.orders(session_id) == ["pause", "resume", "pause"]


async def test_each_of_several_buttons_has_its_own_warning(room: Room) -> None:
    room.post("x", blocks=[actions(button("First", "one"), button("Second", "two"))])
    room.post(attachments=[attachment(legacy("Third"), legacy("Fourth"))])
    await room.pull("Stopped", on=True)
    for name in ("Second", "Fourth"):
        await room.button(name).click()
        await expect(warning_by(room, name)).to_be_visible()
    await expect(warning_by(room, "Second")).to_have_text(f"⚠Warning: {LATE}")
    await expect(warning_by(room, "Fourth")).to_have_text(f"⚠Warning: Darn – that didn't work. {LATE}")
    await expect(room.messages.locator(".warning")).to_have_count(2)
    await room.pull("Stopped", on=False)
    await room.button("Second").click()
    await expect(room.messages.locator(".warning")).to_have_count(1)
    await expect(warning_by(room, "Fourth")).to_be_visible()


async def test_what_hung_is_done_when_the_bot_goes_on(room: Room) -> None:
    session_id = await room.alert()
    pause = f"Pause session {session_id}"
    await room.pull("Hangs", on=True)
    await confirm(room, pause)
    await expect(warning_by(room, pause)).to_be_visible()
    await room.pull("Hangs", on=False)
    await expect(room.list.get_by_text("Paused by @alice")).to_be_visible()
    await expect(room.messages.locator(".warning")).to_have_count(0)
    assert room.orders(session_id) == ["pause"]
    was_late(room)


async def confirm(room: Room, name: str) -> None:
    """Press a button, and say yes."""
    await room.button(name).click()
    await room.dialog.get_by_role("button", name="Pause").click()


def was_late(room: Room, *, times: int = 1) -> None:
    """The simulator has noticed, as it should."""
    violations = room.at.stage.slack.violations
    assert [one.rule for one in violations] == [Rule.ACK_LATE] * times
    violations.clear()

"""What people see while the bot hangs or is stopped: Slack's own words, by the command or by the button."""

import pytest
from playwright.async_api import Locator, expect

from bot.sim.slack import Rule
from browser.channel_page import ChannelPage
from harness.blocks import actions, attachment, button, legacy_button

pytestmark = pytest.mark.anyio

LATE = "Operation timed out. Apps need to respond within three seconds"


def warning_by(channel: ChannelPage, button: Locator) -> Locator:
    """The warning beside a button."""
    return channel.messages.locator(".pressable", has=button).locator(".warning")


def was_late(channel: ChannelPage, *, times: int) -> None:
    """The simulated Slack has noticed the late acks, as it should."""
    violations = channel.slack.violations
    assert [one.rule for one in violations] == [Rule.ACK_LATE] * times
    violations.clear()


async def test_a_command_fails_while_the_bot_hangs_or_is_stopped(channel: ChannelPage) -> None:
    for number, (switch, error) in enumerate({"Hangs": "operation_timeout", "Stopped": "dispatch_failed"}.items(), 1):
        await channel.set_switch(switch, on=True)
        await channel.enter("/anchor-pause help")
        await expect(channel.message(error)).to_contain_text("Slackbot")
        await expect(channel.message(error)).to_contain_text("Only visible to you")
        await channel.set_switch(switch, on=False)
        await channel.enter("/anchor-pause help")
        await expect(channel.messages).to_have_count(2 * number)
    was_late(channel, times=1)


async def test_a_late_button_has_a_warning_until_the_bot_goes_on(channel: ChannelPage) -> None:
    session_id = await channel.alert()
    channel.post("x", blocks=[actions(button("other", text="Other"))])
    pause, warnings = channel.pause_button(session_id), channel.messages.locator(".warning")
    warning = warning_by(channel, channel.page.get_by_role("button", name=f"Pause session {session_id}"))
    await channel.set_switch("Hangs", on=True)
    await channel.pause(session_id)
    await expect(pause).to_have_attribute("aria-busy", "true")
    await expect(warning).to_have_text(f"⚠Warning: {LATE}")
    await expect(pause).not_to_have_attribute("aria-busy", "true")
    await expect(warnings).to_have_count(1)
    await expect(channel.announced.last).to_have_text(f"Slackbot: by the button: {LATE}")
    await channel.page.reload()
    await channel.open()
    await expect(warning).to_be_visible()
    await channel.pause(session_id)
    await expect(warnings).to_have_count(0)
    await expect(warning).to_be_visible()
    await channel.set_switch("Hangs", on=False)
    await expect(channel.resume_button(session_id).first).to_be_visible()
    await expect(warnings).to_have_count(0)
    assert set(channel.orders(session_id)) == {"pause"}
    was_late(channel, times=2)


async def test_each_button_has_its_own_warning_which_does_not_come_back_with_it(channel: ChannelPage) -> None:
    session_id, warnings = await channel.alert(), channel.messages.locator(".warning")
    channel.post("x", blocks=[actions(button("one", text="First"), button("two", text="Second"))])
    channel.post(attachments=[attachment(legacy_button("Third"), legacy_button("Fourth"))])
    card = channel.messages.first
    resume, pause = (card.get_by_role("button", name=f"{verb} session {session_id}") for verb in ("Resume", "Pause"))
    await channel.pause(session_id)
    await expect(resume).to_be_focused()
    await channel.set_switch("Stopped", on=True)
    await channel.resume(resume)
    for name in ("Second", "Fourth"):
        await channel.button(name).click()
    for name, text in {"Second": LATE, "Fourth": f"Darn – that didn't work. {LATE}", "Resume": LATE}.items():
        button_of = channel.page.get_by_role("button", name=name)
        await expect(warning_by(channel, button_of).first).to_have_text(f"⚠Warning: {text}")
    await expect(warnings).to_have_count(3)
    await channel.set_switch("Stopped", on=False)
    await channel.button("Second").click()
    await expect(warnings).to_have_count(2)
    await channel.resume(resume)
    await expect(resume).to_be_hidden()
    await pause.click()
    await expect(pause).to_be_hidden()
    await expect(resume).to_be_visible()
    await expect(warnings).to_have_count(1)
    assert channel.orders(session_id) == ["pause", "resume", "pause"]

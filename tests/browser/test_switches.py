"""The switches break and repair something, and people read the consequences: from the bot, or from Slack itself."""

import re

import pytest
from playwright.async_api import Locator, expect

from bot.demo.jobs import FLEET_TAG, JOBS
from browser.accessibility import axe_in_both_themes
from browser.channel_page import ChannelPage, says, shown
from harness import texts
from harness.blocks import actions, attachment, button, legacy_button
from harness.product import outcomes

pytestmark = pytest.mark.anyio

_, FLIGHTS, _ = JOBS
LATE = "Operation timed out. Apps need to respond within three seconds"


def warning_by(channel: ChannelPage, name: str | re.Pattern[str]) -> Locator:
    """The warning beside a button."""
    button = channel.page.get_by_role("button", name=name)
    return channel.messages.locator(".pressable", has=button).locator(".warning")


async def test_while_anchor_is_down_or_the_key_is_revoked_nothing_is_paused(channel: ChannelPage) -> None:
    session_id = await channel.alert()
    await channel.set_switch("Down", on=True)
    await channel.pause(session_id)
    unreachable = outcomes.Unavailable(outcomes.Unreachable.NO_CONNECTION)
    failed = shown(texts.outcome_text(unreachable, session=session_id))
    await expect(channel.messages.nth(1)).to_contain_text(failed, use_inner_text=True)
    assert channel.orders(session_id) == []
    await channel.set_switch("Down", on=False)
    await channel.set_switch("Key revoked", on=True)
    await channel.pause(session_id)
    await expect(channel.message("(401)")).to_contain_text(session_id)
    await expect(channel.resume_button(session_id)).to_have_count(0)
    await channel.set_switch("Key revoked", on=False)
    await channel.pause(session_id)
    await expect(channel.resume_button(session_id).first).to_be_visible()
    assert channel.orders(session_id) == ["pause", "pause"]


async def test_a_result_comes_after_a_bot_that_was_killed_starts_again(channel: ChannelPage) -> None:
    await channel.set_switch("Slow", on=True)
    await channel.enter(f"/anchor-pause {FLIGHTS}")
    await expect(channel.message("Only visible to you")).to_contain_text(FLIGHTS)
    await channel.set_switch("Killed", on=True)
    await expect(channel.bot_state).to_have_text("Botkilled")
    await channel.set_switch("Slow", on=False)
    await expect(channel.resume_button(FLIGHTS)).to_have_count(0)
    await channel.set_switch("Killed", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(channel.resume_button(FLIGHTS)).to_be_visible()
    await says(channel.messages.last, shown(texts.paused(session=FLIGHTS)))


async def test_while_the_bot_is_stopped_slack_warns_by_each_button_and_nobody_else_is_disturbed(
    channel: ChannelPage,
) -> None:
    page, session_id, warnings = channel.page, await channel.alert(), channel.messages.locator(".warning")
    channel.post("x", blocks=[actions(button("one", text="First"), button("two", text="Second"))])
    channel.post(attachments=[attachment(legacy_button("Third"), legacy_button("Fourth"))])
    resume = channel.messages.first.get_by_role("button", name=channel.spoken("Resume", session_id))
    await channel.pause(session_id)
    await expect(resume).to_be_focused()
    await channel.set_switch("Stopped", on=True)
    await expect(channel.bot_state).to_have_text("Botstopped")
    await expect(channel.switch("Hangs")).to_be_disabled()
    await channel.enter("/anchor-pause help")
    await expect(channel.message("dispatch_failed")).to_contain_text("Slackbot")
    await channel.resume(resume)
    for name in ("Second", "Fourth"):
        await channel.button(name).click()
    for name, text in {"Second": LATE, "Fourth": f"Darn – that didn't work. {LATE}", "Resume": LATE}.items():
        await expect(warning_by(channel, name).first).to_have_text(f"⚠Warning: {text}")
    await expect(warnings).to_have_count(3)
    await channel.line.fill("A draft")
    await channel.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await page.get_by_role("button", name="Raise a storm").click()
    notices = page.get_by_role("status").get_by_text("The monitor's alert got no answer from the bot.")
    await expect(notices).to_have_count(2)
    assert await axe_in_both_themes(page) == []
    await channel.set_switch("Fleet", on=False)  # which the storm is about
    await channel.set_switch("Stopped", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(channel.line).to_have_value("A draft")
    await channel.button("Second").click()
    await expect(warning_by(channel, "Second")).to_have_count(0)
    await expect(warning_by(channel, "Fourth")).to_be_visible()
    assert channel.orders(session_id) == ["pause"]


async def test_a_fleet_that_goes_wrong_is_paused_in_one_window_but_for_what_is_left_out(channel: ChannelPage) -> None:
    fleet = channel.page.locator("#fleet")
    await expect(fleet).to_be_hidden()
    await channel.set_switch("Fleet", on=True)
    await expect(fleet).to_contain_text("30 running")
    await channel.enter(f"/anchor-pause all {FLEET_TAG}")
    await expect(channel.dialog.get_by_role("button", name="Pause 30 agents")).to_be_visible()
    await channel.dialog.get_by_role("combobox", name="Leave out").fill("Price check 7")
    await channel.page.keyboard.press("ArrowDown")
    await channel.page.keyboard.press("Enter")
    await channel.dialog.get_by_role("button", name="Pause 30 agents").click()
    await expect(channel.dialog).to_be_hidden()
    await expect(fleet).to_contain_text("1 running, 29 paused")
    await channel.set_switch("Fleet", on=False)
    await expect(fleet).to_be_hidden()

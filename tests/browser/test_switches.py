"""The switches break and repair something, and people read the consequences: from the bot, or from Slack itself."""

import pytest
from playwright.async_api import Locator, expect

from bot.demo.jobs import JOBS
from browser.channel_page import ChannelPage, says, shown
from harness import texts
from harness.blocks import actions, button
from harness.product import outcomes

pytestmark = pytest.mark.anyio

_, FLIGHTS, _ = JOBS
LATE = "Operation timed out. Apps need to respond within three seconds"


def warning_by(channel: ChannelPage, name: str) -> Locator:
    """The warning beside a button."""
    button = channel.page.get_by_role("button", name=name)
    return channel.messages.locator(".pressable", has=button).locator(".warning")


async def test_while_anchor_is_down_or_the_key_is_revoked_nothing_is_paused(channel: ChannelPage) -> None:
    session_id = await channel.alert()
    await channel.set_switch("Down", on=True)
    await channel.pause(session_id)
    unreachable = outcomes.Unavailable()
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
    await channel.set_switch("Killed", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(channel.resume_button(FLIGHTS)).to_be_visible()
    await says(channel.messages.last, shown(texts.paused(session=FLIGHTS)))


async def test_while_the_bot_is_stopped_or_hangs_slack_warns(channel: ChannelPage) -> None:
    channel.post("x", blocks=[actions(button("one", text="First"), button("two", text="Second"))])
    await channel.set_switch("Stopped", on=True)
    await expect(channel.bot_state).to_have_text("Botstopped")
    await expect(channel.switch("Hangs")).to_be_disabled()
    await channel.enter("/anchor-pause help")
    await expect(channel.message("dispatch_failed")).to_contain_text("Slackbot")
    for name in ("First", "Second"):
        await channel.button(name).click()
        await expect(warning_by(channel, name).first).to_have_text(f"⚠Warning: {LATE}")
    await channel.set_switch("Stopped", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    async with channel.hanging():
        await channel.button("Second").dblclick()
        await expect(channel.button("Second")).to_have_attribute("aria-busy", "true")
    await expect(channel.message(texts.UNKNOWN_ACTION.split("\n")[0])).to_have_count(1)
    await expect(warning_by(channel, "Second")).to_have_count(0)

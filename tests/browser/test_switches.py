"""The switches break and repair something, and people read the consequences in Slack."""

import re

import pytest
from playwright.async_api import expect

from bot.core.outcomes import Paused, Resumed, Unavailable, Unreachable
from bot.core.requests import Verb
from browser.accessibility import axe_in_both_themes
from browser.channel_page import ChannelPage, outcome_text, says

pytestmark = pytest.mark.anyio

FLIGHTS = "9c0d7e11-2222-4333-8444-555566667777"


async def test_switches_are_described_turned_by_keyboard_and_follow_others(channel: ChannelPage) -> None:
    for name in ("Slow", "Down", "Key revoked", "Socket Mode", "Hangs", "Stopped", "Killed"):
        await expect(channel.switch(name)).to_have_accessible_description(re.compile(".+"))
        await expect(channel.switch(name)).not_to_be_checked()
    await expect(channel.bot_state).to_have_text("Botready")
    slow = channel.switch("Slow")
    await slow.focus()
    for key, is_on in (("Space", True), ("Enter", False)):
        await channel.page.keyboard.press(key)
        await expect(slow).to_be_checked(checked=is_on)
        await expect(slow).to_be_focused()
        await expect(slow).not_to_have_attribute("aria-busy", "true")
    for is_on in (True, False):
        await channel.demo.switches.set("anchor_slow", on=is_on)
        await expect(slow).to_be_checked(checked=is_on)


async def test_while_anchor_is_slow_the_person_is_told_to_wait(channel: ChannelPage) -> None:
    waiting = channel.message("Only visible to you")
    await channel.set_switch("Slow", on=True)
    await channel.enter(f"/anchor-pause {FLIGHTS}")
    await expect(waiting).to_contain_text(FLIGHTS)
    await expect(channel.resume_button(FLIGHTS)).to_have_count(0)
    await expect(channel.resume_button(FLIGHTS)).to_be_visible()
    await channel.set_switch("Slow", on=False)
    await channel.enter(f"/anchor-resume {FLIGHTS}")
    resumed = outcome_text(Verb.RESUME, FLIGHTS, Resumed("running"))
    await says(channel.messages.last, resumed)
    await expect(waiting).to_have_count(1)


async def test_while_anchor_is_down_or_the_key_is_revoked_nothing_is_paused(channel: ChannelPage) -> None:
    session_id = await channel.alert()
    await channel.set_switch("Down", on=True)
    await channel.pause(session_id)
    failed = outcome_text(Verb.PAUSE, session_id, Unavailable(Unreachable.NO_CONNECTION))
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


async def test_the_bot_is_stopped_and_started(channel: ChannelPage) -> None:
    session_id = await channel.alert()
    await channel.line.fill("A draft")
    await channel.set_switch("Stopped", on=True)
    await expect(channel.bot_state).to_have_text("Botstopped")
    await expect(channel.switch("Hangs")).to_be_disabled()
    await channel.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await channel.page.get_by_role("button", name="Raise five alerts at once").click()
    notices = channel.page.get_by_role("status").get_by_text("The monitor's alert got no answer from the bot.")
    await expect(notices).to_have_count(2)
    await channel.page.set_viewport_size({"width": 390, "height": 844})
    await expect(notices.last).to_be_in_viewport(ratio=1)
    await channel.pane.get_by_role("button", name="Agents").click()
    assert await axe_in_both_themes(channel.page) == []
    await channel.page.get_by_role("button", name="Channel").click()
    await channel.page.set_viewport_size({"width": 1440, "height": 900})
    await channel.set_switch("Stopped", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(channel.switch("Hangs")).to_be_enabled()
    await expect(channel.line).to_have_value("A draft")
    await expect(channel.page.get_by_role("alert")).to_be_hidden()
    await channel.pause(session_id)
    await expect(channel.resume_button(session_id).first).to_be_visible()


async def test_a_result_comes_after_a_bot_that_was_killed_starts_again(channel: ChannelPage) -> None:
    waiting = channel.message("Only visible to you")
    await channel.set_switch("Slow", on=True)
    await channel.enter(f"/anchor-pause {FLIGHTS}")
    await expect(waiting).to_contain_text(FLIGHTS)
    await channel.set_switch("Killed", on=True)
    await expect(channel.bot_state).to_have_text("Botkilled")
    await expect(channel.switch("Hangs")).to_be_disabled()
    await channel.set_switch("Slow", on=False)
    await expect(channel.resume_button(FLIGHTS)).to_have_count(0)
    await channel.set_switch("Killed", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(channel.resume_button(FLIGHTS)).to_be_visible()
    paused = outcome_text(Verb.PAUSE, FLIGHTS, Paused("paused"))
    await says(channel.messages.last, paused)


async def test_the_state_of_the_bot_is_shown_while_it_changes(channel: ChannelPage) -> None:
    socket_mode, log = channel.switch("Socket Mode"), channel.demo.sandbox.bot.log
    await channel.set_switch("Hangs", on=True)
    await expect(channel.bot_state).to_have_text("Botfrozen")
    await channel.set_switch("Hangs", on=False)
    await expect(channel.bot_state).to_have_text("Botready")
    starts = log.read_text().count('"listening"')
    await socket_mode.click()
    await expect(socket_mode).to_have_attribute("aria-busy", "true")
    await socket_mode.click()  # which does nothing meanwhile
    await expect(socket_mode).to_be_checked()
    await expect(channel.bot_state).to_have_text("Botready")
    await expect(socket_mode).not_to_have_attribute("aria-busy", "true")
    await expect(socket_mode).to_be_checked()
    await channel.set_switch("Socket Mode", on=False)
    assert log.read_text().count('"listening"') == starts + 2

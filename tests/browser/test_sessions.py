"""The lists of sessions on the page: as an answer to a command, and in the window of the shortcut."""

import re

import pytest
from playwright.async_api import expect

from bot.demo.jobs import JOBS
from bot.sim.anchor import SessionState
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio


async def test_a_command_without_an_id_lists_the_agents_with_a_button_each(channel: ChannelPage) -> None:
    await channel.enter("/anchor-pause")
    answer = channel.message(re.compile("purchasing"))
    await expect(answer).to_contain_text("supplies.example")
    for session_id in JOBS:
        await expect(answer).to_contain_text(session_id[:8])


async def test_the_shortcut_opens_a_window_from_which_an_agent_is_paused(channel: ChannelPage) -> None:
    session = [*JOBS][1]
    await channel.page.get_by_role("button", name="Shortcut: Pause an agent").click()
    window = channel.page.get_by_role("dialog", name="Pause an agent")
    try:
        await window.get_by_role("button", name=f"pause session {session}").click()
        await expect(window.get_by_role("button", name=f"resume session {session}")).to_be_visible(timeout=20_000)
        assert channel.anchor.session(session).state is SessionState.PAUSED
    finally:
        channel.anchor.session(session).state = SessionState.RUNNING
        await window.get_by_role("button", name="Close").last.click()

"""The composer completes commands, brings back what was typed, takes session ids, and sends."""

import re

import pytest
from playwright.async_api import expect

from bot.sim.slack.workspace import COMMANDS
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio

OFFERED = [f"{one.name} {one.usage_hint}{one.description}" for one in COMMANDS]


async def test_a_slash_offers_commands_which_a_key_or_a_click_completes(channel: ChannelPage) -> None:
    line, listbox = channel.line, channel.page.get_by_role("listbox", name="Commands")
    options, chosen = listbox.get_by_role("option"), listbox.get_by_role("option", selected=True)
    await line.press_sequentially("/an")
    await expect(options).to_have_text(OFFERED)
    await line.press("ArrowDown")
    await expect(chosen).to_have_text(OFFERED[1])
    await expect(line).to_have_attribute("aria-activedescendant", str(await chosen.get_attribute("id")))
    await line.press("Escape")
    await expect(line).to_have_attribute("aria-expanded", "false")
    await expect(line).to_have_value("/an")
    for way in ("Tab", "Enter", "click"):
        await line.fill("")
        await line.press_sequentially("/an")
        if way == "click":
            await options.filter(has_text=COMMANDS[1].name).click()
        else:
            await line.press("ArrowDown")
            await line.press(way)
        await expect(line).to_have_value(f"{COMMANDS[1].name} ")
        await expect(line).to_be_focused()
        usage = f"{COMMANDS[1].name} {COMMANDS[1].usage_hint}: {COMMANDS[1].description}"
        await expect(line).to_have_accessible_description(usage)
    await line.fill("/anchor-pause")
    await line.press("Enter")  # a whole command is sent
    await expect(channel.messages).to_contain_text("Only visible to you")
    await expect(channel.messages.get_by_role("button", name=re.compile("^Pause (?!several)")).first).to_be_visible()
    await expect(line).to_have_value("")


async def test_a_line_is_posted_as_it_was_typed_and_a_command_leaves_the_line_free(channel: ChannelPage) -> None:
    busy, session_id = channel.page.locator("form[aria-busy=true]"), channel.anchor.add_session()
    for line in ("   ", " /anchor-pause help"):  # a blank line is not sent, a space makes a command a message
        await channel.enter(line)
    await expect(channel.message("/anchor-pause help").locator(".author")).to_have_text("alice")
    await channel.line.fill("  Is *anybody* there? <script> & :wave: ")
    await channel.page.get_by_role("button", name="Send").click()
    await expect(channel.message("Is anybody there? <script> & 👋").locator("strong")).to_have_text("anybody")
    said = [one.text for one in channel.slack.channel_messages(channel.conversation)]
    assert said == ["/anchor-pause help", "Is *anybody* there? &lt;script&gt; &amp; :wave:"]
    command = f'/anchor-pause <{session_id}> R&D said "*stop*" :fire:'
    async with channel.hanging():
        await channel.enter(command)
        await expect(channel.line).to_have_value("")
        await channel.enter("In the meantime")
        await expect(channel.message("In the meantime")).to_be_visible()
        await expect(busy).to_be_visible()
    await expect(busy).to_have_count(0)
    await expect(channel.messages.locator("code.typed, .typed").get_by_text(command, exact=True)).to_be_visible()
    await expect(channel.messages.last).to_contain_text('R&D said "stop" 🔥')

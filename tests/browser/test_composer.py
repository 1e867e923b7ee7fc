"""The composer completes commands, brings back what was typed, takes session ids, and sends."""

import pytest
from playwright.async_api import expect

from bot.demo.jobs import JOBS
from bot.sim.slack.acme import COMMANDS
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))
PAUSE, RESUME, SESSIONS = (f"{one.name} {one.usage_hint}{one.description}" for one in COMMANDS)


async def test_a_slash_offers_commands_which_screen_readers_announce(channel: ChannelPage) -> None:
    line, listbox = channel.line, channel.page.get_by_role("listbox", name="Commands")
    options = listbox.get_by_role("option")
    await expect(line).to_have_accessible_name(f"Message {channel.name} as alice")
    await expect(line).to_have_accessible_description("Type / for commands. Arrow keys bring back what you typed.")
    await expect(line).to_have_attribute("aria-autocomplete", "list")
    await expect(line).to_have_attribute("aria-expanded", "false")
    await line.press_sequentially("/an")
    await expect(options).to_have_text([PAUSE, RESUME, SESSIONS])
    await expect(line).to_have_attribute("aria-expanded", "true")
    await expect(line).to_have_attribute("aria-controls", str(await listbox.get_attribute("id")))
    for key, chosen in (("", PAUSE), ("ArrowDown", RESUME), ("ArrowDown", SESSIONS), ("ArrowUp", RESUME)):
        if key:
            await line.press(key)
        option = listbox.get_by_role("option", selected=True)
        await expect(option).to_have_text(chosen)
        await expect(line).to_have_attribute("aria-activedescendant", str(await option.get_attribute("id")))
    await line.press("Escape")
    await expect(line).to_have_attribute("aria-expanded", "false")
    assert await line.get_attribute("aria-activedescendant") is None
    await expect(line).to_have_value("/an")
    for text, offered in (("/anchor-r", [RESUME]), ("/anchor-rx", []), ("Say /", [])):
        await line.fill(text)
        await expect(options).to_have_text(offered)
    await line.fill("/")
    await expect(listbox).to_be_visible()
    await channel.list.click()
    await expect(listbox).to_be_hidden()
    await expect(line).to_have_attribute("aria-expanded", "false")


async def test_a_key_or_a_click_completes_the_chosen_command(channel: ChannelPage) -> None:
    for way in ("Tab", "Enter", "click"):
        await channel.line.fill("")
        await channel.line.press_sequentially("/an")
        if way == "click":
            await channel.page.get_by_role("option", name=COMMANDS[1].name).click()
        else:
            await channel.line.press("ArrowDown")
            await channel.line.press(way)
        await expect(channel.line).to_have_value(f"{COMMANDS[1].name} ")
        await expect(channel.line).to_be_focused()
        await expect(channel.page.get_by_role("listbox")).to_be_hidden()
        usage = f"{COMMANDS[1].name} {COMMANDS[1].usage_hint}: {COMMANDS[1].description}"
        await expect(channel.line).to_have_accessible_description(usage)
    await expect(channel.messages).to_have_count(0)
    await channel.line.fill("")
    await channel.line.press_sequentially("/anchor-pause")
    await channel.line.press("Enter")  # a whole command is sent
    await expect(channel.messages).to_contain_text("Only visible to you")
    await expect(channel.line).to_have_value("")


async def test_arrow_keys_bring_back_what_was_typed_and_return_to_the_draft(channel: ChannelPage) -> None:
    line = channel.line
    for typed in ("One", "Two", "One", "/anchor-pause help"):
        await channel.enter(typed)
    await line.press_sequentially("A draft")
    for key, shown in (
        ("ArrowUp", "/anchor-pause help"),
        ("ArrowUp", "One"),
        ("ArrowUp", "Two"),
        ("ArrowUp", "Two"),
        ("ArrowDown", "One"),
        ("ArrowDown", "/anchor-pause help"),
        ("ArrowDown", "A draft"),
        ("ArrowDown", "A draft"),
    ):
        await line.press(key)
        await expect(line).to_have_value(shown)
    await expect(channel.page.get_by_role("listbox")).to_be_hidden()
    await line.press_sequentially("!")
    await expect(line).to_have_value("A draft!")
    await line.fill("/an")
    await line.press("Escape")  # now the arrow keys belong to the line again
    await line.press("ArrowUp")
    await line.press("ArrowUp")
    await expect(line).to_have_value("One")
    await line.press_sequentially(" more")
    await line.press("Enter")
    await expect(channel.message("One more")).to_be_visible()
    await line.press("ArrowUp")
    await expect(line).to_have_value("One more")
    await line.fill("/an")
    await line.press("Escape")
    await line.press_sequentially("c")
    await expect(channel.page.get_by_role("listbox")).to_be_visible()
    await channel.page.get_by_role("button", name="Send").click()
    await expect(channel.messages.last.locator(".author")).to_have_text("Slackbot")


async def test_a_session_id_is_inserted_where_the_caret_or_the_selection_is(channel: ChannelPage) -> None:
    line, session = channel.line, channel.page.get_by_role("button", name=RUNAWAY)
    await session.click()
    await expect(line).to_have_value(f"/anchor-pause {RUNAWAY}")
    await expect(line).to_be_focused()
    await line.press_sequentially(" because")
    await expect(line).to_have_value(f"/anchor-pause {RUNAWAY} because")
    for before, after, expected in (
        ("/anchor-resume ", "", f"/anchor-resume {RUNAWAY}"),
        ("/anchor-resume", "", f"/anchor-resume {RUNAWAY}"),
        ("See", " please", f"See {RUNAWAY} please"),
        ("See ", "please", f"See {RUNAWAY} please"),
        ("", "please", f"{RUNAWAY} please"),
    ):
        await line.fill(before + after)
        await line.press("Home")
        for _ in before:
            await line.press("ArrowRight")
        await session.press("Enter")
        await expect(line).to_have_value(expected)
        await line.press_sequentially("|")
        await expect(line).to_have_value(expected.replace(RUNAWAY, f"{RUNAWAY}|"))
    await line.fill("/anchor-pause this")
    await line.press("Control+Shift+ArrowLeft")
    await session.click()
    await expect(line).to_have_value(f"/anchor-pause {RUNAWAY}")


async def test_a_line_that_is_no_command_is_posted_as_the_person(channel: ChannelPage) -> None:
    for line in ("", "   ", " /anchor-pause help"):  # a blank line is not sent, a space makes a command a message
        await channel.enter(line)
    await expect(channel.message("/anchor-pause help").locator(".author")).to_have_text("alice")
    await channel.line.fill("  Is *anybody* there? <script> & :wave: ")
    await channel.page.get_by_role("button", name="Send").click()
    said = channel.message("Is anybody there? <script> & 👋")
    await expect(said.locator("strong")).to_have_text("anybody")
    await expect(channel.line).to_have_value("")
    await channel.line.focus()
    await channel.page.keyboard.insert_text("漢" * 20_000)
    await channel.line.press("Enter")
    await expect(channel.messages).to_have_count(3)
    assert [one.text for one in channel.slack.channel_messages(channel.conversation)] == [
        "/anchor-pause help",
        "Is *anybody* there? &lt;script&gt; &amp; :wave:",
        "漢" * 12_000,
    ]


async def test_the_line_is_free_while_a_command_is_on_its_way(channel: ChannelPage) -> None:
    async with channel.hanging():
        await channel.enter("/anchor-pause help")
        await expect(channel.line).to_have_value("")
        await channel.enter("In the meantime")
        await expect(channel.message("In the meantime")).to_be_visible()
        await expect(channel.page.locator("form[aria-busy=true]")).to_be_visible()
    await expect(channel.messages).to_have_count(2)
    await expect(channel.page.locator("form[aria-busy=true]")).to_have_count(0)


async def test_an_app_takes_no_messages(channel: ChannelPage) -> None:
    channel.slack.post(channel.slack.alice_and_bot, "*A message* of the app")
    await channel.open_app()
    await channel.tab("Messages").click()
    await expect(channel.pane.get_by_text("Sending messages to this app has been turned off.")).to_be_visible()
    await expect(channel.line).to_be_hidden()
    await expect(channel.message("A message of the app")).to_be_visible()
    await expect(channel.page.get_by_role("button", name="Reply in thread")).to_have_count(0)
    await channel.agent("Flight watch").get_by_role("button", name="9c0d7e11").click()
    await expect(channel.pane.get_by_role("heading", level=2)).to_have_text("#alerts")
    await expect(channel.line).to_have_value("/anchor-pause 9c0d7e11-2222-4333-8444-555566667777")

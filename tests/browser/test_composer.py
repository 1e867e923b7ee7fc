"""The composer completes commands, brings back what was typed, takes session ids, and sends."""

import pytest
from playwright.async_api import expect

from bot.demo.jobs import JOBS
from browser.room import Room

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))
PAUSE = "/anchor-pause <session_id> [reason]Pause the AI agent of an Anchor session"
RESUME = "/anchor-resume <session_id> [reason]Let the paused AI agent of an Anchor session go on"


async def test_a_slash_offers_the_commands_with_how_they_are_used(room: Room) -> None:
    options = room.page.get_by_role("listbox", name="Commands").get_by_role("option")
    await room.line.press_sequentially("/")
    await expect(options).to_have_text([PAUSE, RESUME])
    await room.line.press_sequentially("anchor-r")
    await expect(options).to_have_text([RESUME])
    await room.line.press_sequentially("x")
    await expect(options).to_have_count(0)
    await room.line.fill("Say /")
    await expect(options).to_have_count(0)


async def test_screen_readers_are_told_what_is_offered_and_chosen(room: Room) -> None:
    await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as alice")
    await expect(room.line).to_have_accessible_description("Type / for commands. Arrow keys bring back what you typed.")
    await expect(room.line).to_have_attribute("aria-autocomplete", "list")
    await expect(room.line).to_have_attribute("aria-expanded", "false")
    await room.line.press_sequentially("/an")
    await expect(room.line).to_have_attribute("aria-expanded", "true")
    listed = room.page.get_by_role("listbox", name="Commands")
    await expect(room.line).to_have_attribute("aria-controls", str(await listed.get_attribute("id")))
    for key, chosen in (("", PAUSE), ("ArrowDown", RESUME), ("ArrowDown", PAUSE), ("ArrowUp", RESUME)):
        if key:
            await room.line.press(key)
        option = listed.get_by_role("option", selected=True)
        await expect(option).to_have_text(chosen)
        await expect(room.line).to_have_attribute("aria-activedescendant", str(await option.get_attribute("id")))
    await room.line.press("Escape")
    await expect(room.line).to_have_attribute("aria-expanded", "false")
    assert await room.line.get_attribute("aria-activedescendant") is None
    await expect(room.line).to_have_value("/an")


@pytest.mark.parametrize("key", ["Tab", "Enter"])
async def test_a_key_completes_the_chosen_command_and_its_use_is_told(room: Room, key: str) -> None:
    await room.line.press_sequentially("/an")
    await room.line.press("ArrowDown")
    await room.line.press(key)
    await expect(room.line).to_have_value("/anchor-resume ")
    await expect(room.line).to_be_focused()
    await expect(room.page.get_by_role("listbox")).to_be_hidden()
    await expect(room.line).to_have_accessible_description(
        "/anchor-resume <session_id> [reason]: Let the paused AI agent of an Anchor session go on"
    )
    await expect(room.messages).to_have_count(0)


async def test_a_click_completes(room: Room) -> None:
    await room.line.press_sequentially("/")
    await room.page.get_by_role("option", name="/anchor-resume").click()
    await expect(room.line).to_have_value("/anchor-resume ")
    await expect(room.line).to_be_focused()
    await expect(room.page.get_by_role("listbox")).to_be_hidden()


async def test_after_escape_the_keys_are_the_lines_again(room: Room) -> None:
    await room.enter("First")
    await room.line.press_sequentially("/an")
    await room.line.press("Escape")
    await room.line.press("ArrowUp")
    await expect(room.line).to_have_value("First")
    await room.line.press("ArrowDown")
    await expect(room.line).to_have_value("/an")
    await expect(room.page.get_by_role("listbox")).to_be_hidden()
    await room.line.press_sequentially("c")
    await expect(room.page.get_by_role("listbox")).to_be_visible()
    await room.page.get_by_role("button", name="Send").click()
    await expect(room.message("/anc is not a valid command.")).to_contain_text(
        "To send it as a message, put a space before the slash."
    )


async def test_what_is_offered_goes_with_the_focus(room: Room) -> None:
    await room.line.press_sequentially("/")
    await room.list.click()
    await expect(room.page.get_by_role("listbox")).to_be_hidden()
    await expect(room.line).to_have_attribute("aria-expanded", "false")


async def test_a_whole_command_is_sent_by_enter(room: Room) -> None:
    await room.line.press_sequentially("/anchor-pause")
    await room.line.press("Enter")
    await expect(room.message("Nothing was paused:")).to_contain_text("Only visible to you")
    await expect(room.line).to_have_value("")


async def test_arrow_keys_bring_back_what_was_typed_and_return_to_the_draft(room: Room) -> None:
    for line in ("One", "Two", "One", "/anchor-pause help"):
        await room.enter(line)
    await room.line.press_sequentially("A draft")
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
        await room.line.press(key)
        await expect(room.line).to_have_value(shown)
    await expect(room.page.get_by_role("listbox")).to_be_hidden()
    await room.line.press_sequentially("!")
    await expect(room.line).to_have_value("A draft!")


async def test_a_line_that_was_brought_back_can_be_changed_and_sent(room: Room) -> None:
    await room.enter("One")
    await expect(room.messages).to_have_count(1)
    await room.line.press("ArrowUp")
    await room.line.press_sequentially(" more")
    await room.line.press("Enter")
    await expect(room.message("One more")).to_be_visible()
    await room.line.press("ArrowUp")
    await expect(room.line).to_have_value("One more")
    await room.line.press("ArrowUp")
    await expect(room.line).to_have_value("One")


async def test_a_session_id_goes_by_a_click_behind_the_command_into_an_empty_line(room: Room) -> None:
    await room.page.get_by_role("button", name=RUNAWAY).click()
    await expect(room.line).to_have_value(f"/anchor-pause {RUNAWAY}")
    await expect(room.line).to_be_focused()
    await room.line.press_sequentially(" because")
    await expect(room.line).to_have_value(f"/anchor-pause {RUNAWAY} because")


async def test_a_session_id_goes_where_the_caret_is(room: Room) -> None:
    for before, after, line in (
        ("/anchor-resume ", "", f"/anchor-resume {RUNAWAY}"),
        ("/anchor-resume", "", f"/anchor-resume {RUNAWAY}"),
        ("See", " please", f"See {RUNAWAY} please"),
        ("See ", "please", f"See {RUNAWAY} please"),
        ("", "please", f"{RUNAWAY} please"),
    ):
        await room.line.fill(before + after)
        await room.line.press("Home")
        for _ in before:
            await room.line.press("ArrowRight")
        await room.page.get_by_role("button", name=RUNAWAY).press("Enter")
        await expect(room.line).to_have_value(line)
        await room.line.press_sequentially("|")
        await expect(room.line).to_have_value(line.replace(RUNAWAY, f"{RUNAWAY}|"))


async def test_a_session_id_takes_the_place_of_what_is_selected(room: Room) -> None:
    await room.line.fill("/anchor-pause this")
    await room.line.press("Control+Shift+ArrowLeft")
    await room.page.get_by_role("button", name=RUNAWAY).click()
    await expect(room.line).to_have_value(f"/anchor-pause {RUNAWAY}")


@pytest.mark.parametrize("by", ["Enter", "click"])
async def test_what_is_no_command_is_posted_as_the_person(room: Room, by: str) -> None:
    await room.line.fill("  Is *anybody* there? <script> & :wave: ")
    await (room.line.press("Enter") if by == "Enter" else room.page.get_by_role("button", name="Send").click())
    said = room.message("Is anybody there? <script> & 👋")
    await expect(said.locator(".author")).to_have_text("alice")
    await expect(said.locator("strong")).to_have_text("anybody")
    await expect(room.line).to_have_value("")
    assert [one.text for one in room.at.stage.slack.channel_messages(room.channel)] == [
        "Is *anybody* there? &lt;script&gt; &amp; :wave:"
    ]


async def test_a_space_before_the_slash_makes_it_a_message(room: Room) -> None:
    await room.enter(" /anchor-pause help")
    await expect(room.message("/anchor-pause help").locator(".author")).to_have_text("alice")


async def test_a_blank_line_is_not_sent(room: Room) -> None:
    for line in ("", "   "):
        await room.enter(line)
    await room.enter("Something")
    await expect(room.messages).to_have_count(1)


async def test_a_line_that_is_too_long_is_cut_where_it_is_pasted(room: Room) -> None:
    await room.line.focus()
    await room.page.keyboard.insert_text("漢" * 90_000)
    await room.line.press("Enter")
    await expect(room.messages).to_have_count(1)
    [said] = room.at.stage.slack.channel_messages(room.channel)
    assert said.text == "漢" * 12_000


async def test_the_line_is_free_while_the_command_is_on_its_way(room: Room) -> None:
    async with room.hanging():
        await room.enter("/anchor-pause help")
        await expect(room.line).to_have_value("")
        await room.enter("In the meantime")
        await expect(room.message("In the meantime")).to_be_visible()
        await expect(room.page.locator("form[aria-busy=true]")).to_be_visible()
    await expect(room.messages).to_have_count(2)
    await expect(room.page.locator("form[aria-busy=true]")).to_have_count(0)


async def test_nobody_can_write_to_an_app_that_only_speaks(room: Room) -> None:
    slack = room.at.stage.slack
    slack.post(slack.alice_and_bot, "*For #alerts*, in case it does not show there.")
    await room.page.get_by_role("navigation").get_by_role("button", name="anchor").click()
    await room.page.get_by_role("tab", name="Messages").click()
    await expect(room.pane.get_by_text("Sending messages to this app has been turned off.")).to_be_visible()
    await expect(room.line).to_be_hidden()
    await expect(room.message("in case it does not show there")).to_be_visible()
    await expect(room.page.get_by_role("button", name="Reply in thread")).to_have_count(0)
    await room.agent("Flight watch").get_by_role("button", name="9c0d7e11").click()
    await expect(room.pane.get_by_role("heading", level=2)).to_have_text("#alerts")
    await expect(room.line).to_have_value("/anchor-pause 9c0d7e11-2222-4333-8444-555566667777")

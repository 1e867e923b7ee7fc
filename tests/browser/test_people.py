"""Who sits at the page: a member of the workspace, or somebody of another one, who can click but not command."""

import re

import pytest
from playwright.async_api import Browser, expect

from bot.demo.jobs import JOBS
from bot.demo.newco import NEWCO_KEY
from browser.pages import watched_page
from browser.room import Room

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))
REFUSAL = "Not paused: only members of the workspace that installed this app may do that,"


async def act_as(room: Room, name: str) -> None:
    """Choose who one is."""
    await room.page.get_by_role("radio", name=name).locator("xpath=..").click()
    await expect(room.page.get_by_role("radio", name=name)).to_be_checked()
    await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as {name}")


async def test_somebody_of_another_workspace_is_marked_and_sees_only_shared_channels(room: Room) -> None:
    channels = room.page.get_by_role("navigation").get_by_role("button")
    assert {"#alerts", "#incidents", "#war-room", "bob", "anchor"} <= {
        await channel.locator(".name").inner_text() for channel in await channels.all()
    }
    await expect(room.page.get_by_title("Of another workspace, in #alerts through Slack Connect")).to_have_text(
        "malloryExternal"
    )
    await act_as(room, "mallory")
    names = [await channel.locator(".name").inner_text() for channel in await channels.all()]
    assert names[0] == "#alerts"
    assert all(name.startswith("#room-") for name in names[1:])


async def test_a_refusal_is_seen_by_the_refused_alone(room: Room) -> None:
    session_id = await room.alert()
    await act_as(room, "mallory")
    await room.button(f"Pause session {session_id}").click()
    await room.dialog.get_by_role("button", name="Pause").click()
    await expect(room.message(REFUSAL)).to_contain_text("Only visible to you")
    await expect(room.message(REFUSAL)).to_contain_text(
        "Ask somebody of that workspace; they can press the same button."
    )
    await expect(room.button(f"Pause session {session_id}")).to_be_visible()
    await act_as(room, "alice")
    await expect(room.messages).to_have_count(1)
    await act_as(room, "mallory")
    await expect(room.messages).to_have_count(2)
    assert room.orders(session_id) == []


async def test_both_sit_at_pages_of_their_own_at_the_same_time(room: Room, browser: Browser, url: str) -> None:
    session_id = await room.alert()
    pause = f"Pause session {session_id}"
    async with watched_page(browser) as page:
        await page.goto(f"{url}#{room.at.stage.slack.outsider.id}")
        theirs = Room(room.at, room.channel, page)
        await theirs.open()
        await theirs.button(pause).click()
        await theirs.dialog.get_by_role("button", name="Pause").click()
        await expect(theirs.message(REFUSAL)).to_be_visible()
        await theirs.enter("Can you?")
        await expect(room.message("Can you?").locator(".byline")).to_contain_text("malloryExternal")
        await room.button(pause).click()
        await room.dialog.get_by_role("button", name="Pause").click()
        await expect(theirs.list.get_by_text("Paused by @alice")).to_be_visible()
        await expect(room.message(REFUSAL)).to_have_count(0)
    assert room.orders(session_id) == ["pause"]


async def test_the_outsider_has_no_commands(room: Room) -> None:
    await act_as(room, "mallory")
    await expect(room.line).to_have_accessible_description(
        "People of another workspace have no commands here. They can press buttons."
    )
    await room.line.press_sequentially("/an")
    await expect(room.page.get_by_role("listbox")).to_be_hidden()
    await room.enter(f"/anchor-pause {RUNAWAY}")
    refusal = room.message("/anchor-pause is not a valid command.")
    await expect(refusal).to_contain_text("Only visible to you")
    await room.page.get_by_role("button", name=RUNAWAY).click()
    await expect(room.line).to_have_value(RUNAWAY)
    assert room.orders(RUNAWAY) == []


async def test_who_one_is_holds_over_a_reload_and_the_way_to_the_composer(room: Room) -> None:
    await act_as(room, "mallory")
    skip = room.page.get_by_role("link", name="Skip to the composer")
    await skip.focus()
    await room.page.keyboard.press("Enter")
    await expect(room.line).to_be_focused()
    await room.page.reload()
    await expect(room.page.get_by_role("radio", name="mallory")).to_be_checked()
    await expect(room.line).to_have_accessible_name("Message #alerts as mallory")


async def test_who_one_is_is_chosen_by_keyboard(room: Room) -> None:
    await room.page.get_by_role("radio", name="alice").focus()
    for key, name in (("ArrowRight", "bob"), ("ArrowRight", "mallory"), ("ArrowLeft", "bob"), ("ArrowLeft", "alice")):
        await room.page.keyboard.press(key)
        await expect(room.page.get_by_role("radio", name=name)).to_be_focused()
        await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as {name}")


async def test_who_changes_their_mind_at_once_is_who_they_chose_last(room: Room) -> None:
    await room.page.get_by_role("radio", name="alice").focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        await room.page.keyboard.press(key)
    await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as mallory")
    await room.enter("Me")
    await expect(room.message("Me").locator(".author")).to_have_text("mallory")


async def test_each_is_told_who_they_are(room: Room) -> None:
    for name, about in (("alice", "An admin of Acme"), ("bob", "A member of Acme"), ("dora", "An admin of Newco")):
        await expect(room.page.get_by_title(about)).to_have_text(name)


async def test_somebody_of_another_workspace_has_that_one_before_them(room: Room) -> None:
    await room.page.get_by_title("An admin of Newco").click()
    await expect(room.line).to_have_accessible_name("Message #alerts as dora")
    await expect(room.page.get_by_role("navigation")).to_have_text(
        re.compile(r"^\s*Newco\s*#alerts\s*#general\s*Apps\s*anchor\s*$")
    )
    await expect(room.page.get_by_role("heading", level=3)).to_contain_text(["Lead research"])
    await expect(room.page.get_by_role("button", name="Raise")).to_have_count(0)
    await room.enter("/anchor-pause 7e2d4b90-35c6-4f1a-8b7e-9d0c1a2b3c4d")
    await expect(room.message("no Anchor API key")).to_contain_text("Only visible to you")
    await room.page.get_by_title("An admin of Acme").click()
    await expect(room.agent("Flight watch")).to_have_count(1)
    await expect(room.agent("Lead research")).to_have_count(0)


async def test_the_key_of_a_workspace_without_one_is_there_to_be_copied(room: Room) -> None:
    await expect(room.page.get_by_role("button", name="Copy")).to_be_hidden()
    await room.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await room.page.get_by_title("An admin of Newco").click()
    await expect(room.world.get_by_text("Newco's Anchor API key, to be set in the app's Home:")).to_be_visible()
    await room.page.get_by_role("button", name="Copy").click()
    await expect(room.page.get_by_role("button", name="Copied")).to_be_visible()
    assert await room.page.evaluate("navigator.clipboard.readText()") == NEWCO_KEY
    await room.page.context.clear_permissions()


async def test_a_thread_that_one_was_in_is_left_by_being_somebody_else(room: Room) -> None:
    room.post("First")
    await room.message("First").hover()
    await room.button("Reply in thread").click()
    await act_as(room, "mallory")
    await room.enter("To all")
    await expect(room.message("To all").locator(".author")).to_have_text("mallory")
    assert room.at.stage.slack.channel_messages(room.channel)[-1].thread_ts is None


async def test_a_conversation_that_the_other_is_not_in_is_left(room: Room) -> None:
    await room.page.get_by_role("button", name="#incidents").click()
    await expect(room.line).to_have_accessible_name("Message #incidents as alice")
    await room.page.get_by_role("radio", name="mallory").locator("xpath=..").click()
    await expect(room.line).to_have_accessible_name("Message #alerts as mallory")


async def test_a_foreign_name_in_the_address_is_the_members(browser: Browser, url: str) -> None:
    async with watched_page(browser) as page:
        await page.goto(f"{url}#nobody")
        await expect(page.get_by_role("radio", name="alice")).to_be_checked()

"""Who acts on the page: a member of the workspace, an outsider, who can click but not command, or another admin."""

import re

import pytest
from playwright.async_api import Browser, expect

from bot.demo.jobs import JOBS, NEWCO_JOBS
from bot.demo.newco import NEWCO_KEY
from browser.channel_page import ChannelPage
from browser.pages import watched_page

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))


async def test_an_outsider_is_marked_and_sees_only_shared_channels(channel: ChannelPage) -> None:
    names = channel.page.get_by_role("navigation").get_by_role("button").locator(".name")
    assert {"#alerts", "#incidents", "#war-room", "bob", "anchor"} <= set(await names.all_inner_texts())
    for title, text in {
        "An admin of Acme": "alice",
        "A member of Acme": "bob",
        "Of another workspace, in #alerts through Slack Connect": "malloryExternal",
        "An admin of Newco": "dora",
    }.items():
        await expect(channel.page.get_by_title(title)).to_have_text(text)
    await channel.act_as("mallory")
    shared = await names.all_inner_texts()
    assert shared[0] == "#alerts"
    assert all(name.startswith("#test-") for name in shared[1:])
    await channel.act_as("alice")
    await channel.in_sidebar("#incidents").click()
    await expect(channel.line).to_have_accessible_name("Message #incidents as alice")
    await channel.page.get_by_role("radio", name="mallory").locator("xpath=..").click()
    await expect(channel.line).to_have_accessible_name("Message #alerts as mallory")


async def test_an_outsider_has_no_commands(channel: ChannelPage) -> None:
    await channel.act_as("mallory")
    await expect(channel.line).to_have_accessible_description(
        "People of another workspace have no commands here. They can press buttons."
    )
    await channel.line.press_sequentially("/an")
    await expect(channel.page.get_by_role("listbox")).to_be_hidden()
    await channel.enter(f"/anchor-pause {RUNAWAY}")
    await expect(channel.messages).to_contain_text("Only visible to you")
    await expect(channel.messages.locator(".author")).to_have_text("Slackbot")
    await channel.page.get_by_role("button", name=RUNAWAY).click()
    await expect(channel.line).to_have_value(RUNAWAY)
    assert channel.orders(RUNAWAY) == []


async def test_an_outsider_is_refused_privately_while_a_member_acts_at_the_same_time(
    channel: ChannelPage, browser: Browser, url: str
) -> None:
    session_id = await channel.alert()
    async with watched_page(browser) as page:
        await page.goto(f"{url}#{channel.slack.outsider.id}")
        theirs = ChannelPage(channel.demo, channel.conversation, page)
        await theirs.open()
        await theirs.pause(session_id)
        refusal = theirs.message("Only visible to you")
        await expect(refusal).to_contain_text(session_id)
        await expect(theirs.pause_button(session_id)).to_be_visible()
        await theirs.enter("Can you?")
        await expect(channel.message("Can you?").locator(".byline")).to_contain_text("malloryExternal")
        await expect(channel.messages).to_have_count(2)
        assert channel.orders(session_id) == []
        await channel.pause(session_id)
        await expect(theirs.resume_button(session_id).first).to_be_visible()
        await expect(channel.message("Only visible to you")).to_have_count(0)
        await expect(refusal).to_have_count(1)
    assert channel.orders(session_id) == ["pause"]


async def test_the_acting_person_is_kept_after_a_reload_and_after_the_skip_link(
    channel: ChannelPage, browser: Browser, url: str
) -> None:
    await channel.act_as("mallory")
    await channel.page.get_by_role("link", name="Skip to the composer").press("Enter")
    await expect(channel.line).to_be_focused()
    await channel.page.reload()
    await expect(channel.page.get_by_role("radio", name="mallory")).to_be_checked()
    await expect(channel.line).to_have_accessible_name("Message #alerts as mallory")
    async with watched_page(browser) as page:
        await page.goto(f"{url}#nobody")
        await expect(page.get_by_role("radio", name="alice")).to_be_checked()


async def test_the_acting_person_is_chosen_by_keyboard_and_the_last_choice_counts(channel: ChannelPage) -> None:
    channel.post("First")
    await channel.message("First").hover()
    await channel.button("Reply in thread").click()
    await channel.page.get_by_role("radio", name="alice").focus()
    for key, name in (("ArrowRight", "bob"), ("ArrowRight", "mallory"), ("ArrowLeft", "bob"), ("ArrowLeft", "alice")):
        await channel.page.keyboard.press(key)
        await expect(channel.page.get_by_role("radio", name=name)).to_be_focused()
        await expect(channel.line).to_have_accessible_name(f"Message {channel.name} as {name}")  # and not the thread
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        await channel.page.keyboard.press(key)
    await expect(channel.line).to_have_accessible_name(f"Message {channel.name} as mallory")
    await channel.enter("To all")
    await expect(channel.message("To all").locator(".author")).to_have_text("mallory")
    assert channel.slack.channel_messages(channel.conversation)[-1].thread_ts is None


async def test_the_admin_of_another_workspace_sees_that_workspace_and_its_key(channel: ChannelPage) -> None:
    copy = channel.page.get_by_role("button", name="Copy")
    await expect(copy).to_be_hidden()
    await channel.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await channel.page.get_by_title("An admin of Newco").click()
    await expect(channel.line).to_have_accessible_name("Message #alerts as dora")
    await expect(channel.page.get_by_role("navigation")).to_have_text(
        re.compile(r"^\s*Newco\s*#alerts\s*#general\s*Apps\s*anchor\s*$")
    )
    await expect(channel.page.get_by_role("heading", level=3)).to_contain_text(["Lead research"])
    await expect(channel.page.get_by_role("button", name="Raise")).to_have_count(0)
    await copy.click()
    await expect(channel.page.get_by_role("button", name="Copied")).to_be_visible()
    assert await channel.page.evaluate("navigator.clipboard.readText()") == NEWCO_KEY
    await channel.page.context.clear_permissions()
    await channel.enter(f"/anchor-pause {next(iter(NEWCO_JOBS))}")
    await expect(channel.messages.last).to_contain_text("Only visible to you")
    await channel.page.get_by_title("An admin of Acme").click()
    await expect(channel.agent("Flight watch")).to_have_count(1)
    await expect(channel.agent("Lead research")).to_have_count(0)

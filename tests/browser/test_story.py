"""The whole story on the page: by the steps of its guide over HTTP, and by keyboard alone over Socket Mode."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.bot_process import BotState
from bot.demo.jobs import JOBS
from bot.sim.slack.content import Content
from browser.accessibility import axe_in_both_themes, tab_to
from browser.channel_page import ChannelPage, says, shown
from harness import texts
from harness.conversation import until

pytestmark = pytest.mark.anyio

RUNAWAY, FLIGHTS, INVOICES = JOBS
STEPS = 8


def card(alerts: ChannelPage) -> Locator:
    """The monitor's alert, without its author."""
    return alerts.message("Office supplies: spending").locator(".content")


def uses_sockets(alerts: ChannelPage) -> bool:
    return alerts.slack.sockets.count > 0 and alerts.slack.request_url is None


async def done(page: Page, number: int) -> None:
    """Exactly the first `number` steps of the guide are done, and the next one is marked."""
    steps = page.get_by_role("region", name="Eight steps").get_by_role("listitem")
    await expect(steps.locator(".mark")).to_have_text(["✓"] * number + [""] * (STEPS - number))
    if number < STEPS:
        await expect(steps.nth(number)).to_have_attribute("aria-current", "step")


async def pauses_without_an_id_and_from_a_message(fresh: ChannelPage) -> None:
    """By the list that a command without text shows, and by the menu of what bob asks."""
    await fresh.enter("/anchor-pause")
    listed = fresh.message("Running now:")
    await listed.get_by_role("button", name=fresh.spoken("Pause", RUNAWAY)).press("Enter")
    await done(fresh.page, 4)
    question = fresh.message("Is anybody watching")
    await question.get_by_role("button", name="Shortcuts").press("Enter")
    await question.get_by_role("menuitem").press("Enter")
    await done(fresh.page, 5)


async def ends_after_the_reminder(fresh: ChannelPage) -> None:
    """A session that nears its end has been paused: its reminder offers to resume and to end it."""
    reminder = fresh.message("it ends in 19 min")
    await reminder.get_by_role("button", name=fresh.spoken("End", INVOICES)).press("Enter")
    await fresh.dialog.get_by_role("button", name="End session").click()
    await expect(fresh.agent("Invoice filing").get_by_text("Ended", exact=True)).to_be_visible()
    await expect(reminder).to_contain_text("Ended by @alice")
    assert [one.verb for one in fresh.anchor.posts(INVOICES)] == ["pause", "end"]


async def installs_in_seven_steps(page: Page) -> None:
    """The page after the guide, which opens beside it, has no Markdown left."""
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="install it in Slack").click()
    steps = await opened.value
    await expect(steps.get_by_role("listitem")).to_have_count(7)
    await expect(steps.locator("pre")).to_have_count(3)
    shown = await steps.locator("main").inner_text()
    assert [one for one in ("](", "**", "```", "`") if one in shown] == []
    assert await axe_in_both_themes(steps) == []
    await steps.close()


async def leads_to_what_changes_above(fresh: ChannelPage) -> None:
    history = fresh.slack.platform.history
    first = next(one for one in fresh.slack.channel_messages(fresh.slack.alerts) if one.bot_id)
    await fresh.page.locator("#scroller").evaluate("one => one.scrollTop = one.scrollHeight")
    history.replace(first, Content("Changed", first.blocks))
    line = fresh.page.get_by_role("button", name="A message above has changed")
    await line.click()
    await expect(line).to_be_hidden()


async def test_the_steps_are_checked_off_by_what_happened_and_a_reset_begins_again(fresh: ChannelPage) -> None:
    page, said = fresh.page, fresh.page.locator("#guide-said")
    await done(page, 0)
    await expect(page.locator("#first")).to_be_visible()
    await fresh.pause(INVOICES)
    await done(fresh.page, 1)
    await expect(said).to_contain_text("1 of 8 steps done. Next: ")
    await fresh.pause(RUNAWAY)
    await fresh.resume(fresh.resume_button(RUNAWAY).first)
    await done(page, 2)
    await fresh.agent("Flight watch").get_by_title("Put into the composer").click()
    await fresh.line.press("Enter")
    await done(page, 3)
    await pauses_without_an_id_and_from_a_message(fresh)
    await fresh.act_as("mallory")
    await fresh.resume(fresh.resume_button(FLIGHTS).last)  # who is refused
    await done(page, 6)
    await fresh.act_as("alice")
    await ends_after_the_reminder(fresh)
    await fresh.set_switch("Down", on=True)
    await fresh.enter(f"/anchor-pause {RUNAWAY}")
    await done(page, 7)
    await page.get_by_role("button", name="Raise a storm").click()
    await done(page, 8)
    storm = fresh.message("alerts about 12 sessions").first
    await expect(storm.get_by_role("button", name="Pause several…")).to_be_visible()
    await expect(page.get_by_role("link", name="install it in Slack")).to_have_attribute("href", "install")
    await expect(page.locator("#first")).to_be_hidden()
    assert await axe_in_both_themes(page) == []
    assert not uses_sockets(fresh)
    await installs_in_seven_steps(page)
    await leads_to_what_changes_above(fresh)

    former = fresh.demo.sandbox.bot
    await page.get_by_role("button", name="Reset").click()
    await expect(page.locator("#reset")).to_have_text("Starting over…")
    await done(page, 0)
    await expect(fresh.switch("Down")).not_to_be_checked()
    await expect(fresh.pause_button(RUNAWAY)).to_be_visible()
    await expect(fresh.messages).to_have_count(3)
    await until(lambda: former.state is BotState.STOPPED)


async def test_the_story_by_keyboard_alone_over_socket_mode(fresh: ChannelPage) -> None:
    page, keyboard = fresh.page, fresh.page.keyboard
    agent, announced = fresh.agent("Office supplies"), fresh.page.locator("#announcer")
    await tab_to(page, fresh.switch("Socket Mode"))
    await keyboard.press("Space")
    await expect(fresh.switch("Socket Mode")).to_be_checked()
    await expect(fresh.bot_state).to_have_text("Botready")
    await page.reload()
    await tab_to(page, page.get_by_role("link", name="Skip to the composer"))
    await tab_to(page, fresh.pause_button(RUNAWAY))
    await keyboard.press("Enter")
    await expect(card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY))).to_be_focused()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await says(announced, "anchor: changed a message: ⏸️ Paused by @alice")

    await tab_to(page, fresh.line)
    await keyboard.type("/an")
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(fresh.line).to_have_value("/anchor-resume ")
    await keyboard.type(RUNAWAY[:-1])
    await keyboard.press("Enter")
    await expect(fresh.message("Only visible to you")).to_contain_text(RUNAWAY[:-1])
    await keyboard.press("ArrowUp")
    await expect(fresh.line).to_have_value(f"/anchor-resume {RUNAWAY[:-1]}")
    await tab_to(page, card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY)), "Shift+Tab")
    await keyboard.press("Enter")
    await expect(fresh.dialog).to_have_accessible_description(re.compile("@alice"))
    await expect(fresh.dialog.get_by_role("button", name="Resume")).to_be_focused()
    await keyboard.press("Enter")
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await says(announced, f"anchor: {shown(texts.resumed(session=RUNAWAY))}")
    assert fresh.orders(RUNAWAY) == ["pause", "resume"]
    assert uses_sockets(fresh)

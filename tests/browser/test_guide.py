"""The guide on the page: eight steps, checked off by what really happened, and a reset that begins again."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.bot_process import BotState
from bot.demo.jobs import JOBS
from browser.accessibility import axe_in_both_themes
from browser.channel_page import ChannelPage
from harness.conversation import until

pytestmark = pytest.mark.anyio

RUNAWAY, FLIGHTS, INVOICES = JOBS
COUNT = 8


def steps(page: Page) -> Locator:
    """The steps of the guide."""
    return page.get_by_role("region", name="Eight steps").get_by_role("listitem")


async def done(page: Page, number: int) -> None:
    """Exactly the first `number` steps are done, and the next one is marked."""
    marks = ["✓"] * number + [""] * (COUNT - number)
    await expect(steps(page).locator(".mark")).to_have_text(marks)
    for text in (", done", ", not done yet"):
        count = number if text == ", done" else COUNT - number
        await expect(steps(page).locator("p:first-child", has_text=text)).to_have_count(count)
    await expect(page.get_by_text(f"{number} of {COUNT} done", exact=True)).to_be_attached()
    current = page.locator('[aria-current="step"]')
    await expect(current).to_have_count(0 if number == COUNT else 1)
    if number < COUNT:
        await expect(steps(page).nth(number)).to_have_attribute("aria-current", "step")
        await expect(steps(page).nth(number).locator(".advice")).to_be_visible()


async def ends_after_the_reminder(fresh: ChannelPage) -> None:
    """A session that nears its end has been paused: its reminder offers to resume and to end it."""
    reminder, card = fresh.message("it ends in 19 min"), fresh.agent("Invoice filing")
    await expect(reminder).to_contain_text("@alice")
    await expect(reminder.get_by_role("button", name=fresh.spoken("Resume", INVOICES))).to_be_visible()
    await reminder.get_by_role("button", name=fresh.spoken("End", INVOICES)).press("Enter")
    await expect(fresh.dialog).to_have_accessible_description(re.compile(INVOICES[:8]))
    await fresh.dialog.get_by_role("button", name="End session").click()
    await expect(card.get_by_text("Ended", exact=True)).to_be_visible()
    await expect(reminder).to_contain_text("Ended by @alice")
    await expect(reminder.get_by_role("button", name=fresh.spoken("(Pause|Resume|End)", INVOICES))).to_have_count(0)
    assert [one.verb for one in fresh.anchor.posts(INVOICES)] == ["pause", "end"]


async def raises_a_storm(fresh: ChannelPage) -> None:
    """The fleet begins, and messages about several of its sessions come, from which they can be paused."""
    await fresh.page.get_by_role("button", name="Raise a storm").click()
    await done(fresh.page, 8)
    storm = fresh.message("alerts about 12 sessions").first
    await expect(storm.get_by_role("button", name="Pause several…")).to_be_visible()


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


async def test_the_steps_are_checked_off_by_what_happened_and_a_reset_begins_again(fresh: ChannelPage) -> None:
    page, said = fresh.page, fresh.page.locator("#guide-said")
    await expect(steps(page)).to_have_count(COUNT)
    await done(page, 0)
    await expect(said).to_be_empty()
    for step in await steps(page).all():
        await step.click()  # which does nothing
    for name in ("mallory", "alice"):
        await fresh.act_as(name)
    await done(page, 0)
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
    await done(page, 6)
    await fresh.enter(f"/anchor-pause {RUNAWAY}")
    await done(page, 7)
    await raises_a_storm(fresh)
    await expect(said).to_contain_text("8 of 8 steps done.")
    assert "anchor-bot init" in await (await page.request.get(page.url.partition("#")[0] + "install")).text()
    await expect(page.get_by_role("link", name="install it in Slack")).to_have_attribute("href", "install")
    assert await axe_in_both_themes(page) == []
    await page.reload()
    await done(page, 8)

    await fresh.act_as("bob")
    former = fresh.demo.sandbox.bot
    await page.get_by_role("button", name="Reset").click()
    await done(page, 0)
    await expect(page.get_by_role("radio", name="alice")).to_be_checked()
    await expect(fresh.switch("Down")).not_to_be_checked()
    await expect(fresh.agent("Flight watch").get_by_text("Running", exact=True)).to_be_visible()
    await expect(fresh.pause_button(RUNAWAY)).to_be_visible()
    await expect(fresh.messages).to_have_count(3)
    await until(lambda: former.state is BotState.STOPPED)

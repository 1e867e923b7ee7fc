"""The demo's page in a real browser: its story, its switches, and accessibility at two sizes."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.bot_process import BotState
from bot.demo.jobs import JOBS
from bot.demo.page.server import page as serve_page
from bot.sim.slack.content import Content
from browser.accessibility import axe_in_both_themes, press, protruding, tab_to
from browser.channel_page import ChannelPage, new_channel, says, shown
from browser.pages import chromium, watched_page
from demo.page_client import strict_runner
from harness import texts
from harness.blocks import actions, attachment, button, legacy_button, section
from harness.conversation import until

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """One event loop for all tests, since they share a browser."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def fresh(browser: Browser) -> AsyncIterator[ChannelPage]:
    """#alerts in a demo that has just begun, in which nobody may break a rule."""
    async with strict_runner() as runner, serve_page(runner) as url, watched_page(browser) as page:
        await page.goto(url)
        await expect(page.get_by_role("radio", name="alice")).to_be_checked()
        yield ChannelPage(runner.demo, runner.demo.sandbox.slack.alerts, page)


@pytest.fixture
async def channel(fresh: ChannelPage) -> ChannelPage:
    """A new channel, which Alice has open."""
    channel = ChannelPage(fresh.demo, await new_channel(fresh.demo), fresh.page)
    await channel.open()
    return channel


RUNAWAY, FLIGHTS, INVOICES = JOBS
STEPS = 8


def card(alerts: ChannelPage) -> Locator:
    """The monitor's alert, without its author."""
    return alerts.message("Office supplies: spending").locator(".content")


async def has_host(alert: Locator) -> None:
    """What is known of its agent comes with a read, at the latest that of each minute: then its buttons are new."""
    await expect(alert).to_contain_text(JOBS[RUNAWAY].host, timeout=100_000)


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
    reminder = fresh.message("and it ends at")
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
    await fresh.open_app()
    await expect(page.locator("#first")).to_be_hidden()
    await fresh.open()
    await expect(page.locator("#first")).to_be_visible()
    await fresh.pause(INVOICES)
    await done(fresh.page, 1)
    await expect(said).to_contain_text("1 of 8 steps done. Next: ")
    await fresh.pause(RUNAWAY)
    await has_host(card(fresh))
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
    resume = card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY))
    await press(page, fresh.pause_button(RUNAWAY), resume)
    await expect(resume).to_be_focused()
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
    await has_host(card(fresh))
    await press(page, resume, fresh.dialog, "Shift+Tab")
    await expect(fresh.dialog).to_have_accessible_description(re.compile(RUNAWAY[:8]))
    await expect(fresh.dialog.get_by_role("button", name="Resume")).to_be_focused()
    await keyboard.press("Enter")
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await says(announced, f"anchor: {shown(texts.resumed(session=RUNAWAY))}")
    assert fresh.orders(RUNAWAY) == ["pause", "resume"]
    assert uses_sockets(fresh)


LATE = "Operation timed out. Apps need to respond within three seconds"


def warning_by(channel: ChannelPage, name: str) -> Locator:
    """The warning beside a button."""
    button = channel.page.get_by_role("button", name=name)
    return channel.messages.locator(".pressable", has=button).locator(".warning")


async def test_while_the_key_is_revoked_nothing_is_paused(channel: ChannelPage) -> None:
    session_id = await channel.alert()
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
    await channel.set_switch("Hangs", on=True)
    await channel.button("Second").evaluate("button => { button.click(); button.click(); }")  # on a busy machine, too
    await expect(channel.button("Second")).to_have_attribute("aria-busy", "true")
    await channel.set_switch("Hangs", on=False)
    await expect(channel.message(texts.UNKNOWN_ACTION.split("\n")[0])).to_have_count(1)
    await expect(warning_by(channel, "Second")).to_have_count(0)


WIDTHS = (1440, 390)
WORD = "Donaudampfschifffahrtsgesellschaft" * 10
RUNS = "document.title='Hacked'"
HOSTILE = (
    *(f"<script>{RUNS}</script>", f"<img src=x onerror={RUNS}>", f"<javascript:{RUNS}|A link>"),
    *(f'<https://a.example/"onclick={RUNS}|x>', f"<!date^1392734382^{{date}}^javascript:{RUNS}|x>", f"```{WORD}```"),
)


async def fits_and_has_no_violations(channel: ChannelPage) -> None:
    for width in WIDTHS:
        await channel.page.set_viewport_size({"width": width, "height": 900})
        assert (width, await protruding(channel.page), await axe_in_both_themes(channel.page)) == (width, [], [])


async def test_a_channel_fits_has_no_violations_and_runs_nothing_that_is_posted(channel: ChannelPage) -> None:
    session_id, page = await channel.alert(), channel.page
    await channel.pause(session_id)
    await expect(channel.resume_button(session_id).first).to_be_visible()
    first = channel.post(WORD, by=channel.slack.outsider)
    channel.post("A reply", thread=first, by=channel.slack.bob)
    for text in HOSTILE:
        channel.post(text)
    run = button(value=channel.anchor.add_session(), text="Run", url=f"javascript:{RUNS}")
    link = {"title": "A title", "title_link": f"javascript:{RUNS}", "text": WORD}
    channel.post("x", blocks=[section(WORD, accessory=button("d", text="W" * 75)), actions(run)])
    channel.post(attachments=[attachment(legacy_button("L" * 75), **link)])
    channel.post("Only for *you*", only_to=channel.slack.alice)
    for text in ("A link", "A title", "Run"):
        await channel.list.get_by_text(text).first.click()
    await channel.line.fill("/")
    await expect(page.get_by_role("listbox")).to_be_visible()
    await fits_and_has_no_violations(channel)
    await channel.line.fill("")
    await channel.resume_button(session_id).first.click()
    await expect(channel.dialog).to_be_visible()
    await fits_and_has_no_violations(channel)
    await page.keyboard.press("Escape")
    await channel.pane.get_by_role("button", name="Agents").click()  # on a phone they are in the channel's place
    await expect(channel.switch("Stopped")).to_be_visible()
    assert (await protruding(page), await axe_in_both_themes(page)) == ([], [])
    await expect(page).to_have_title(f"{channel.name} · Anchor demo")


async def test_the_home_and_a_modal_fit_and_have_no_violations(channel: ChannelPage) -> None:
    await channel.open_app()
    await fits_and_has_no_violations(channel)
    await channel.home.locator('[data-action="anchor_change_policy"]').click()
    await expect(channel.dialog.get_by_role("button", name="Save")).to_be_visible()
    await fits_and_has_no_violations(channel)
    await channel.page.keyboard.press("Escape")
    await expect(channel.dialog).to_be_hidden()

"""The whole story on the page: by mouse over HTTP, and by keyboard alone over Socket Mode."""

import re

import pytest
from playwright.async_api import Locator, expect

from bot.demo.jobs import JOBS
from browser.accessibility import tab_to
from browser.channel_page import ChannelPage, says, shown
from harness import texts

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))
FACTS = (JOBS[RUNAWAY].host, f"Session {RUNAWAY}")
"""What a card says once its session is known: this comes some time after a click, and moves the buttons."""
PAUSED, RESUMED = shown(texts.paused(session=RUNAWAY)), shown(texts.resumed(session=RUNAWAY))


def card(alerts: ChannelPage) -> Locator:
    """The monitor's alert, without its author."""
    return alerts.message("Office supplies: spending").locator(".content")


async def shows(card: Locator, *first: str, last: tuple[str, ...]) -> None:
    """The alert begins with some texts, tells about the job, and ends with others."""
    job = JOBS[RUNAWAY]
    lines = (*first, f"{job.name}: spending", job.goal[1:], "of $40.00.", *last)
    pattern = re.compile("^" + ".*".join(map(re.escape, lines)) + r"\s*$", re.DOTALL)
    await expect(card).to_have_text(pattern, use_inner_text=True)


def is_reached_over_sockets(alerts: ChannelPage) -> list[bool]:
    """Whether Slack reaches the bot over Socket Mode: by each thing that says so."""
    slack, log = alerts.slack, alerts.demo.sandbox.bot.log.read_text()
    return [slack.sockets.count > 0, slack.request_url is None, "connected to Slack" in log]


async def test_the_story_by_mouse_over_http(fresh: ChannelPage) -> None:
    agent = fresh.agent("Office supplies")
    await expect(fresh.bot_state).to_have_text("Botready")
    await shows(card(fresh), "🚨", last=(f"Session {RUNAWAY}", "Pause"))

    await fresh.pause_button(RUNAWAY).click()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await shows(
        card(fresh),
        "⏸️ Paused by @alice · 🚨 Critical · Office supplies",
        "today at",
        last=(*FACTS, "Resume", "End session"),
    )

    await card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY)).click()
    await expect(fresh.dialog).to_have_accessible_description(re.compile("@alice"))
    await expect(fresh.dialog.get_by_role("button")).to_have_text(["Cancel", "Resume"])
    await fresh.dialog.get_by_role("button", name="Resume").click()
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await shows(card(fresh), "▶️ Resumed by @alice · 🚨 Critical · Office supplies", "today at", last=(*FACTS, "Pause"))
    await says(fresh.messages.last.locator(".content"), RESUMED)

    await agent.get_by_role("button", name=RUNAWAY).click()
    await fresh.page.get_by_role("button", name="Send").click()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await says(fresh.messages.last.locator(".content"), f"{PAUSED} Resume")
    await expect(fresh.messages.locator(".typed")).to_have_text(f"/anchor-pause {RUNAWAY}")
    assert fresh.orders(RUNAWAY) == ["pause", "resume", "pause"]
    assert is_reached_over_sockets(fresh) == [False] * 3


async def test_the_story_by_keyboard_alone_over_socket_mode(fresh: ChannelPage) -> None:
    page, keyboard = fresh.page, fresh.page.keyboard
    agent = fresh.agent("Office supplies")
    await tab_to(page, fresh.switch("Socket Mode"))
    await keyboard.press("Space")
    await expect(fresh.switch("Socket Mode")).to_be_checked()
    await expect(fresh.bot_state).to_have_text("Botready")
    await shows(card(fresh), "🚨", last=(f"Session {RUNAWAY}", "Pause"))
    await page.reload()
    await tab_to(page, page.get_by_role("link", name="Skip to the composer"))
    await tab_to(page, fresh.pause_button(RUNAWAY))
    await keyboard.press("Enter")
    await expect(card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY))).to_be_focused()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await shows(
        card(fresh),
        "⏸️ Paused by @alice · 🚨 Critical · Office supplies",
        "today at",
        last=(*FACTS, "Resume", "End session"),
    )
    announced = fresh.page.locator("#announcer")
    await says(announced, "anchor: changed a message: ⏸️ Paused by @alice")

    await tab_to(page, fresh.line)
    await keyboard.type("/an")
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(fresh.line).to_have_value("/anchor-resume ")
    await keyboard.type(RUNAWAY[:-1])
    await keyboard.press("Enter")
    await expect(fresh.message("Only visible to you")).to_contain_text(RUNAWAY[:-1])
    await expect(announced).to_contain_text("anchor: to you alone: ")
    await keyboard.press("ArrowUp")
    await expect(fresh.line).to_have_value(f"/anchor-resume {RUNAWAY[:-1]}")
    await tab_to(page, card(fresh).get_by_role("button", name=fresh.spoken("Resume", RUNAWAY)), "Shift+Tab")
    await keyboard.press("Enter")
    await expect(fresh.dialog.get_by_role("button", name="Resume")).to_be_focused()
    await keyboard.press("Enter")
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await says(announced, f"anchor: {RESUMED}")
    assert fresh.orders(RUNAWAY) == ["pause", "resume"]
    assert is_reached_over_sockets(fresh) == [True] * 3

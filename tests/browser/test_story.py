"""The whole story on the page, by mouse and by keyboard alone, over HTTP and over Socket Mode."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, expect

from bot.demo.jobs import JOBS
from bot.demo.page.server import page as served
from bot.demo.world import world
from browser.keyboard import tab_to
from browser.pages import watched_page
from browser.room import Room

pytestmark = pytest.mark.anyio

RUNAWAY = next(iter(JOBS))
BOTH_WAYS = pytest.mark.parametrize("way", ["HTTP", "Socket Mode"])


@pytest.fixture
async def alerts(browser: Browser) -> AsyncIterator[Room]:
    """#alerts in a world that has just begun."""
    async with world() as at, served(at) as url:
        async with watched_page(browser) as page:
            await page.goto(url)
            yield Room(at, at.stage.slack.alerts, page)
        assert at.stage.slack.violations == []
        assert at.stage.anchor.violations == []


def text_of(*lines: str) -> re.Pattern[str]:
    """Exactly these lines, with any TIME of day and any AMOUNT of dollars."""
    text = r"\s*".join(map(re.escape, lines))
    return re.compile(f"^{text}$".replace("TIME", r"\d{1,2}:\d\d [AP]M").replace("AMOUNT", r"\d\d\.\d\d"))


def card(room: Room) -> Locator:
    """The body of the monitor's alert."""
    return room.message("Office supplies: spending").locator(".content")


def paused(room: Room) -> Locator:
    """The result that tells of the pause."""
    return room.messages.locator(".content").filter(has_text="Paused: session")


ALERT = (
    "Office supplies: spending",
    "Told to: Reorder one box of printer paper. Spent $AMOUNT, its budget is $40.00.",
    f"🚨 Critical: session {RUNAWAY}",
)
PAUSED = (
    f"⏸️ Paused: session {RUNAWAY}, asked for by @alice.",
    "Anchor's status: paused.",
    f"To let it go on: /anchor-resume {RUNAWAY}.",
    "Resume",
)
RESUMED = (
    f"▶️ Resumed: session {RUNAWAY}, asked for by @alice.",
    "Anchor's status: running.",
    "The agent goes on where it was paused.",
    "Pause",
)


async def is_reached_by(room: Room, way: str) -> None:
    """The bot was reached by this way and no other."""
    over_sockets = way == "Socket Mode"
    assert (room.at.stage.slack.sockets.count > 0) is over_sockets
    assert (room.at.stage.slack.request_url is None) is over_sockets
    log = room.at.stage.bot.log.read_text()
    assert ("connected to Slack" in log) is over_sockets


@BOTH_WAYS
async def test_by_mouse(alerts: Room, way: str) -> None:
    agent = alerts.agent("Office supplies")
    if way == "Socket Mode":
        await alerts.pull("Socket Mode", on=True)
    await expect(alerts.page.get_by_role("heading", name="Bot")).to_have_text("Botready")
    await expect(card(alerts)).to_have_text(text_of(*ALERT, "Pause"))

    await alerts.button(f"Pause session {RUNAWAY}").click()
    await expect(alerts.dialog).to_have_accessible_name("Pause this session?")
    await expect(alerts.dialog).to_have_accessible_description(
        f"The agent of session {RUNAWAY} is stopped at once, until somebody resumes it."
    )
    await expect(alerts.dialog.get_by_role("button")).to_have_text(["Cancel", "Pause"])
    await alerts.dialog.get_by_role("button", name="Pause").click()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(card(alerts)).to_have_text(text_of(*ALERT, "Paused by @alice, today at TIME", "Resume"))
    await expect(alerts.list.get_by_text("1 reply")).to_be_visible()
    await expect(paused(alerts)).to_have_text(text_of(*PAUSED))

    await card(alerts).get_by_role("button", name=f"Resume session {RUNAWAY}").click()
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await expect(card(alerts)).to_have_text(text_of(*ALERT, "Resumed by @alice, today at TIME", "Pause"))
    await expect(alerts.list.get_by_text("2 replies")).to_be_visible()
    resumed = alerts.messages.locator(".content").filter(has_text="Resumed: session")
    await expect(resumed).to_have_text(text_of(*RESUMED))

    await agent.get_by_role("button", name=RUNAWAY).click()
    await alerts.page.get_by_role("button", name="Send").click()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(alerts.messages.last.locator(".content")).to_have_text(text_of(*PAUSED))
    await expect(alerts.messages.locator(".typed")).to_have_text(f"/anchor-pause {RUNAWAY}")
    assert alerts.orders(RUNAWAY) == ["pause", "resume", "pause"]
    await is_reached_by(alerts, way)


@BOTH_WAYS
async def test_by_keyboard_alone(alerts: Room, way: str) -> None:
    page, keyboard = alerts.page, alerts.page.keyboard
    agent = alerts.agent("Office supplies")
    if way == "Socket Mode":
        await tab_to(page, alerts.lever("Socket Mode"))
        await keyboard.press("Space")
        await expect(alerts.lever("Socket Mode")).to_be_checked()
    await expect(card(alerts)).to_have_text(text_of(*ALERT, "Pause"))
    await page.reload()
    await tab_to(page, page.get_by_role("link", name="Skip to the composer"))
    pause = alerts.button(f"Pause session {RUNAWAY}")
    await tab_to(page, pause)
    await keyboard.press("Enter")
    await expect(alerts.dialog.get_by_role("button", name="Pause")).to_be_focused()
    await keyboard.press("Enter")
    await expect(card(alerts).get_by_role("button", name=f"Resume session {RUNAWAY}")).to_be_focused()
    await expect(agent.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(alerts.spoken).to_contain_text("anchor: changed a message: 🚨 Critical")
    await expect(alerts.spoken).to_contain_text(f"anchor: ⏸️ Paused: session {RUNAWAY}, asked for by @alice.")

    await tab_to(page, alerts.line)
    for typed in ("/", "an"):
        await keyboard.type(typed)
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(alerts.line).to_have_value("/anchor-resume ")
    await keyboard.type(RUNAWAY[:-1])
    await keyboard.press("Enter")
    await expect(alerts.message("Nothing was resumed:")).to_contain_text("Only visible to you")
    await expect(alerts.spoken).to_contain_text("anchor: to you alone: Nothing was resumed:")
    await expect(alerts.line).to_be_focused()

    await keyboard.press("ArrowUp")
    await expect(alerts.line).to_have_value(f"/anchor-resume {RUNAWAY[:-1]}")
    resume = paused(alerts).get_by_role("button", name=f"Resume session {RUNAWAY}")
    await tab_to(page, resume, "Shift+Tab")
    await keyboard.press("Enter")
    await expect(agent.get_by_text("Running", exact=True)).to_be_visible()
    await expect(alerts.spoken).to_contain_text(f"anchor: ▶️ Resumed: session {RUNAWAY}, asked for by @alice.")
    assert alerts.orders(RUNAWAY) == ["pause", "resume"]
    await is_reached_by(alerts, way)

"""Makes the README's pictures from the running page: `python -m scripts.screenshots FOLDER FRAMES`.

The folder FRAMES gets those of the animated picture of a pause: pause-light-1.png and so on.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, FloatRect, Locator, Page, ViewportSize, expect

from bot.cli.terminal import terminal_text
from bot.demo.demo import Demo
from bot.demo.jobs import JOBS
from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page as serve
from bot.demo.runner import DemoRunner
from bot.messages.settings import KEY, alert_posted
from browser.pages import chromium

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE: ViewportSize = {"width": 1220, "height": 900}
SIZE_OF_HOME: ViewportSize = {"width": 1220, "height": 1020}
SIZE_OF_PHONE: ViewportSize = {"width": 360, "height": 520}
_SLOWEST = 30_000  # milliseconds
_AROUND_MODAL = 28  # pixels
_HEIGHT_OF_PAUSED = 230  # pixels: of the alert when it is paused
_PHONE = """
<style>
  body { margin: 0; height: 100vh; padding: 44px 14px; box-sizing: border-box; color: #fff;
    font: 14px/1.4 Inter, "Noto Color Emoji"; background: linear-gradient(160deg, #1f2a44, #4a3a6b 60%, #a2577a); }
  h1 { margin: 0; font-size: 68px; font-weight: 300; line-height: 1; text-align: center; }
  body > p { margin: 6px 0 34px; text-align: center; }
  article { margin-bottom: 8px; padding: 11px 14px; border-radius: 18px; background: #fffd; color: #1b2130; }
  article p { margin: 0; white-space: pre-line; overflow-wrap: anywhere; }
  article p:first-child { display: flex; justify-content: space-between; font-weight: 600; }
  time { color: #566074; font-weight: 400; }
</style>
<h1>3:07</h1><p>Friday, 13 November</p>
"""
"""A phone's lock screen."""
_POINT = """
button => {
  const {right, bottom} = button.getBoundingClientRect();
  const pointer = Object.assign(document.createElement("div"), {id: "pointer", textContent: "👆"});
  Object.assign(pointer.style, {position: "fixed", left: `${right - 26}px`, top: `${bottom - 12}px`, fontSize: "26px"});
  document.body.append(pointer);
}
"""
"""Lets a hand point at a button."""


async def take_all(folder: Path, frames: Path) -> None:
    """Take the pictures: of an alert, in each theme, and of a workspace that is set up in the app's Home."""
    expect.set_options(timeout=_SLOWEST)
    async with chromium() as browser:
        async with _page(browser, "light") as (page, demo):
            await _take_phone(folder, page, demo)
        for theme in THEMES:
            async with _page(browser, theme) as (page, demo):
                await _take_alert(folder, frames, page, demo, theme)
            async with _page(browser, theme) as (page, _):
                await page.set_viewport_size(SIZE_OF_HOME)
                await _take_home(folder, page, "" if theme == "light" else f"-{theme}")


@asynccontextmanager
async def _page(browser: Browser, theme: Literal["light", "dark"]) -> AsyncIterator[tuple[Page, Demo]]:
    async with (
        DemoRunner() as runner,
        serve(runner) as url,
        await browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce") as context,
    ):
        page = await context.new_page()
        await page.goto(url)
        yield page, runner.demo


async def _take_phone(folder: Path, page: Page, demo: Demo) -> None:
    """Take a lock screen with the two alerts: a notification shows the text of a message, without its blocks."""
    await expect(page.get_by_text("Office supplies: spending").first).to_be_visible()
    slack = demo.sandbox.slack
    shown = [one.text for one in slack.channel_messages(slack.alerts) if one.bot_id]
    rows = [f"<p>Acme #alerts <time>now</time></p><p>anchor: {escape(terminal_text(text))}</p>" for text in shown[::-1]]
    await page.goto("about:blank")  # the demo's page refuses styles that are no file
    await page.set_viewport_size(SIZE_OF_PHONE)
    await page.set_content(_PHONE + "".join(f"<article>{row}</article>" for row in rows))
    await _save(page, folder / "phone.png")


async def _take_alert(folder: Path, frames: Path, page: Page, demo: Demo, theme: str) -> None:
    """Take a firing alert with the whole page around it; then it alone, paused, and resumed with the message about it.

    Before and during the click, the frames have the size that it has later.
    """
    alert = page.locator("#messages > li", has=page.locator(".message", has_text="Office supplies")).first
    pause = alert.get_by_role("button", name=re.compile("^Pause "))
    day = page.locator("#messages > .day")
    await expect(pause).to_be_visible()
    await expect(page.get_by_text("Put 12 standing desks into the cart")).to_be_visible()
    await _save(page, folder / f"firing-{theme}.png")
    slack = demo.sandbox.slack
    for other in slack.channel_messages(slack.alerts)[:2]:  # what bob asks, and a warning about another agent
        slack.platform.history.delete(other)
    await expect(page.locator("#messages .message")).to_have_count(1)
    await day.evaluate("day => day.style.paddingTop = '8px'")
    await alert.evaluate(f"alert => alert.style.minHeight = '{_HEIGHT_OF_PAUSED}px'")
    await _save(page, frames / f"pause-{theme}-1.png", day, alert)
    await pause.evaluate(_POINT)
    await _save(page, frames / f"pause-{theme}-2.png", day, alert)
    await page.locator("#pointer").evaluate("pointer => pointer.remove()")
    await pause.click()
    await expect(alert.get_by_role("button", name=re.compile("^Resume "))).to_have_count(1)
    await expect(page.get_by_text("1 of 8 done")).to_be_visible()
    await _save(page, folder / f"paused-{theme}.png", day, alert)
    await _save(page, frames / f"pause-{theme}-3.png", day, alert)
    await expect(alert).to_contain_text(JOBS[next(iter(JOBS))].host)  # a card that changes later has other buttons
    await alert.get_by_role("button", name=re.compile("^Resume ")).first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    await expect(pause).to_have_count(1)  # the card follows in a second
    await expect(page.locator("#messages .message")).to_have_count(2)
    await expect(page.get_by_text("2 of 8 done")).to_be_visible()
    await alert.evaluate("alert => alert.style.minHeight = '0'")
    await _save(page, folder / f"resumed-{theme}.png", day, *await page.locator("#messages > li").all())


async def _take_home(folder: Path, page: Page, ending: str) -> None:
    """Take the modal for the key, in light only, and the Home when all is set up."""
    nav, pane, dialog = page.locator(".side"), page.locator(".channel"), page.get_by_role("dialog")
    await page.locator(".guide").evaluate("guide => guide.hidden = true")  # of the demo, not of the app
    await page.get_by_title("An admin of Newco").click()
    await page.get_by_role("navigation").get_by_role("button", name="anchor").click()
    await page.get_by_role("tabpanel", name="Home").get_by_role("button", name="Set Anchor API key").click()
    await dialog.locator(f'[data-action="{KEY}"]').fill(NEWCO_KEY)
    if not ending:
        await _save(page, folder / "set-key.png", dialog, margin=_AROUND_MODAL)
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("✅")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await _choose_channel(page)
    await _save(page, folder / f"home{ending}.png", nav, pane)


async def _choose_channel(page: Page) -> None:
    """Turn to the Home, and let alerts go to #alerts; the notice about it is gone when the Home is opened again."""
    home = page.get_by_role("tabpanel", name="Home")
    await page.get_by_role("navigation").get_by_role("button", name="anchor").click()
    await expect(home).to_contain_text("✅")
    await home.get_by_role("combobox").first.fill("alerts")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="#alerts 1 unread")).to_be_visible()
    notice = home.get_by_text(alert_posted("").text.split("*")[1])
    await expect(notice).to_be_visible()
    await page.get_by_role("tab", name="Messages").click()
    await page.get_by_role("tab", name="Home").click()
    await expect(notice).to_have_count(0)


async def _save(page: Page, path: Path, *parts: Locator, margin: float = 0) -> None:
    """Save the page, or these parts of it with so many pixels around them."""
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement?.blur()")
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    boxes = [box for part in parts if (box := await part.bounding_box())]
    await page.screenshot(path=path, clip=_around(boxes, margin) if boxes else None)


def _around(boxes: Sequence[FloatRect], margin: float) -> FloatRect:
    left, top = (min(box[side] for box in boxes) - margin for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + margin
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


if __name__ == "__main__":
    asyncio.run(take_all(Path(sys.argv[1]), Path(sys.argv[2])))

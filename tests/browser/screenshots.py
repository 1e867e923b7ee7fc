"""Makes the README's pictures from the running page: `python -m browser.screenshots FOLDER`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, FloatRect, Locator, Page, ViewportSize, expect

from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page as serve
from bot.demo.world import world
from browser.chromium import chromium, executable

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE: ViewportSize = {"width": 1220, "height": 700}
SIZE_OF_HOME: ViewportSize = {"width": 1220, "height": 820}
_MARGIN = 28


async def take_all(folder: Path) -> None:
    """Take the pictures: of an alert, in each theme, and of a workspace that is set up in the app's Home."""
    async with chromium(executable(os.environ)) as browser:
        for theme in THEMES:
            async with _page(browser, theme) as page:
                await _take_alert(folder, page, theme)
            async with _page(browser, theme) as page:
                await page.set_viewport_size(SIZE_OF_HOME)
                await _take_home(folder, page, "" if theme == "light" else f"-{theme}")


@asynccontextmanager
async def _page(browser: Browser, theme: Literal["light", "dark"]) -> AsyncIterator[Page]:
    async with (
        world() as on,
        serve(on) as url,
        await browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce") as context,
    ):
        page = await context.new_page()
        await page.goto(url)
        yield page


async def _take_alert(folder: Path, page: Page, theme: str) -> None:
    """One that is firing, then paused, then resumed."""
    channel = page.get_by_role("main")
    await expect(channel.get_by_role("button", name="Pause session")).to_be_visible()
    await _save(page, folder / f"firing-{theme}.png")
    await channel.get_by_role("button", name="Pause session").click()
    await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(channel.get_by_text("Anchor's status")).to_be_visible()
    await expect(page.get_by_text("Paused: waiting")).to_be_visible()
    await _save(page, folder / f"paused-{theme}.png")
    await channel.get_by_role("button", name="Resume session").first.click()
    await expect(channel.get_by_text("The agent goes on")).to_be_visible()
    await expect(page.get_by_text("Resumed: going on")).to_be_visible()
    await _save(page, folder / f"resumed-{theme}.png")


async def _take_home(folder: Path, page: Page, ending: str) -> None:
    """The Home without a key, the modal for it, and the Home when all is set up; the first two in light only."""
    await page.get_by_title("An admin of Newco").click()
    await page.get_by_role("navigation").get_by_role("button", name="anchor").click()
    home, dialog = page.get_by_role("tabpanel", name="Home"), page.get_by_role("dialog")
    await expect(home).to_contain_text("No key is set")
    if not ending:
        await _save(page, folder / "no-key.png")
    await home.get_by_role("button", name="Set Anchor API key").click()
    await dialog.get_by_label("API key", exact=True).fill(NEWCO_KEY)
    if not ending:
        await _save(page, folder / "set-key.png", of=dialog)
    await dialog.get_by_role("button", name="Save").click()
    await expect(home).to_contain_text("Anchor accepts it")
    await expect(dialog).to_contain_text("Saved")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    channels = home.get_by_role("combobox")
    await channels.fill("alerts")
    await channels.press("Enter")
    await expect(home).to_contain_text("Alerts go to #alerts")
    await page.get_by_role("tab", name="Messages").click()
    await page.get_by_role("tab", name="Home").click()
    await expect(home).not_to_contain_text("A test alert stands")
    await _save(page, folder / f"home{ending}.png")


async def _save(page: Page, path: Path, *, of: Locator | None = None) -> None:
    """Save the whole page, or one part `of` it with a little around it."""
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement?.blur()")
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    box = await of.bounding_box() if of else None
    around: FloatRect | None = box and {
        "x": box["x"] - _MARGIN,
        "y": box["y"] - _MARGIN,
        "width": box["width"] + 2 * _MARGIN,
        "height": box["height"] + 2 * _MARGIN,
    }
    await page.screenshot(path=path, clip=around)


if __name__ == "__main__":
    asyncio.run(take_all(Path(sys.argv[1])))

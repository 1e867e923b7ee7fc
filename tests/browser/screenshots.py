"""Makes the README's pictures from the running page: `python -m browser.screenshots FOLDER`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, expect

from bot.demo.page.server import page as serve
from bot.demo.world import world
from browser.chromium import chromium, executable

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE: ViewportSize = {"width": 1220, "height": 700}


async def take_all(folder: Path) -> None:
    """Take the pictures in each theme: an alert that is firing, then paused, then resumed."""
    async with chromium(executable(os.environ)) as browser:
        for theme in THEMES:
            await _take(folder, browser, theme)


async def _take(folder: Path, browser: Browser, theme: Literal["light", "dark"]) -> None:
    async with (
        world() as on,
        serve(on) as url,
        await browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce") as context,
    ):
        page = await context.new_page()
        await page.goto(url)
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


async def _save(page: Page, path: Path) -> None:
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement?.blur()")
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    await page.screenshot(path=path)


if __name__ == "__main__":
    asyncio.run(take_all(Path(sys.argv[1])))

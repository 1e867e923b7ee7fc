"""Light and dark: as the system is, or as the person chooses, which is stored."""

from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from bot.demo.demo import Demo
from browser.channel_page import own_channel_page

pytestmark = pytest.mark.anyio

COLOURS = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 31)"}


async def has_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """The page has the colours of a theme, and so have the browser's own parts."""
    await expect(page.locator("body")).to_have_css("background-color", COLOURS[theme])
    await expect(page.locator("html")).to_have_css("color-scheme", theme)


async def test_the_theme_is_the_systems_until_one_is_chosen_which_is_kept(
    browser: Browser, demo: Demo, url: str
) -> None:
    async with own_channel_page(browser, demo, url) as channel:  # in a context of its own, which keeps the choice
        page = channel.page
        await expect(page.get_by_role("radio", name="As the system")).to_be_checked()
        await has_theme(page, "light")
        await page.emulate_media(color_scheme="dark")
        await has_theme(page, "dark")
        await page.emulate_media(color_scheme="light")
        await has_theme(page, "light")
        await page.get_by_role("radio", name="As the system").focus()
        for name in ("Light", "Dark"):
            await page.keyboard.press("ArrowRight")
            await expect(page.get_by_role("radio", name=name)).to_be_focused()
            await expect(page.get_by_title(name, exact=True)).to_have_css("outline-style", "solid")
            await has_theme(page, "dark" if name == "Dark" else "light")
        await page.reload(wait_until="commit")
        await page.wait_for_selector("body", state="attached")
        assert await page.locator("html").get_attribute("data-theme") == "dark"  # before anything is drawn
        await has_theme(page, "dark")
        await expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        await page.get_by_title("Light", exact=True).click()
        await page.emulate_media(color_scheme="dark")
        await page.reload()
        await has_theme(page, "light")
        await page.get_by_title("Colours of the system").click()
        await has_theme(page, "dark")

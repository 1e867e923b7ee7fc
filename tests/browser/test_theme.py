"""Light and dark: as the system is, or as the person chooses, which is kept."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from bot.demo.world import World
from browser.room import Room, room_of

pytestmark = pytest.mark.anyio

COLOURS = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 31)"}


@pytest.fixture
async def room(browser: Browser, at: World, url: str) -> AsyncIterator[Room]:
    """With a screen of its own, since it keeps what is chosen."""
    async with room_of(browser, at, url) as room:
        yield room


async def is_drawn(page: Page, theme: Literal["light", "dark"]) -> None:
    """The page has the colours of a theme, and so have the browser's own parts."""
    await expect(page.locator("body")).to_have_css("background-color", COLOURS[theme])
    await expect(page.locator("html")).to_have_css("color-scheme", theme)


async def test_it_is_as_the_system_is_and_changes_with_it(room: Room) -> None:
    await expect(room.page.get_by_role("radio", name="As the system")).to_be_checked()
    await is_drawn(room.page, "light")
    await room.page.emulate_media(color_scheme="dark")
    await is_drawn(room.page, "dark")
    await room.page.emulate_media(color_scheme="light")
    await is_drawn(room.page, "light")


async def test_what_is_chosen_holds_whatever_the_system_is_and_over_a_reload(room: Room) -> None:
    await room.page.get_by_title("Dark", exact=True).click()
    await is_drawn(room.page, "dark")
    await room.page.emulate_media(color_scheme="light")
    await is_drawn(room.page, "dark")
    await room.page.reload()
    await is_drawn(room.page, "dark")
    await expect(room.page.get_by_role("radio", name="Dark")).to_be_checked()
    await room.page.get_by_title("Light", exact=True).click()
    await room.page.emulate_media(color_scheme="dark")
    await room.page.reload()
    await is_drawn(room.page, "light")
    await room.page.get_by_title("Colours of the system").click()
    await is_drawn(room.page, "dark")


async def test_it_is_chosen_by_keyboard(room: Room) -> None:
    await room.page.get_by_role("radio", name="As the system").focus()
    for name, theme in (("Light", "light"), ("Dark", "dark")):
        await room.page.keyboard.press("ArrowRight")
        await expect(room.page.get_by_role("radio", name=name)).to_be_focused()
        await expect(room.page.get_by_title(name, exact=True)).to_have_css("outline-style", "solid")
        await is_drawn(room.page, "light" if theme == "light" else "dark")


async def test_nothing_flashes_before_the_colours_are_there(room: Room) -> None:
    await room.page.get_by_title("Dark", exact=True).click()
    await room.page.reload(wait_until="commit")
    await room.page.wait_for_selector("body", state="attached")
    assert await room.page.locator("html").get_attribute("data-theme") == "dark"

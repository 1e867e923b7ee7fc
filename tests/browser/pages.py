"""A page as somebody has it on a screen, where nothing may go wrong unseen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Page, ViewportSize

from browser.watch import Watch

_SIZE: ViewportSize = {"width": 1440, "height": 900}


@dataclass(frozen=True, slots=True)
class Screen:
    """A page that shares nothing with those on other screens; several tests may look at it, one after the other."""

    page: Page
    watch: Watch

    async def check(self) -> None:
        """Fail if anything has gone wrong in any page of it since it was last asked."""
        for page in self.page.context.pages:
            await page.evaluate("0")  # what it has reported before this answer has arrived
        problems = "\n".join(self.watch.problems)
        self.watch.problems.clear()
        assert not problems, problems

    async def tidy(self) -> None:
        """Leave the page as wide and as bright as it was, and no other one."""
        for page in self.page.context.pages:
            if page != self.page:
                await page.close()
        await self.page.set_viewport_size(_SIZE)
        await self.page.emulate_media(color_scheme="light", reduced_motion="reduce")


@asynccontextmanager
async def screen(browser: Browser, *, zone: str = "Europe/Berlin", locale: str = "en-US") -> AsyncIterator[Screen]:
    """Turn a screen on, with an empty page.

    The page's server must outlive it: a page whose server goes away complains.
    """
    async with await browser.new_context(
        locale=locale,
        timezone_id=zone,
        viewport=_SIZE,
        reduced_motion="reduce",
    ) as context:
        watch = Watch(context)
        yield Screen(await context.new_page(), watch)


@asynccontextmanager
async def watched_page(browser: Browser, **surroundings: str) -> AsyncIterator[Page]:
    """Open an empty page on a screen of its own. At the end nothing may have gone wrong in it."""
    async with screen(browser, **surroundings) as own:
        yield own.page
        await own.check()

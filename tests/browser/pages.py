"""A page as somebody has it on a screen, where nothing may go wrong unseen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

from browser.watch import Watch


@asynccontextmanager
async def watched_page(browser: Browser, *, zone: str = "Europe/Berlin", locale: str = "en-US") -> AsyncIterator[Page]:
    """Open an empty page that shares nothing with others. At the end nothing may have gone wrong in it.

    Its server must outlive it: a page whose server goes away complains.
    """
    async with await browser.new_context(
        locale=locale,
        timezone_id=zone,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    ) as context:
        watch = Watch(context)
        yield await context.new_page()
        for page in context.pages:
            await page.evaluate("0")  # what it has reported before this answer has arrived
        assert not watch.problems, "\n".join(watch.problems)

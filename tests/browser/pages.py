"""Pages in a browser context of their own, in which everything that goes wrong is recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, ViewportSize

_SIZE: ViewportSize = {"width": 1440, "height": 900}


class Watch:
    """Records in `problems` what goes wrong from now on, in every page of a browser context.

    That is: console errors and warnings, exceptions, failed requests, and requests that leave the machine.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        context.on("console", self._read)
        context.on("weberror", lambda thrown: self.problems.append(f"thrown: {thrown.error.stack or thrown.error}"))
        context.on("request", lambda request: self._locate(request.url))
        context.on("requestfailed", self._judge)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._locate(socket.url)))

    def _read(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            at = message.location
            self.problems.append(f"console {message.type}: {message.text} ({at['url']}:{at['lineNumber']})")

    def _locate(self, url: str) -> None:
        if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
            self.problems.append(f"leaves the machine: {url}")

    def _judge(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page aborted it, as every stream is aborted by a reload
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")


@dataclass(frozen=True, slots=True)
class Screen:
    """A page in a browser context of its own; several tests may use it, one after the other."""

    page: Page
    watch: Watch

    async def check(self) -> None:
        """Fail if anything has gone wrong in any of its pages since the last check."""
        for page in self.page.context.pages:
            await page.evaluate("0")  # what it has reported before this answer has arrived
        problems = "\n".join(self.watch.problems)
        self.watch.problems.clear()
        assert not problems, problems

    async def reset(self) -> None:
        """Close other pages, and restore the size and the colours of this one."""
        for page in self.page.context.pages:
            if page != self.page:
                await page.close()
        await self.page.set_viewport_size(_SIZE)
        await self.page.emulate_media(color_scheme="light", reduced_motion="reduce")


@asynccontextmanager
async def open_screen(browser: Browser) -> AsyncIterator[Screen]:
    """Open an empty page. Its server must outlive it: a page whose server stops logs errors."""
    async with await browser.new_context(
        locale="en-US", timezone_id="Europe/Berlin", viewport=_SIZE, reduced_motion="reduce"
    ) as context:
        watch = Watch(context)
        yield Screen(await context.new_page(), watch)


@asynccontextmanager
async def watched_page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page in a context of its own. At the end nothing may have gone wrong in it."""
    async with open_screen(browser) as screen:
        yield screen.page
        await screen.check()

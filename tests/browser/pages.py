"""The Chromium of this machine, and pages in which everything that goes wrong is recorded."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from harness.programs import program

_ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1"
"""No name is resolved: Chromium contacts its vendor in spite of all switches against that."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start it without a window; it is closed at the end."""
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=[_ONLY_LOOPBACK],
            chromium_sandbox=os.geteuid() != 0,  # which Chromium refuses to root
        ) as browser,
    ):
        yield browser


@asynccontextmanager
async def watched_page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page in a context of its own. At the end nothing may have gone wrong in its pages.

    That is: console errors and warnings, exceptions, failed requests, and requests that leave the machine. Its server
    must outlive it: a page whose server stops logs errors.
    """
    async with await browser.new_context(
        locale="en-US",
        timezone_id="Europe/Berlin",
        viewport={"width": 1440, "height": 900},
        color_scheme="light",
        reduced_motion="reduce",
    ) as context:
        problems = _problems_of(context)
        yield await context.new_page()
        for page in context.pages:
            await page.evaluate("0")  # what it has reported before this answer has arrived
        assert problems == []


def _problems_of(context: BrowserContext) -> list[str]:
    problems: list[str] = []

    def read(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            at = message.location
            problems.append(f"console {message.type}: {message.text} ({at['url']}:{at['lineNumber']})")

    def locate(url: str) -> None:
        if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
            problems.append(f"leaves the machine: {url}")

    def judge(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page aborted it, as every stream is aborted by a reload
            problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    context.on("console", read)
    context.on("weberror", lambda thrown: problems.append(f"thrown: {thrown.error.stack or thrown.error}"))
    context.on("request", lambda request: locate(request.url))
    context.on("requestfailed", judge)
    context.on("page", lambda page: page.on("websocket", lambda socket: locate(socket.url)))
    return problems

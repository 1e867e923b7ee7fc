"""The Chromium of this machine, and how it is started."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

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

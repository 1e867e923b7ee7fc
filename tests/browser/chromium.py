"""The Chromium of this machine: where it is, and how it is started."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

MISSING = "THE PAGE IS NOT TESTED: there is no Chromium here. On Debian, run: apt install chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1"
"""No name is resolved: Chromium contacts its vendor in spite of all switches against that."""


def executable(environ: Mapping[str, str]) -> str:
    """The path of Chromium. Where there is none the test is skipped, but fails in CI."""
    found = [path for name in _NAMES if (path := shutil.which(name, path=environ.get("PATH", "")))]
    if not found:
        leave = pytest.fail if environ.get("CI") else pytest.skip
        leave(MISSING)
    return found[0]


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """Start it without a window; it is closed at the end."""
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=path,
            args=[_ONLY_LOOPBACK],
            chromium_sandbox=os.geteuid() != 0,  # which Chromium refuses to root
        ) as browser,
    ):
        yield browser

"""A real Chromium, one for each module, and pages in it."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from browser.chromium import chromium, executable
from browser.pages import watched_page


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium(executable(os.environ)) as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A watched page. A server of the test's own that it talks to all the time is to be asked for before it."""
    async with watched_page(browser) as page:
        yield page

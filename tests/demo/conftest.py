"""The demo, and its page with somebody at it."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.demo import Demo
from bot.demo.page.server import page
from demo.page_client import PageClient, open_page
from demo.strict_demo import strict_demo


@pytest.fixture(scope="module")
async def demo() -> AsyncIterator[Demo]:
    """One for all tests of a module."""
    async with strict_demo() as demo:
        yield demo


@pytest.fixture(scope="module")
async def url(demo: Demo) -> AsyncIterator[str]:
    async with page(demo) as url:
        yield url


@pytest.fixture
async def alice(url: str) -> AsyncIterator[PageClient]:
    async with open_page(url) as client:
        yield client

"""The demo's world, and its page with somebody at it."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.page.server import page
from bot.demo.world import World
from demo.page_client import PageClient, open_page
from demo.worlds import flawless_world


@pytest.fixture
async def at() -> AsyncIterator[World]:
    async with flawless_world() as at:
        yield at


@pytest.fixture
async def url(at: World) -> AsyncIterator[str]:
    async with page(at) as url:
        yield url


@pytest.fixture
async def alice(url: str) -> AsyncIterator[PageClient]:
    async with open_page(url) as client:
        yield client

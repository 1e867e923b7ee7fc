"""The demo, and its page with somebody at it."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.demo import Demo
from bot.demo.page.server import page
from bot.demo.runner import DemoRunner
from demo.page_client import strict_runner


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[DemoRunner]:
    """One for all tests of a module."""
    async with strict_runner() as runner:
        yield runner


@pytest.fixture(scope="module")
async def demo(runner: DemoRunner) -> Demo:
    return runner.demo


@pytest.fixture(scope="module")
async def url(runner: DemoRunner) -> AsyncIterator[str]:
    async with page(runner) as url:
        yield url

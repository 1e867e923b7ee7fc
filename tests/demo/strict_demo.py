"""The demo, in which nobody may break a rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.demo.demo import Demo, open_demo


@asynccontextmanager
async def strict_demo() -> AsyncIterator[Demo]:
    """Run the demo; at the end nobody may have broken a rule of Slack's or Anchor's in it."""
    async with open_demo() as demo:
        yield demo
    assert demo.sandbox.slack.violations == []
    assert demo.sandbox.anchor.violations == []

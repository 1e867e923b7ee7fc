"""The demo, in which nobody may break a rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.demo.world import World, world


@asynccontextmanager
async def strict_demo() -> AsyncIterator[World]:
    """Run the demo; at the end nobody may have broken a rule of Slack's or Anchor's in it."""
    async with world() as demo:
        yield demo
    assert demo.stage.slack.violations == []
    assert demo.stage.anchor.violations == []

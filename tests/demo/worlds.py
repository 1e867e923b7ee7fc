"""The demo's world, in which nobody may break a rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.demo.world import World, world


@asynccontextmanager
async def flawless_world() -> AsyncIterator[World]:
    """A world; at the end nobody may have done anything wrong in it."""
    async with world() as at:
        yield at
    assert at.stage.slack.violations == []
    assert at.stage.anchor.violations == []

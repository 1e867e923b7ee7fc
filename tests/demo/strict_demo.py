"""The demo, in which nobody may break a rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.demo.runner import DemoRunner


@asynccontextmanager
async def strict_runner() -> AsyncIterator[DemoRunner]:
    """Run the demo; at the end nobody may have broken a rule of Slack's or Anchor's in it, since its last reset."""
    async with DemoRunner() as runner:
        yield runner
    assert runner.demo.sandbox.slack.violations == []
    assert runner.demo.sandbox.anchor.violations == []

"""Runs the demo of the page, and begins a new one at a reset."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType

from bot.demo.demo import Demo, open_demo
from bot.sim.change_event import ChangeEvent


class DemoRunner:
    """Has the `demo` that runs now. `number` counts them, and `change_event` reports a new one."""

    demo: Demo

    def __init__(self, changes: Mapping[str, str]) -> None:
        self.number = 0
        self.change_event = ChangeEvent()
        self._changes = changes
        self._running = AsyncExitStack()
        self._ending: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """Start a demo from the beginning, and end the former one. Raises BotFailedError: then the former goes on."""
        async with self._one_at_a_time:
            running = AsyncExitStack()
            self.demo = await running.enter_async_context(open_demo(self._changes))
            former, self._running = self._running, running
            self.number += 1
            self.change_event.notify()
            self._ending.add(asyncio.create_task(former.aclose()))

    async def end(self) -> None:
        """End all."""
        await asyncio.gather(self._running.aclose(), *self._ending)


@asynccontextmanager
async def open_runner(changes: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[DemoRunner]:
    """Start the first demo, and end the last one at the end. Raises BotFailedError. `changes` goes to `open_demo`."""
    runner = DemoRunner(changes)
    await runner.begin()
    try:
        yield runner
    finally:
        await runner.end()

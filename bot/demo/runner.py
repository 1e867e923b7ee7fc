"""Runs the demo of the page, and begins a new one at a reset."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Self

from bot.demo.demo import Demo, open_demo
from bot.sim.change_event import ChangeEvent

_NO_CHANGES: Mapping[str, str] = MappingProxyType({})


class DemoRunner:
    """Runs one demo at a time, the present `demo`. `number` counts them, and `change_event` reports a new one.

    `async with` starts the first one, and ends the last one. Raises BotFailedError. `changes` goes to `open_demo`.
    """

    demo: Demo

    def __init__(self, changes: Mapping[str, str] = _NO_CHANGES) -> None:
        self.number = 0
        self.change_event = ChangeEvent()
        self.has_begun = asyncio.Event()
        self._changes = changes
        self._running = AsyncExitStack()
        self._ending: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self._running.aclose(), *self._ending)

    async def begin(self) -> None:
        """Start a demo from the beginning, and end the former one. Raises BotFailedError: then the former goes on."""
        async with self._one_at_a_time:
            running = AsyncExitStack()
            self.demo = await running.enter_async_context(open_demo(self._changes))
            former, self._running = self._running, running
            self.number += 1
            self.has_begun.set()
            self.change_event.notify()
            self._ending.add(asyncio.create_task(former.aclose()))

"""Background tasks: held strongly, counted, and waited for at the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Tasks:
    """Work that goes on after an answer was sent."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run `work` now, and keep it from being garbage collected until it ends."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def settle(self, *, within: float) -> bool:
        """Wait up to `within` seconds for all work, and for what it starts meanwhile. Say whether all of it ended."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        while self._running and (left := ends - loop.time()) > 0:
            await asyncio.wait(self._running, timeout=left)
        return not self._running

    async def cancel(self) -> None:
        """Cancel all work, and wait until it has gone."""
        for task in (rest := list(self._running)):
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

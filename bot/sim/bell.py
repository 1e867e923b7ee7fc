"""Lets a test wait until a simulator has seen something, without polling."""

import asyncio
from collections.abc import Callable


class Bell:
    """Rings whenever something was recorded."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Let everyone who waits look again."""
        for event in self._waiting:
            event.set()

    async def until(self, condition: Callable[[], object], within: float) -> None:
        """Wait until `condition` is true, looked at after every ring; TimeoutError after `within` seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(within):
                while not condition():
                    await event.wait()
                    event.clear()
        finally:
            self._waiting.discard(event)

"""Lets tests and pages wait until a simulator has seen something, without polling."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_T = TypeVar("_T")


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
        with self._listening() as event:
            async with asyncio.timeout(within):
                while not condition():
                    await event.wait()
                    event.clear()

    async def watch(self, look: Callable[[], _T]) -> AsyncIterator[_T]:
        """Yield what `look` returns: now, and whenever that has changed after a ring."""
        with self._listening() as event:
            seen = look()
            yield seen
            while True:
                await event.wait()
                event.clear()
                if (now := look()) != seen:
                    seen = now
                    yield seen

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

"""Lets tests and pages wait for a change in a simulator, without polling."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_T = TypeVar("_T")


class ChangeEvent:
    """Wakes those who wait, at every change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Report a change: everyone who waits looks again."""
        for event in self._waiting:
            event.set()

    async def wait_for(self, condition: Callable[[], object], within: float, seen: Callable[[], str] = str) -> None:
        """Wait until `condition` is true, checked after every change.

        The TimeoutError after `within` seconds has the source of the condition, and what is `seen` then.
        """
        with self._subscribed() as event:
            try:
                async with asyncio.timeout(within):
                    while not condition():
                        await event.wait()
                        event.clear()
            except TimeoutError:
                raise TimeoutError(not_true(condition, within, seen())) from None

    async def watch(self, read: Callable[[], _T]) -> AsyncIterator[_T]:
        """Yield what `read` returns: now, and whenever that has changed."""
        with self._subscribed() as event:
            seen = read()
            yield seen
            while True:
                await event.wait()
                event.clear()
                if (now := read()) != seen:
                    seen = now
                    yield seen

    @contextmanager
    def _subscribed(self) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)


def not_true(condition: Callable[[], object], within: float, seen: str = "") -> str:
    """Return what to say about a condition that was not true within so many seconds, and about what is seen."""
    try:
        source = inspect.getsource(condition).strip()
    except (OSError, TypeError):  # it is no function of a file
        source = repr(condition)
    return f"not true within {within:g} s: {source}\n{seen}".rstrip()

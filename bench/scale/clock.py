"""A clock of its own: it stands still while the program works, and jumps to the next timer when it waits."""

import asyncio
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """The seconds since the simulation began."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    @contextmanager
    def replacing_monotonic(self) -> Iterator[None]:
        """Let `time.monotonic` be this clock: the product asks for the time itself."""
        before, time.monotonic = time.monotonic, self
        try:
            yield
        finally:
            time.monotonic = before


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the simulation waits for what cannot happen any more")
        self._clock.now += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop with this clock. It has no sockets and no threads, so each run is the same."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._simulated = clock

    def time(self) -> float:
        """Return the time of the simulation."""
        return self._simulated.now

"""Measure how long the process stood still: frozen, suspended, or busy with one thing."""

import asyncio
import time

TICK = 0.1  # seconds
NOTICEABLE = 0.5  # shorter ones are within what `core.request_age` assumes for the way
_BACKLOG = 1.0  # seconds after a standstill in which what is read can have waited for its end


class StandstillMonitor:
    """A tick that notices when the event loop did not run."""

    def __init__(self) -> None:
        self._last_tick = time.monotonic()
        self._began = self._ended = -_BACKLOG

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            self._tick(time.monotonic())

    def seconds_before(self, received_at: float) -> float:
        """Return how long something read at `received_at` can have waited for the end of a standstill, or 0."""
        self._tick(received_at)
        return received_at - self._began if received_at - self._ended < _BACKLOG else 0.0

    def _tick(self, now: float) -> None:
        if now - self._last_tick > TICK + NOTICEABLE:
            self._began, self._ended = self._last_tick, now
        self._last_tick = now

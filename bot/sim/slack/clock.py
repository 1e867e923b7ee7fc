"""The time at simulated Slack, which tests can put forward."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """`monotonic` measures durations (seconds); `time` is Slack's own clock (Unix seconds)."""

    monotonic: float
    time: float


class Clock:
    """Runs with `now` and is ahead of it by what was advanced."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ahead = 0.0
        self.dates_ahead = 0.0
        """Seconds by which the header Date of answers is ahead of it: a proxy can write a wrong one."""

    def now(self) -> float:
        """Return Unix seconds; pass this method to whatever shall share Slack's time."""
        return self._now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass for everything that follows this clock: signatures, response URLs, rate limits."""
        self._ahead += seconds

    def moment(self) -> Moment:
        """Return the present moment on both clocks."""
        return Moment(time.monotonic(), self.now())

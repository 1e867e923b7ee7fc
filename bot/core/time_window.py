"""Limit how often something happens within a while."""

from collections import deque


class TimeWindow:
    """The last times of something, of which at most `most` may lie within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._most = most
        self._seconds = seconds

    def add(self, now: float) -> None:
        """Record one more."""
        self._times.append(now)

    def retry_after(self, now: float) -> float:
        """Return in how many seconds one more may happen, or 0."""
        if len(self._times) < self._most:
            return 0.0
        return max(0.0, self._times[0] + self._seconds - now)

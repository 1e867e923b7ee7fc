"""Limit how often something happens within a while."""


class TimeWindow:
    """The last times of something, of which at most `most` may lie within `seconds`."""

    __slots__ = ("_most", "_seconds", "_times")

    def __init__(self, most: int, seconds: float) -> None:
        self._times: tuple[float, ...] = ()  # there are thousands of windows, and a deque takes ten times the memory
        self._most = most
        self._seconds = seconds

    def add(self, now: float) -> None:
        """Record one more."""
        self._times = (*self._times, now)[-self._most :]

    def retry_after(self, now: float) -> float:
        """Return in how many seconds one more may happen, or 0."""
        if len(self._times) < self._most:
            return 0.0
        return max(0.0, self._times[0] + self._seconds - now)

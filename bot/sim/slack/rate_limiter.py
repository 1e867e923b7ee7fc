"""A rate limit: calls per second, after a burst.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import math


class RateLimiter:
    """Allows `burst` calls at once for each key, such as a channel, and refills `per_second`."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key: str, now: float) -> int | None:
        """Count a call at `now`; if it comes too early, return for how many seconds to wait instead."""
        left, since = self._left.get(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        if left < 1:
            return math.ceil((1 - left) / self._per_second)
        self._left[key] = (left - 1, now)
        return None

"""How fast an app may post: about one message per second and channel, after a short burst.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import math

BURST = 5


class Pace:
    """Refills one post per second for each channel, up to `BURST`."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, channel: str, now: float) -> int | None:
        """Count a post at `now`; if it comes too early, return for how many seconds to wait instead."""
        left, since = self._left.get(channel, (float(BURST), now))
        left = min(float(BURST), left + now - since)
        if left < 1:
            return math.ceil(1 - left)
        self._left[channel] = (left - 1, now)
        return None

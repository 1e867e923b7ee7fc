"""Slack's clock, read from the `Date` header of its answers."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from bot.core.requests import MOST_SKEW

_STEP = 1.0  # seconds; a clock that is adjusted slowly changes less between two requests
_RESOLUTION = 1.0  # seconds, of the header


def read_skew(date: str | None, *, began: float, ended: float) -> float | None:
    """Return by how many seconds a server's clock is ahead, by its `Date` header; None if that is unreadable.

    The clocks differ as far as the date lies outside of the request, which began and ended at these times (Unix
    seconds) of this machine.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    behind, ahead = began - theirs - _RESOLUTION, theirs - ended
    return ahead if ahead > 0 else -max(0.0, behind)


class SlackClock:
    """Slack's time in Unix seconds by its last answer; `now` is this machine's, which counts until Slack has answered.

    An answer that differs by more than MOST_SKEW does not count: over HTTP such a clock verifies no signature.
    """

    def __init__(self, now: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._monotonic = monotonic
        self._began = now() - monotonic()
        self._skew = 0.0

    def __call__(self) -> float:
        """Return Slack's time."""
        self._forget_after_step()
        return self._now() + self._skew

    def observe(self, date: str | None, *, seconds: float) -> None:
        """Read the header of the answer to a request that took so many seconds. An unreadable one changes nothing."""
        skew = read_skew(date, began=self._now() - seconds, ended=self._now())
        if skew is not None and abs(skew) <= MOST_SKEW:
            self._forget_after_step()
            self._skew = skew

    def _forget_after_step(self) -> None:
        before, self._began = self._began, self._now() - self._monotonic()
        if abs(self._began - before) > _STEP:
            self._skew = 0.0

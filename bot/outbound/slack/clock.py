"""Slack's clock, read from the `Date` header of its answers."""

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from bot.core.requests import MOST_SKEW

_log = logging.getLogger(__name__)

AGREEMENT = 5.0
"""Seconds by which answers that agree can differ."""

MOST_ANSWERS, KEPT = 5, 600.0
"""The most answers that count, and for how many seconds."""

_STEP = 1.0  # seconds; a clock that is adjusted slowly changes less between two requests
_RESOLUTION = 1.0  # seconds, of the header
_ABSURD = 86_400.0


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


@dataclass(frozen=True, slots=True)
class Answer:
    """The skew that an answer says, and the monotonic time at which it came."""

    skew: float
    at: float


class SlackClock:
    """Slack's time in Unix seconds; `now` is this machine's. Until Slack has answered, they are the same."""

    def __init__(self, now: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._monotonic = monotonic
        self._began = now() - monotonic()
        self._answers: Sequence[Answer] = ()
        self._most_skew = _ABSURD
        self._was_certain = True

    def __call__(self) -> float:
        """Return Slack's time."""
        skews = self._skews()
        return self._now() + (statistics.median(skews) if skews else 0.0)

    @property
    def is_certain(self) -> bool:
        """Return whether Slack's answers agree."""
        skews = self._skews()
        return not skews or max(skews) - min(skews) <= AGREEMENT

    def observe(self, date: str | None, *, seconds: float) -> None:
        """Read the header of the answer to a request that took so many seconds. An unreadable one changes nothing."""
        skew = read_skew(date, began=self._now() - seconds, ended=self._now())
        if skew is None or abs(skew) >= _ABSURD:
            return
        self._forget_after_step()
        now = self._monotonic()
        recent = [one for one in self._answers if one.at > now - KEPT] or self._answers[-1:]  # one stays, however old
        self._answers = [*recent, Answer(skew, now)][-MOST_ANSWERS:]
        if self._was_certain and not self.is_certain:
            _log.warning("Slack's answers differ about the time", extra={"seconds_ahead": str(self._skews())})
        self._was_certain = self.is_certain

    def accept_signed(self) -> None:
        """Record that a signed request was recent by this machine's clock, so that it is at most 300 s wrong."""
        self._forget_after_step()
        self._most_skew = MOST_SKEW

    def _skews(self) -> Sequence[float]:
        self._forget_after_step()
        return [one.skew for one in self._answers if abs(one.skew) <= self._most_skew]

    def _forget_after_step(self) -> None:
        """Forget everything if this machine's clock was set."""
        before, self._began = self._began, self._now() - self._monotonic()
        if abs(self._began - before) > _STEP:
            self._answers, self._most_skew = (), _ABSURD

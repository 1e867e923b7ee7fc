"""Health of the bot: whether it is ready, and the events that are counted."""

import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)


class Readiness:
    """Obstacles to readiness and degradations: name to the reason for the operator.

    With an obstacle no request can be answered. A degraded bot stays ready: a load balancer that took it away would
    take away the pauses that still work.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.degraded: dict[str, str] = {}

    def block(self, name: str, reason: str) -> None:
        """Add an obstacle, or change its reason."""
        self.reasons[name] = reason

    def clear(self, name: str) -> None:
        """Remove an obstacle."""
        self.reasons.pop(name, None)

    def degrade(self, name: str, reason: str) -> None:
        """Add a degradation, and log it; or change its reason."""
        if name not in self.degraded:
            _log.error("degraded", extra={"about": name, "why": reason})
        self.degraded[name] = reason

    def recover(self, name: str) -> None:
        """Remove a degradation, and log it."""
        if self.degraded.pop(name, None) is not None:
            _log.info("recovered", extra={"about": name})


BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 1800.0)  # seconds

Labels = tuple[str, ...]


@dataclass(eq=False, slots=True)
class Durations:
    """Counts of what is at most as long as each of BUCKETS and longer than the one before, and the sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    sum: float = 0.0


class Metrics:
    """Events, counted by metric and labels, which have few values each."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[Labels]] = defaultdict(Counter)
        self.durations: dict[tuple[str, Labels], Durations] = {}

    def count(self, metric: str, *labels: str) -> None:
        """Count an event."""
        self.counts[metric][labels] += 1

    def took(self, seconds: float, metric: str, *labels: str) -> None:
        """Count something with its duration; of a request, since Slack sent it."""
        durations = self.durations.setdefault((metric, labels), Durations())
        durations.counts[bisect_left(BUCKETS, seconds)] += 1
        durations.sum += seconds


OFF = Metrics()  # nobody reads it

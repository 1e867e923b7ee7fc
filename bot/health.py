"""Health of the bot: whether it is ready, and the events that are counted."""

import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
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

    def _took(self, seconds: float, metric: str, *labels: str) -> None:
        durations = self.durations.setdefault((metric, labels), Durations())
        durations.counts[bisect_left(BUCKETS, seconds)] += 1
        durations.sum += seconds

    def acknowledged(self, status: int, seconds: float) -> None:
        """Count the answer to a request of Slack, its HTTP status, and the time since Slack sent it."""
        self._took(seconds, "ack", str(status))

    def settled(self, verb: str, source: str, outcome: str, seconds: float) -> None:
        """Count the outcome of an order, and the time since Slack sent the request."""
        self.counts["orders"][verb, source, outcome] += 1
        self._took(seconds, "order_outcome", verb)

    def delivered(self, verb: str, route: str | None, seconds: float) -> None:
        """Count the route of a delivery (None: Slack refused all), and the time since Slack sent the request."""
        self._took(seconds, "order_delivery", verb, route or "none")

    def attempted(self, verb: str, outcome: str, seconds: float) -> None:
        """Count an attempt at Anchor and its duration."""
        self._took(seconds, "anchor_attempt", verb, outcome)

    def alerted(self, outcome: str) -> None:
        """Count an alert."""
        self.counts["alerts"][(outcome,)] += 1


OFF = Metrics()  # nobody reads it


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue: how many wait, and for how many seconds the oldest has."""

    depth: int
    oldest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state at a scrape: `facts` about the bot, and the `backlog` of results."""

    facts: Mapping[str, str]
    readiness: Readiness
    leads: Callable[[], bool]
    backlog: Callable[[], Backlog]
    database_errors: Callable[[], int]

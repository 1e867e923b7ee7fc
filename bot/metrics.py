"""All metrics, with their texts and labels; the events that are counted, and their durations.

Labels have no ids and no names. https://prometheus.io/docs/practices/naming/
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import product
from typing import get_args

from bot.core.orders import Source, Verb
from bot.core.outcomes import AnchorOutcome, Broken, Done, NotDone, Unconfirmed, Why

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 1800.0)  # seconds

COUNTERS = {
    "orders": ("Pauses and resumes by source and outcome; result is the outcome's kind.", "verb source outcome result"),
    "alerts": ("Alerts of programs, by their outcome.", "outcome"),
    "database_errors": ("Failed calls of the database.", ""),
}
GAUGES = {
    "info": ("The bot that runs.", "version"),
    "ready": ("1 if /readyz is 200.", ""),
    "leader": ("1 if this process leads.", ""),
    "degraded": ("1 if this part does not work as it should.", "part"),
}
DURATIONS = {
    "ack": ("Time from Slack's clock to the answer to a request, by its HTTP status.", "status"),
    "order_outcome": ("Time from Slack's clock to the outcome of an order.", "verb"),
    "order_delivery": (
        "Time from Slack's clock until the person was told, by the route; none: Slack refused every route.",
        "verb route",
    ),
    "anchor_attempt": ("Duration of attempts at Anchor.", "verb outcome"),
}
"""The text of each metric and its labels."""

RESULTS = {
    **dict.fromkeys((one.__name__ for one in get_args(Done)), "done"),
    **dict.fromkeys((one.__name__ for one in get_args(NotDone)), "not-done"),
    **dict.fromkeys((one.__name__ for one in (Unconfirmed, Broken)), "unconfirmed"),
    **dict.fromkeys(Why, "refused"),
}
_ROUTES = ("ack", "response_url", "response_url without thread", "channel", "direct message", "nobody", "none")
PARTS = ("anchor_key", "database", "journal", "slack")  # what can be degraded

Labels = tuple[str, ...]
FROM_START: dict[str, tuple[Labels, ...]] = {
    "orders": tuple(product(Verb, Source, RESULTS)),
    "alerts": tuple(product(("Posted", "Folded", "Ignored", "Refused", "TryAgain", "Doubtful", "Invalid", "Rejected"))),
    "order_delivery": tuple(product(Verb, _ROUTES)),
    "anchor_attempt": tuple(product(Verb, (outcome.__name__ for outcome in get_args(AnchorOutcome)))),
}
"""Labels with a value from the start: `increase` and `rate` do not see the first value of a series."""


@dataclass(slots=True, eq=False, repr=False)
class Durations:
    """Counts of what is at most as long as each of BUCKETS and longer than the one before, and the sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    sum: float = 0.0


class Metrics:
    """Events, counted by metric and labels, which have few values each."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[Labels]] = defaultdict(Counter)
        self.durations: defaultdict[tuple[str, Labels], Durations] = defaultdict(Durations)

    def count(self, metric: str, *labels: str) -> None:
        """Count an event."""
        self.counts[metric][labels] += 1

    def took(self, seconds: float, metric: str, *labels: str) -> None:
        """Count something with its duration; of a request, since Slack sent it."""
        durations = self.durations[metric, labels]
        durations.counts[bisect_left(BUCKETS, seconds)] += 1
        durations.sum += seconds


OFF = Metrics()  # nobody reads it

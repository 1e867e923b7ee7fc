"""The events that are counted, and their durations."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

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

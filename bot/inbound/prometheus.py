"""The page of the metrics in Prometheus' format. Only a bot with METRICS_PORT loads this module: it takes memory.

Labels have no ids and no names. https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Any, get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bot.core.orders import Source, Verb
from bot.core.outcomes import AnchorOutcome, Broken, Done, NotDone, Unconfirmed, Why
from bot.metrics import BUCKETS, Durations, Labels, Metrics
from bot.runtime import Readiness

PARTS = ("anchor_key", "database", "journal", "slack")  # what can be degraded

_ROUTES = ("ack", "response_url", "response_url without thread", "channel", "direct message", "nobody", "none")
_ANSWERS = tuple(outcome.__name__ for outcome in get_args(AnchorOutcome))
_ALERTS = ("Posted", "Folded", "Ignored", "Refused", "TryAgain", "Doubtful", "Invalid", "Rejected")
_RESULTS = {
    **dict.fromkeys((one.__name__ for one in get_args(Done)), "done"),
    **dict.fromkeys((one.__name__ for one in get_args(NotDone)), "not-done"),
    **dict.fromkeys((one.__name__ for one in (Unconfirmed, Broken)), "unconfirmed"),
    **dict.fromkeys(Why, "refused"),
}
_BOUNDS = (*map(str, BUCKETS), "+Inf")
_VERBS = tuple(verb.value for verb in Verb)

_DURATIONS = {
    "ack": ("Time from Slack's clock to the answer to a request, by its HTTP status.", "status"),
    "order_outcome": ("Time from Slack's clock to the outcome of an order.", "verb"),
    "order_delivery": (
        "Time from Slack's clock until the person was told, by the route; none: Slack refused every route.",
        "verb route",
    ),
    "anchor_attempt": ("Duration of attempts at Anchor.", "verb outcome"),
}
"""The text of each metric and its labels."""


_Family = tuple[str, str, str, Mapping[Any, float]]
"""The name, the text and the labels of a metric, and its value by their values."""


def page(metrics: Metrics, readiness: Readiness, version: str, *, leads: bool, database_errors: int) -> bytes:
    """Return the page."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Page(metrics, readiness, version, leads, database_errors))
    return generate_latest(registry)


@dataclass(eq=False)
class _Page(Collector):
    metrics: Metrics
    readiness: Readiness
    version: str
    leads: bool
    database_errors: int

    def collect(self) -> Iterable[Metric]:
        for kind, families in ((CounterMetricFamily, self._counters()), (GaugeMetricFamily, self._gauges())):
            for name, text, labels, values in families:
                family = kind(f"anchor_bot_{name}", text, labels=labels.split())
                for of_labels, value in values.items():
                    family.add_metric(of_labels, value)
                yield family
        yield from self._histograms()

    def _counters(self) -> Iterator[_Family]:
        """Yield each outcome from the start: `increase` and `rate` do not see the first value of a series."""
        orders: dict[Labels, int] = dict.fromkeys(product(_VERBS, (source.value for source in Source), _RESULTS), 0)
        orders |= self.metrics.counts["orders"]
        results = {(*labels, _RESULTS[labels[-1]]): count for labels, count in orders.items()}
        alerts: dict[Labels, int] = dict.fromkeys(product(_ALERTS), 0)
        alerts |= self.metrics.counts["alerts"]
        about = "Pauses and resumes, by their source and outcome; result is the kind of outcome."
        yield "orders", about, "verb source outcome result", results
        yield "alerts", "Alerts of programs, by their outcome.", "outcome", alerts
        yield "database_errors", "Failed calls of the database.", "", {(): self.database_errors}

    def _gauges(self) -> Iterator[_Family]:
        degraded = self.readiness.degraded
        yield "info", "The bot that runs.", "version", {(self.version,): 1}
        yield "ready", "1 if /readyz is 200.", "", {(): not self.readiness.reasons}
        yield "leader", "1 if this process leads.", "", {(): self.leads}
        parts = {(part,): part in degraded for part in sorted({*PARTS, *degraded})}
        yield "degraded", "1 if this part does not work as it should.", "part", parts

    def _histograms(self) -> Iterator[Metric]:
        zero = {"order_delivery": product(_VERBS, _ROUTES), "anchor_attempt": product(_VERBS, _ANSWERS)}
        for name, (text, labels) in _DURATIONS.items():
            histogram = HistogramMetricFamily(f"anchor_bot_{name}_seconds", text, labels=labels.split())
            found = {values: took for (metric, values), took in self.metrics.durations.items() if metric == name}
            for values in dict.fromkeys((*zero.get(name, ()), *found)):
                took = found.get(values, Durations())
                histogram.add_metric(values, list(zip(_BOUNDS, accumulate(took.counts), strict=True)), took.sum)
            yield histogram

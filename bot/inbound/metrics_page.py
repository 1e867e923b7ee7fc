"""The page of the metrics in Prometheus' format. Only a bot with METRICS_PORT loads this module: it takes memory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bot.metrics import BUCKETS, COUNTERS, DURATIONS, FROM_START, GAUGES, PARTS, RESULTS, Durations, Metrics
from bot.runtime import Readiness

_BOUNDS = (*map(str, BUCKETS), "+Inf")


def page(metrics: Metrics, readiness: Readiness, version: str, *, leads: bool, database_errors: int) -> bytes:
    """Return the page."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Page(metrics, readiness, version, leads, database_errors))
    return generate_latest(registry)


@dataclass(eq=False, repr=False)
class _Page(Collector):
    metrics: Metrics
    readiness: Readiness
    version: str
    leads: bool
    database_errors: int

    def collect(self) -> Iterable[Metric]:
        counters, gauges = (CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)
        for (kind, metrics), values in ((counters, self._counters()), (gauges, self._gauges())):
            for name, (text, labels) in metrics.items():
                family = kind(f"anchor_bot_{name}", text, labels=labels.split())
                for of_labels, value in values[name].items():
                    family.add_metric(of_labels, value)
                yield family
        yield from self._histograms()

    def _counters(self) -> Mapping[str, Mapping[Any, float]]:
        counts = {name: dict.fromkeys(FROM_START.get(name, ()), 0) | self.metrics.counts[name] for name in COUNTERS}
        results = {(*labels, RESULTS[labels[-1]]): count for labels, count in counts["orders"].items()}
        return counts | {"orders": results, "database_errors": {(): self.database_errors}}

    def _gauges(self) -> Mapping[str, Mapping[Any, float]]:
        degraded, info = self.readiness.degraded, {(self.version,): 1}
        parts = {(part,): part in degraded for part in sorted({*PARTS, *degraded})}
        is_ready = {(): not self.readiness.reasons}
        return {"info": info, "ready": is_ready, "leader": {(): self.leads}, "degraded": parts}

    def _histograms(self) -> Iterator[Metric]:
        for name, (text, labels) in DURATIONS.items():
            histogram = HistogramMetricFamily(f"anchor_bot_{name}_seconds", text, labels=labels.split())
            found = {values: took for (metric, values), took in self.metrics.durations.items() if metric == name}
            for values in dict.fromkeys((*FROM_START.get(name, ()), *found)):
                took = found.get(values, Durations())
                histogram.add_metric(values, list(zip(_BOUNDS, accumulate(took.counts), strict=True)), took.sum)
            yield histogram

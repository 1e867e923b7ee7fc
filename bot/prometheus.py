"""The metrics in Prometheus' format. Only a bot with METRICS_PORT loads this module: it takes time and memory.

Labels have few values each: no ids, and no names but of tokens and of a few alerts. https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bot.core.history import OUTCOMES
from bot.core.outcomes import AnchorOutcome
from bot.core.requests import Source, Verb
from bot.health import Metrics, State

PARTS = ("alerts", "anchor_key", "database", "disk", "journal", "slack", "wal")  # what can be degraded

_ROUTES = ("ack", "response_url", "response_url without thread", "channel", "direct message", "nobody", "none")
_INTERACTIONS = ("block_actions", "interactive_message", "message_action", "shortcut", "view_submission", "view_closed")
_KINDS = frozenset({"command", "event", *_INTERACTIONS})
_ANSWERS = tuple(outcome.__name__ for outcome in get_args(AnchorOutcome))
_ALERTS = ("Posted", "Folded", "Ignored", "Refused", "TryAgain", "Doubtful", "Invalid", "Rejected")
_MOST_NAMES = 50  # of alerts
_ACK = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0)
_ORDER = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 1800.0)
_ATTEMPT = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_RESULTS = {outcome: result.value for result, outcomes in OUTCOMES.items() for outcome in outcomes}


class PrometheusMetrics(Metrics):
    """Counters and histograms, and the state when they are fetched."""

    def __init__(self, senders: Iterable[str] = ()) -> None:
        """Keep the names of the alert tokens of the settings: other ones are no labels."""
        self._senders = {"", *senders}
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        ProcessCollector(registry=self.registry)
        self._acks = histogram(
            "anchor_bot_ack_seconds",
            "Time from Slack's clock to the answer to a request, by its kind and HTTP status.",
            ("kind", "status"),
            buckets=_ACK,
        )
        self._orders = counter(
            "anchor_bot_orders",
            "Pauses and resumes, by their source and outcome; result is the kind of outcome.",
            ("verb", "source", "outcome", "result"),
        )
        self._outcomes = histogram(
            "anchor_bot_order_outcome_seconds",
            "Time from Slack's clock to the outcome of an order.",
            ("verb",),
            buckets=_ORDER,
        )
        self._deliveries = histogram(
            "anchor_bot_order_delivery_seconds",
            "Time from Slack's clock until the person was told, by the route; none: Slack refused every route.",
            ("verb", "route"),
            buckets=_ORDER,
        )
        self._attempts = histogram(
            "anchor_bot_anchor_attempt_seconds",
            "Duration of attempts at Anchor.",
            ("verb", "outcome"),
            buckets=_ATTEMPT,
        )
        self._alerts = counter(
            "anchor_bot_alerts", "Alerts of programs, by their outcome and sender.", ("outcome", "sender")
        )
        no_session = "Alerts without a session that can be read, by their name."
        self._sessionless = counter("anchor_bot_alerts_without_session", no_session, ("alertname",))
        self._alertnames: set[str] = set()
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Export each outcome from the start: `increase` and `rate` do not see the first value of a series."""
        for verb in Verb:
            for source in Source:
                for outcome, result in _RESULTS.items():
                    self._orders.labels(verb.value, source.value, outcome, result)
            for route in _ROUTES:
                self._deliveries.labels(verb.value, route)
            for answer in _ANSWERS:
                self._attempts.labels(verb.value, answer)
        for outcome in _ALERTS:
            for sender in self._senders:
                self._alerts.labels(outcome, sender)

    def acknowledged(self, kind: str, status: int, seconds: float) -> None:
        """Observe an ack."""
        self._acks.labels(kind if kind in _KINDS else "other", str(status)).observe(seconds)

    def settled(self, verb: str, source: str, outcome: str, seconds: float) -> None:
        """Count an order, and observe the time to its outcome."""
        self._orders.labels(verb, source, outcome, _RESULTS[outcome]).inc()
        self._outcomes.labels(verb).observe(seconds)

    def delivered(self, verb: str, route: str | None, seconds: float) -> None:
        """Observe a delivery."""
        self._deliveries.labels(verb, route or "none").observe(seconds)

    def attempted(self, verb: str, outcome: str, seconds: float) -> None:
        """Observe an attempt."""
        self._attempts.labels(verb, outcome).observe(seconds)

    def alerted(self, outcome: str, sender: str = "") -> None:
        """Count an alert."""
        self._alerts.labels(outcome, sender if sender in self._senders else "").inc()

    def lost_session(self, alertname: str) -> None:
        """Count an alert without a session."""
        if len(self._alertnames) < _MOST_NAMES:
            self._alertnames.add(alertname)
        self._sessionless.labels(alertname if alertname in self._alertnames else "").inc()

    def read_at_scrape(self, state: State) -> None:
        """Export this state as well."""
        self.registry.register(_StateCollector(state))

    def page(self) -> bytes:
        """Return the page of the metrics."""
        return generate_latest(self.registry)


@dataclass(eq=False)
class _StateCollector(Collector):
    state: State

    def collect(self) -> Iterable[Metric]:
        state, reasons = self.state, self.state.readiness.reasons
        info = GaugeMetricFamily("anchor_bot_info", "The bot that runs, in its labels.", labels=list(state.facts))
        info.add_metric(list(state.facts.values()), 1)
        yield info
        yield GaugeMetricFamily("anchor_bot_ready", "1 if /readyz is 200.", not reasons)
        if state.has_socket:
            yield GaugeMetricFamily("anchor_bot_socket_connected", "1 if Socket Mode works.", "socket" not in reasons)
        if state.has_key:
            is_accepted = "anchor_key" not in state.readiness.degraded
            yield GaugeMetricFamily("anchor_bot_key_accepted", "0 if Anchor refuses ANCHOR_API_KEY.", is_accepted)
        parts = {part: float(part in state.readiness.degraded) for part in sorted({*PARTS, *state.readiness.degraded})}
        yield _gauge("anchor_bot_degraded", "1 if this part does not work as it should.", "part", parts)
        results = state.backlog()
        depth, oldest = {"results": results.depth}, {"results": results.oldest}
        yield _gauge("anchor_bot_outbox_depth", "Messages that Slack has not taken yet.", "outbox", depth)
        yield _gauge("anchor_bot_outbox_oldest_seconds", "Age of the oldest of them.", "outbox", oldest)
        yield CounterMetricFamily(
            "anchor_bot_database_errors", "Failed calls of the database.", state.database_errors()
        )
        yield CounterMetricFamily("anchor_bot_log_lines_dropped", "Lines that nobody read.", state.dropped_lines())


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        gauge.add_metric([value], number)
    return gauge

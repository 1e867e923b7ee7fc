"""The metrics of the bot as the rest of it sees them: events to count, and the state that is read at each scrape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.health import Readiness


class Metrics:
    """Receiver of events. This one does nothing: metrics are off unless METRICS_PORT is set. Times are in seconds."""

    def acknowledged(self, kind: str, status: int, seconds: float) -> None:
        """Record the answer to Slack's request of a kind, its HTTP status, and the time since Slack sent it."""

    def settled(self, verb: str, source: str, outcome: str, seconds: float) -> None:
        """Record the outcome of an order, and the time since Slack sent the request."""

    def delivered(self, verb: str, route: str | None, seconds: float) -> None:
        """Record the route of a delivery (None: Slack refused all), and the time since Slack sent the request."""

    def attempted(self, verb: str, outcome: str, seconds: float) -> None:
        """Record an attempt at Anchor and its duration."""

    def alerted(self, outcome: str) -> None:
        """Record an alert."""

    def read_at_scrape(self, state: "State") -> None:
        """Export this state as well."""

    def page(self) -> bytes:
        """Return the page of the metrics."""
        return b""


OFF = Metrics()


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue: how many wait, and for how many seconds the oldest has."""

    depth: int = 0
    oldest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state at a scrape. `facts` describe the bot; `outboxes` are by name.

    `has_socket` says that the bot uses Socket Mode, `has_key` that the settings have its only Anchor key.
    """

    facts: Mapping[str, str]
    readiness: Readiness
    has_socket: bool
    has_key: bool
    outboxes: Mapping[str, Callable[[], Backlog]]
    database_errors: Callable[[], int]
    dropped_lines: Callable[[], int]

"""Health of the bot: whether it is ready, and the events that are counted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.runtime import until_tick

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


_RARELY = 60.0  # seconds, from which an interval is kept from one time to the next


async def repeat(check: Callable[[], Awaitable[None]], *, every: float, after: float = 0.0) -> None:
    """Run a check `after` and then `every` so many seconds until cancelled; frequent ones together with others."""
    await asyncio.sleep(after)
    while True:
        try:
            await check()
        except Exception:  # noqa: BLE001 - the next check may work
            _log.exception("health check failed")
        await asyncio.sleep(until_tick(every) if every < _RARELY else every)


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

    def alerted(self, outcome: str, sender: str = "") -> None:
        """Record an alert, and the name of its token if that is valid."""

    def lost_session(self, alertname: str) -> None:
        """Record an alert without a session that can be read."""

    def read_at_scrape(self, state: "State") -> None:
        """Export this state as well."""

    def page(self) -> bytes:
        """Return the page of the metrics."""
        return b""


OFF = Metrics()


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue: how many wait, and for how many seconds the oldest has."""

    depth: int
    oldest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state at a scrape: `facts` about the bot, the `backlog` of results; `has_key`: its key is in the settings."""

    facts: Mapping[str, str]
    readiness: Readiness
    has_socket: bool
    has_key: bool
    backlog: Callable[[], Backlog]
    database_errors: Callable[[], int]
    dropped_lines: Callable[[], int]

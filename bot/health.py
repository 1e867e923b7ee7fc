"""Health of the bot: whether it is ready, and which parts do not work as they should."""

import logging

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

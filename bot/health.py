"""Readiness for /readyz."""


class Readiness:
    """Obstacles to readiness: name to the reason for the operator. The bot is ready without any."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def block(self, name: str, reason: str) -> None:
        """Add an obstacle, or change its reason."""
        self.reasons[name] = reason

    def clear(self, name: str) -> None:
        """Remove an obstacle."""
        self.reasons.pop(name, None)

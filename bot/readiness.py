"""What stands between the bot and work, for /readyz."""


class Readiness:
    """Named obstacles, each with the reason an operator reads. No obstacle: ready."""

    def __init__(self, **obstacles: str) -> None:
        self._obstacles = obstacles

    @property
    def reasons(self) -> dict[str, str]:
        """The obstacles in the way now: name to reason."""
        return dict(self._obstacles)

    def block(self, name: str, reason: str) -> None:
        """Put an obstacle up, or change its reason."""
        self._obstacles[name] = reason

    def clear(self, name: str) -> None:
        """Take an obstacle away."""
        self._obstacles.pop(name, None)

"""Remember the last pause and the last resume of each session, so that an older order does not undo a newer one."""

from collections.abc import Callable

from cachetools import TTLCache

from bot.core.session_id import SessionId

Name = tuple[str, SessionId]
"""A session of a workspace."""

_MOST_SESSIONS = 10_000
_REMEMBER = 900.0  # seconds


class OrderLog:
    """The last sent order of one verb for each session: when it was given, on `clock` (in seconds), and by whom."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._last: TTLCache[Name, tuple[float, str]] = TTLCache(_MOST_SESSIONS, _REMEMBER, timer=clock)

    def add(self, name: Name, given_at: float, user_id: str) -> None:
        """Record an order that is being sent, unless a newer one is recorded."""
        if self.user_after(name, given_at) is None:
            self._last[name] = (given_at, user_id)

    def discard(self, name: Name) -> None:
        """Forget the last order, because it had no effect."""
        self._last.pop(name, None)

    def user_after(self, name: Name, given_at: float) -> str | None:
        """Return who gave such an order after that time, if anybody did."""
        last = self._last.get(name)
        return last[1] if last and last[0] > given_at else None

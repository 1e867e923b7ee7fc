"""Remember the last resume of each session, so that a late pause does not undo it unasked."""

from collections.abc import Callable

from cachetools import TTLCache

from bot.core.session_id import SessionId

Name = tuple[str, SessionId]
"""A session of a workspace."""

_MOST_SESSIONS = 100_000
_REMEMBER = 900.0  # seconds


class ResumeLog:
    """The resumes that were sent: when each was given, on `clock` (monotonic, in seconds), and by whom."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._resumes: TTLCache[Name, tuple[float, str]] = TTLCache(_MOST_SESSIONS, _REMEMBER, timer=clock)

    def add(self, name: Name, *, given_at: float, user_id: str) -> None:
        """Record a resume that is being sent."""
        self._resumes[name] = (given_at, user_id)

    def discard(self, name: Name) -> None:
        """Forget the last resume, because it resumed nothing."""
        self._resumes.pop(name, None)

    def resumed_after(self, name: Name, given_at: float) -> str | None:
        """Return who resumed the session after that time, if anybody did."""
        resume = self._resumes.get(name)
        return resume[1] if resume and resume[0] > given_at else None

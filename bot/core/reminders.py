"""Decide when people are reminded of a session that is paused: Anchor ends it in a while, and its work is lost."""

from dataclasses import dataclass, replace

from bot.core.requests import MOST_SKEW
from bot.core.sessions import Session

DEFAULT_MINUTES = 20.0
"""Anchor's own limit of a session's duration. https://docs.anchorbrowser.io/advanced/session-timeout"""

MOST_MINUTES = 43_200.0  # a longer limit is none
UNKNOWN_AFTER = 1_800.0  # seconds after the pause of a session whose end is not known, or that has none
LEAST_LEFT = 60.0  # seconds before the end from which a reminder comes too late
_LATEST = LEAST_LEFT + 15.0  # seconds before it, since a look can be some seconds late


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time at which a session ends at the latest (Unix seconds), by its own limit or by Anchor's default."""

    at: float
    is_default: bool = False


def deadline_of(session: Session, now: float) -> Deadline | None:
    """Return when a session ends, if Anchor states a start that is not in the future, and unless it has no limit."""
    is_default = session.max_minutes is None
    whole = replace(session, max_minutes=DEFAULT_MINUTES) if is_default else session
    is_odd = (whole.max_minutes or 0.0) > MOST_MINUTES or (session.created_at or 0.0) > now + MOST_SKEW
    return None if whole.ends_at is None or is_odd else Deadline(whole.ends_at, is_default)


def remind_at(deadline: Deadline | None, before: float, now: float) -> float | None:
    """Return when people are to be reminded, so many seconds `before` the deadline; None if that is UNKNOWN_AFTER.

    So it is if a reminder would come too late, and for a deadline in the past: the session still runs.
    """
    is_too_late = deadline is None or now > deadline.at - LEAST_LEFT
    return None if deadline is None or is_too_late else deadline.at - max(before, _LATEST)

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

LOOK_AFTER_END = 30.0  # seconds after the end of a session, until it is looked whether it has ended


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


def remind_at(paused_at: float, deadline: Deadline | None, before: float, now: float) -> float:
    """Return when people are to be reminded, or when it is to be seen whether the session has ended (Unix seconds).

    The reminder comes so many seconds `before` the deadline. One in the past is no deadline: the session still runs.
    """
    if deadline is None or now >= deadline.at + LOOK_AFTER_END:
        return paused_at + UNKNOWN_AFTER
    if now > deadline.at - LEAST_LEFT:
        return deadline.at + LOOK_AFTER_END
    return deadline.at - max(before, _LATEST)

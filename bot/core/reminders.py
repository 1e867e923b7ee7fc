"""When people are reminded of a paused session."""

from bot.core.sessions import Deadline

UNKNOWN_AFTER = 1_800.0  # seconds after the pause of a session whose end is not known, or that has none
LEAST_LEFT = 60.0  # seconds before the end from which a reminder comes too late
_SHORTEST_BEFORE = LEAST_LEFT + 15.0  # seconds before it, since a look can be some seconds late
TOGETHER = 300.0  # seconds for which the reminders of a batch come with its first one
MOST_LATE = 86_400.0  # seconds; then nobody is told: the bot was away, or its reminders were switched off


def remind_at(deadline: Deadline | None, before: float, now: float) -> float | None:
    """Return when people are to be reminded, so many seconds `before` the deadline; None if that is UNKNOWN_AFTER.

    So it is if a reminder would come too late, and for a deadline in the past: the session still runs.
    """
    is_too_late = deadline is None or now > deadline.at - LEAST_LEFT
    return None if deadline is None or is_too_late else deadline.at - max(before, _SHORTEST_BEFORE)

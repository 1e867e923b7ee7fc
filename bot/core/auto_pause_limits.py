"""The times and limits of pauses by alerts, and which are tried again. AUTO_PAUSE_LIMIT is a setting."""

from bot.core.outcomes import NAMES, NOT_AUTOMATIC, NotFound, NotRunning, Paused, Resumed, Why

RESPECTED = 600.0
"""Seconds for which nothing undoes a person's resume automatically, however long the alert has fired."""

ENDED_WITHIN = 60.0  # seconds for which a session that has ended is not paused
SAME_FIRING_WITHIN = 60.0  # seconds for which the same firing with another token sends no second pause

WINDOW, HELD_FOR = 60.0, 600.0
"""Seconds in which the sessions that alerts of a sender pause are counted, and for which others are held back."""

MOST_HELD = 1_000
"""The most sessions of a sender that were held back and are read for a window: the newest."""

AGAIN_AFTER = 60.0
"""Seconds after an attempt that did not pause the session, until the next one."""

LONGEST_TRIED = 86_400.0
"""Seconds after which a pause that failed is not tried again."""

MOST_DUE = 200  # that are tried again at once: those that were tried longest ago

_NOT_AGAIN = {one.__name__ for one in (Paused, Resumed, NotRunning, NotFound)}
_NOT_AGAIN |= {Why.STORE_UNAVAILABLE, Why.PAUSED_BEFORE}
TRIED_AGAIN = NAMES - NOT_AUTOMATIC - _NOT_AGAIN
"""The outcomes after which a pause is tried again."""

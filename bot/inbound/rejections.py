"""Say in the log that requests are turned away: seldom, so that strangers can't fill it, and without their words."""

import logging
from collections import Counter
from collections.abc import Callable

from bot.inbound.door import Rejected

_log = logging.getLogger(__name__)

_PAUSE_BETWEEN_LINES = 10.0


class Rejections:
    """Counts rejections, and logs one of each HTTP status at most every 10 s. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unsaid: Counter[int] = Counter()
        self._silent_until: dict[int, float] = {}

    def note(self, rejected: Rejected) -> None:
        """Count one, and say it now if nothing of the kind was said of late."""
        self._unsaid[rejected.status] += 1
        now = self._clock()
        if now < self._silent_until.get(rejected.status, now):
            return
        self._silent_until[rejected.status] = now + _PAUSE_BETWEEN_LINES
        fields = {"status": rejected.status, "why": rejected.why, "count": self._unsaid.pop(rejected.status)}
        _log.warning("requests turned away", extra=fields)

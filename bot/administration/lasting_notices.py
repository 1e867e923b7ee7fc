"""What somebody is still to do something about is shown in their Home until they have had time for it."""

from collections.abc import Callable

from bot.core.messages.home import Notice

LASTS = 300.0
"""Seconds: enough to go to a channel, invite the app there, and come back."""

_Person = tuple[str, str]


class LastingNotices:
    """The last notice of each person, where it `lasts`. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[_Person, tuple[Notice, float]] = {}  # and until when

    def show(self, person: _Person, notice: Notice | None) -> Notice | None:
        """The one to show now: this new one, or else the last one, if there still is one."""
        now = self._clock()
        self._kept = {whose: kept for whose, kept in self._kept.items() if now < kept[1]}
        if notice is None:
            return self._kept[person][0] if person in self._kept else None
        self._kept.pop(person, None)
        if notice.lasts:
            self._kept[person] = (notice, now + LASTS)
        return notice

"""Decide what is read at Anchor about the sessions of cards, in the background."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.core.session_ids import SessionId
from bot.core.sessions import MOST_PAGES, NotRead, Session, SessionPage

MOST_READS = 9
"""The most requests of a check: so 20 sessions that are in no list are read within four minutes."""

MOST_AFTER_PAUSES, READS_WINDOW = 3, 60.0
"""The most reads of sessions that were paused, each of two requests, of a workspace and process within a time."""

CHECKED_INTERVAL = 900.0
"""Seconds after which a session is read again that Anchor does not know."""

OWN_LIST = 0
_ENDS_CHECK = frozenset({None, 429, 502, 503, 504})  # the statuses, None without an answer

Target = int | SessionId
"""What one request reads: OWN_LIST (the sessions of the key), a page of the team's running list, or a session."""

Answer = SessionPage | Session | NotRead


@dataclass(slots=True)
class Check:
    """One check of the `sessions` with open cards, of which the one that was not read for the longest time is first.

    First comes the key's own list, then the team's running list, as long as it can have a session that was not found,
    and then one session after the other: a list does not tell that a session has ended which another key made. `room`
    is the number of requests that are left. `new` sessions lack the facts that only the team's list has. Of those that
    are `ending` it is to be read when they end. Sessions that were `asked` alone need not be `found`; those that Anchor
    does not know are `unknown`. A `failure` ends the check.
    """

    sessions: Sequence[SessionId]
    room: int = MOST_READS
    new: frozenset[SessionId] = frozenset()
    ending: frozenset[SessionId] = frozenset()
    found: dict[SessionId, Session] = field(default_factory=dict)
    asked: list[SessionId] = field(default_factory=list)
    unknown: list[SessionId] = field(default_factory=list)
    failure: NotRead | None = None
    _page: int = OWN_LIST
    _left: list[SessionId] | None = None

    def next_read(self) -> Target | None:
        """Return what to read now; None at the end."""
        missing = [one for one in self.sessions if one not in self.found or self._lacks_end(self.found[one])]
        most = MOST_PAGES if missing else int(bool(self.new))
        target: Target | None = self._page
        if self._left is not None or self._page > most:
            if self._left is None:
                self._left = missing
            target = self._left.pop(0) if self._left else None
        if self.failure is not None or self.room <= 0 or target is None:
            return None
        self.room -= 1
        return target

    def record(self, target: Target, read: Answer) -> None:
        """Record the answer. A missing one, or a rate limit, ends the check, and so does a failure of the own list."""
        if isinstance(read, NotRead) and (target == OWN_LIST or read.status_code in _ENDS_CHECK):
            self.failure = read
        elif not isinstance(target, int):
            self.asked.append(target)
            if isinstance(read, Session):
                self.found[target] = read
            elif isinstance(read, NotRead) and read.is_missing:
                self.unknown.append(target)
        elif isinstance(read, SessionPage):
            self._page = target + 1 if target == OWN_LIST or not read.is_last else MOST_PAGES + 1
            wanted = set(self.sessions)
            for one in read.sessions:
                if one.id in wanted:
                    self.found[one.id] = one.with_newer(self.found[one.id]) if one.id in self.found else one
        else:
            self._page = MOST_PAGES + 1

    @property
    def ends(self) -> list[Session]:
        """Return those of which it was read when they end."""
        return [one for one in self.found.values() if one.id in self.ending and not self._lacks_end(one)]

    def _lacks_end(self, session: Session) -> bool:
        """Return whether a list does not say how long a session lasts, so that it is to be read alone."""
        return session.id in self.ending and session.max_minutes is None and session.id not in self.asked

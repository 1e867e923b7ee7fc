"""Limit what one person can have under way, how many sessions they resume, and how often they repeat a resume."""

from collections.abc import Callable

from cachetools import LRUCache

from bot.core.fairness import Tally, TimeWindow
from bot.core.outcomes import Limited, Overloaded, TooManyRepeats, TooManyResumes
from bot.core.requests import Order, Person, Verb
from bot.core.session_ids import SessionId
from bot.usecases.fair_queue import CAPACITY, SHARE

MOST_RESUMES, RESUMES_WITHIN = 30, 60.0
"""The most sessions that a person resumes within so many seconds. People confirm each resume, which takes 2 seconds."""

MOST_REPEATS, REPEATS_WITHIN = 5, 10.0
"""The most times that a person resumes the same session within so many seconds."""

MOST_REMEMBERED = 10_000

_Resume = tuple[Person, SessionId]


class OrderLimits:
    """Limits of the orders of each person. `clock` is monotonic, in seconds.

    No pause is refused for its rate: the last order of all wins, so each can be the one that matters.
    """

    def __init__(self, clock: Callable[[], float], *, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._unfinished: Tally[Person] = Tally()
        self._resumes: LRUCache[Person, TimeWindow] = LRUCache(MOST_REMEMBERED)
        self._repeats: LRUCache[_Resume, TimeWindow] = LRUCache(MOST_REMEMBERED)

    def begin(self, order: Order) -> Overloaded | Limited | None:
        """Count an order as unfinished, or return the limit that it exceeds."""
        person = order.actor.person
        if self._unfinished.total >= self._capacity or self._unfinished[person] >= self._capacity // SHARE:
            return Overloaded()
        if order.verb is Verb.RESUME and (limited := self._limit_resumes(person, order.session_id)):
            return limited
        self._unfinished.add(person)
        return None

    def _limit_resumes(self, person: Person, session_id: SessionId) -> Limited | None:
        repeats = self._repeats.setdefault((person, session_id), TimeWindow(MOST_REPEATS, REPEATS_WITHIN))
        resumes = self._resumes.setdefault(person, TimeWindow(MOST_RESUMES, RESUMES_WITHIN))
        now = self._clock()
        if retry_after := repeats.retry_after(now):
            return TooManyRepeats(retry_after)
        if retry_after := resumes.retry_after(now):
            return TooManyResumes(retry_after)
        repeats.add(now)
        resumes.add(now)
        return None

    def end(self, order: Order) -> None:
        """Count an order as finished."""
        self._unfinished.remove(order.actor.person)

"""Limit what one person can have under way, how many sessions they resume, and how often they repeat an order."""

from collections.abc import Callable

from cachetools import LRUCache

from bot.core.outcomes import Limited, Overloaded, TooManyRepeats, TooManyResumes
from bot.core.requests import Order, Person, Verb
from bot.core.session_id import SessionId
from bot.core.tally import Tally
from bot.core.time_window import TimeWindow
from bot.usecases.fair_queue import CAPACITY, SHARE

MOST_RESUMES, RESUMES_WITHIN = 30, 60.0
"""The most sessions that a person resumes within so many seconds. People confirm each resume, which takes 2 seconds."""

MOST_REPEATS, REPEATS_WITHIN = 5, 10.0
"""The most times that a person orders the same within so many seconds."""

_MOST_REMEMBERED = 10_000

_Same = tuple[Person, Verb, SessionId]


class OrderLimits:
    """Limits of the orders of each person. `clock` is monotonic, in seconds.

    No pause is refused for its rate. One that repeats many others is not executed while one of them is.
    """

    def __init__(self, clock: Callable[[], float], *, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._unfinished: Tally[Person] = Tally()
        self._executing: Tally[_Same] = Tally()
        self._resumes: LRUCache[Person, TimeWindow] = LRUCache(_MOST_REMEMBERED)
        self._repeats: LRUCache[_Same, TimeWindow] = LRUCache(_MOST_REMEMBERED)

    def begin(self, order: Order) -> Overloaded | Limited | None:
        """Count an order as unfinished, or return the limit that it exceeds."""
        person, same = order.actor.person, _same(order)
        if self._unfinished.total >= self._capacity or self._unfinished[person] >= self._capacity // SHARE:
            return Overloaded()
        now, repeats = self._clock(), self._repeats.setdefault(same, TimeWindow(MOST_REPEATS, REPEATS_WITHIN))
        if retry_after := repeats.retry_after(now):
            if order.verb is Verb.RESUME:
                return TooManyRepeats(retry_after)
            if self._executing[same]:
                return TooManyRepeats()
        if order.verb is Verb.RESUME:
            resumes = self._resumes.setdefault(person, TimeWindow(MOST_RESUMES, RESUMES_WITHIN))
            if retry_after := resumes.retry_after(now):
                return TooManyResumes(retry_after)
            resumes.add(now)
        repeats.add(now)
        self._unfinished.add(person)
        self._executing.add(same)
        return None

    def end(self, order: Order) -> None:
        """Count an order as finished."""
        self._unfinished.remove(order.actor.person)
        self._executing.remove(_same(order))


def _same(order: Order) -> _Same:
    return (order.actor.person, order.verb, order.session_id)

"""Each person has limits. None of them refuses a pause for its rate."""

import pytest

from bot.core.outcomes import Overloaded, TooManyRepeats, TooManyResumes
from bot.core.requests import Actor, Order, Verb
from bot.core.session_id import SessionId
from bot.usecases.order_limits import MOST_REPEATS, MOST_RESUMES, REPEATS_WITHIN, RESUMES_WITHIN, OrderLimits
from harness import SESSION


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def order(verb: Verb, number: int = 0, user: str = "U0ALICE0001") -> Order:
    """An order of Alice for one of many sessions."""
    return Order(verb, SessionId(f"{number:08}{SESSION[8:]}"), Actor("T0HOME00001", "C0ALERTS001", user))


def test_one_person_can_have_a_third_of_the_capacity_unfinished(clock: Clock) -> None:
    limits = OrderLimits(clock, capacity=6)
    pauses = [order(Verb.PAUSE, number) for number in range(3)]
    assert [limits.begin(one) for one in pauses] == [None, None, Overloaded()]
    assert [limits.begin(order(Verb.PAUSE, 0, f"U{number}")) for number in range(5)] == [None] * 4 + [Overloaded()]
    limits.end(pauses[0])
    assert limits.begin(pauses[2]) is None


def test_resumes_of_many_sessions_are_limited_per_minute_and_pauses_are_not(clock: Clock) -> None:
    limits = OrderLimits(clock)
    for number in range(MOST_RESUMES):
        assert limits.begin(order(Verb.RESUME, number)) is None
        clock.now += 1.0
    wait = RESUMES_WITHIN - MOST_RESUMES
    assert limits.begin(order(Verb.RESUME, 1000)) == TooManyResumes(wait)
    assert limits.begin(order(Verb.RESUME, 1000, "U0BOB000001")) is None
    assert [limits.begin(order(Verb.PAUSE, number)) for number in range(10 * MOST_RESUMES)] == [
        None
    ] * 10 * MOST_RESUMES
    clock.now += wait
    assert limits.begin(order(Verb.RESUME, 1000)) is None


def test_the_same_resume_is_limited_until_the_first_ones_are_some_seconds_old(clock: Clock) -> None:
    limits = OrderLimits(clock)
    for _ in range(MOST_REPEATS):
        assert limits.begin(order(Verb.RESUME)) is None
        limits.end(order(Verb.RESUME))
    assert limits.begin(order(Verb.RESUME)) == TooManyRepeats(REPEATS_WITHIN)
    assert limits.begin(order(Verb.RESUME, 1)) is None
    clock.now += REPEATS_WITHIN
    assert limits.begin(order(Verb.RESUME)) is None


def test_the_same_pause_is_not_limited(clock: Clock) -> None:
    limits = OrderLimits(clock)
    assert [limits.begin(order(Verb.PAUSE)) for _ in range(2 * MOST_REPEATS)] == [None] * 2 * MOST_REPEATS

"""Each person has limits. None of them refuses a pause for its rate."""

import pytest

from bot.usecases.access import MOST_REPEATS, REPEATS_WITHIN, OrderLimits
from harness import SESSION
from harness.product import SessionId, outcomes, requests
from harness.virtual_time import clock

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME


def order(verb: requests.Verb, number: int = 0, user: str = "U0ALICE0001") -> requests.Order:
    """An order of Alice for one of many sessions."""
    actor = requests.Actor("T0HOME00001", "C0ALERTS001", user)
    return requests.Order(verb, SessionId(f"{number:08}{SESSION[8:]}"), actor)


def test_one_person_can_have_a_third_of_the_capacity_unfinished() -> None:
    limits, refused = OrderLimits(capacity=6), outcomes.Refusal(outcomes.Why.OVERLOADED)
    assert [limits.begin(order(PAUSE, number)) for number in range(3)] == [None, None, refused]
    assert [limits.begin(order(PAUSE, 0, f"U{number}")) for number in range(5)] == [None] * 4 + [refused]
    limits.end(order(PAUSE, 0))
    assert limits.begin(order(PAUSE, 2)) is None


def test_the_same_resume_is_limited_until_the_first_ones_are_some_seconds_old_and_a_pause_is_not() -> None:
    limits = OrderLimits()
    for _ in range(MOST_REPEATS):
        assert limits.begin(order(RESUME)) is None
        limits.end(order(RESUME))
    limited = limits.begin(order(RESUME))
    assert limited is not None
    assert limited.why is outcomes.Why.TOO_MANY_REPEATS
    assert limited.seconds == pytest.approx(REPEATS_WITHIN, abs=0.5)
    assert limits.begin(order(RESUME, 1)) is None
    assert {limits.begin(order(PAUSE)) for _ in range(2 * MOST_REPEATS)} == {None}
    clock.jump(REPEATS_WITHIN)
    assert limits.begin(order(RESUME)) is None

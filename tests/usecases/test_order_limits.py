"""Each person has limits. None of them refuses a pause for its rate."""

from bot.usecases.access import MOST_REPEATS, MOST_RESUMES, REPEATS_WITHIN, RESUMES_WITHIN, OrderLimits
from harness import SESSION
from harness.product import SessionId, outcomes, requests

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME


def order(verb: requests.Verb, number: int = 0, user: str = "U0ALICE0001") -> requests.Order:
    """An order of Alice for one of many sessions."""
    actor = requests.Actor("T0HOME00001", "C0ALERTS001", user)
    return requests.Order(verb, SessionId(f"{number:08}{SESSION[8:]}"), actor)


def test_one_person_can_have_a_third_of_the_capacity_unfinished() -> None:
    limits, refused = OrderLimits(lambda: 1000.0, capacity=6), outcomes.Overloaded()
    assert [limits.begin(order(PAUSE, number)) for number in range(3)] == [None, None, refused]
    assert [limits.begin(order(PAUSE, 0, f"U{number}")) for number in range(5)] == [None] * 4 + [refused]
    limits.end(order(PAUSE, 0))
    assert limits.begin(order(PAUSE, 2)) is None


def test_resumes_of_many_sessions_are_limited_per_minute_and_pauses_are_not() -> None:
    now = 1000.0
    limits = OrderLimits(lambda: now)
    for number in range(MOST_RESUMES):
        assert limits.begin(order(RESUME, number)) is None
        now += 1.0
    wait = RESUMES_WITHIN - MOST_RESUMES
    assert limits.begin(order(RESUME, 1000)) == outcomes.TooManyResumes(wait)
    assert limits.begin(order(RESUME, 1000, "U0BOB000001")) is None
    assert {limits.begin(order(PAUSE, number)) for number in range(10 * MOST_RESUMES)} == {None}
    now += wait
    assert limits.begin(order(RESUME, 1000)) is None


def test_the_same_resume_is_limited_until_the_first_ones_are_some_seconds_old_and_a_pause_is_not() -> None:
    now = 1000.0
    limits = OrderLimits(lambda: now)
    for _ in range(MOST_REPEATS):
        assert limits.begin(order(RESUME)) is None
        limits.end(order(RESUME))
    assert limits.begin(order(RESUME)) == outcomes.TooManyRepeats(REPEATS_WITHIN)
    assert limits.begin(order(RESUME, 1)) is None
    assert {limits.begin(order(PAUSE)) for _ in range(2 * MOST_REPEATS)} == {None}
    now += REPEATS_WITHIN
    assert limits.begin(order(RESUME)) is None

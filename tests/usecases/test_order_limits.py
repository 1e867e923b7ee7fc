"""Each person has limits. None of them refuses a pause for its rate."""

from bot.usecases.access import OrderLimits
from harness import SESSION
from harness.product import SessionId, outcomes, requests

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

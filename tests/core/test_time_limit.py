"""A pause has no limit of time. A person who asks for one is told so."""

import pytest

from harness.product import SessionId, requests
from harness.texts import ALICE, SESSION


def asks(reason: str, verb: requests.Verb = requests.Verb.PAUSE) -> bool:
    return requests.Order(verb, SessionId(SESSION), requests.Actor("", "", ALICE), reason).asks_for_end


@pytest.mark.parametrize(
    "reason",
    [
        *("for 10m", "For 10 min", "for 1h30m", "for 1.5 hours", "for an hour, it loops", "for the next 10 minutes"),
        *("for half an hour", "for a while", "for now", "10m", "2 hours", "until", "until noon"),
        *(
            "UNTIL 18:00",
            "till 6",
            "end",
            "end it",
            "end: too fast",
            "for a second",
            "for a second or two",
            "for one second, it loops",
        ),
    ],
)
def test_a_duration_or_an_end_is_noticed_for_a_pause(reason: str) -> None:
    assert asks(reason)
    assert not asks(reason, requests.Verb.RESUME)


@pytest.mark.parametrize(
    "reason",
    [
        *("", "too fast", "for testing", "for m reasons", "for bob who has to look at it for 10 minutes", "forms"),
        *("it loops for 10 minutes", "10m dollars spent", "tills are down", "end of the budget", "ends up in a loop"),
        *("for a second reason", "for the second time", "for the second time now", "For the Second day"),
        *("second", "now"),
    ],
)
def test_another_reason_asks_for_nothing(reason: str) -> None:
    assert not asks(reason)


@pytest.mark.parametrize("part", ["for " * 50_000, "1" * 50_000, "for " + "1" * 50_000, "for " + "x" * 50_000])
def test_a_long_reason_is_read_in_linear_time(part: str) -> None:
    assert not asks(part)

"""Slack's time, by the dates of its answers."""

from email.utils import formatdate

import pytest

from bot.outbound.slack.clock import SlackClock, read_skew

HERE = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


class Machine:
    """A machine's clocks, and Slack's as it knows it."""

    def __init__(self, *skews: float) -> None:
        self.ahead, self.passed = 0.0, 0.0
        self.slack = SlackClock(lambda: HERE + self.passed + self.ahead, lambda: self.passed)
        for skew in skews:
            self.hear(skew)

    def hear(self, skew: float) -> None:
        """Get an answer."""
        self.slack.observe(formatdate(HERE + self.passed + self.ahead + skew, usegmt=True), seconds=0.0)

    def knows(self) -> float:
        """The skew that it believes."""
        return self.slack() - HERE - self.passed - self.ahead


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        (None, None),
        ("no date", None),
        ("Wed, 25 Nov 2026 09:46:39 GMT", 0.0),  # it can be nearly a second later
        ("Wed, 25 Nov 2026 09:46:40 GMT", 0.0),
        ("Wed, 25 Nov 2026 09:46:44 GMT", 0.0),  # while the answer was under way
        ("Wed, 25 Nov 2026 09:46:45 GMT", 1.0),
        ("Wed, 25 Nov 2026 10:46:44 GMT", 3600.0),
        ("Wed, 25 Nov 2026 08:46:39 GMT", -3600.0),
    ],
)
def test_the_clocks_differ_as_far_as_the_date_is_outside_of_the_call(date: str | None, skew: float | None) -> None:
    assert read_skew(date, began=HERE, ended=HERE + 4) == skew


@pytest.mark.parametrize(
    ("skews", "knows"), [([], 0), ([7], 7), ([60, 7], 7), ([7, 300], 300), ([7, 301], 7), ([7, -302], 7), ([86_400], 0)]
)
def test_the_last_answer_counts_unless_it_differs_by_more_than_five_minutes(skews: list[float], knows: float) -> None:
    assert Machine(*skews).knows() == knows

"""Slack's time, by the dates of its answers."""

import pytest

from bot.outbound.slack.clock import SlackClock

HERE = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        (None, 60.0),
        ("no date", 60.0),
        ("Wed, 25 Nov 2026 09:46:39 GMT", 0.0),  # it can be nearly a second later
        ("Wed, 25 Nov 2026 09:46:40 GMT", 0.0),
        ("Wed, 25 Nov 2026 09:46:44 GMT", 0.0),  # while the answer was under way
        ("Wed, 25 Nov 2026 09:46:45 GMT", 1.0),
        ("Wed, 25 Nov 2026 10:46:44 GMT", 3600.0),
        ("Wed, 25 Nov 2026 08:46:39 GMT", -3600.0),
        ("Fri, 27 Nov 2026 09:46:40 GMT", 60.0),  # absurd
    ],
)
def test_the_clocks_differ_as_far_as_the_date_is_outside_of_the_call(date: str | None, ahead: float) -> None:
    clock = SlackClock(lambda: HERE)
    clock.observe("Wed, 25 Nov 2026 09:47:40 GMT", began=HERE, ended=HERE)
    clock.observe(date, began=HERE, ended=HERE + 4)
    assert clock() == HERE + ahead

"""Slack's time, by the dates of its answers."""

import pytest

from bot.outbound.slack.clock import SlackClock

HERE = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        (None, 0.0),
        ("no date", 0.0),
        ("Wed, 25 Nov 2026 09:46:40 GMT", 0.0),
        ("Wed, 25 Nov 2026 09:46:41 GMT", 1.5),
        ("Wed, 25 Nov 2026 10:46:40 GMT", 3600.5),
        ("Wed, 25 Nov 2026 08:46:40 GMT", -3599.5),
    ],
)
def test_only_a_readable_date_that_differs_by_more_than_a_second_counts(date: str | None, ahead: float) -> None:
    clock = SlackClock(lambda: HERE)
    clock.observe(date)
    assert clock() == HERE + ahead


def test_the_latest_answer_counts() -> None:
    clock = SlackClock(lambda: HERE)
    clock.observe("Wed, 25 Nov 2026 10:46:40 GMT")
    clock.observe("Wed, 25 Nov 2026 09:46:40 GMT")
    assert clock() == HERE

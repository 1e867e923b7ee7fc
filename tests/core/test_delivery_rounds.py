"""The rounds of a delivery."""

from itertools import pairwise

from bot.core.retries import round_times


def test_rounds_come_quickly_at_first_and_then_every_minute_for_half_an_hour() -> None:
    times = list(round_times())
    assert times[:9] == [0, 1, 2, 5, 10, 30, 60, 120, 180]
    assert {later - earlier for earlier, later in pairwise(times[6:])} == {60}
    assert times[-1] == 1800

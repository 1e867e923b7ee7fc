"""Slack's time, by the dates of its answers."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.slack.clock import SlackClock, read_skew

HERE = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


class Machine:
    """A machine's clocks, and Slack's as it knows it."""

    def __init__(self, *skews: float) -> None:
        self.ahead, self.passed = 0.0, 0.0
        self.slack = SlackClock(lambda: HERE + self.passed + self.ahead, lambda: self.passed)
        for skew in skews:
            self.hear(skew)

    def hear(self, skew: float, *, after: float = 0.0) -> None:
        """Get an answer after so many seconds."""
        self.passed += after
        self.slack.observe(formatdate(HERE + self.passed + self.ahead + skew, usegmt=True), seconds=0.0)

    def knows(self) -> tuple[float, bool]:
        """The skew that it believes, and whether that is certain."""
        return self.slack() - HERE - self.passed - self.ahead, self.slack.is_certain


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
    clock = SlackClock(lambda: HERE + 4, lambda: 0.0)
    clock.observe(date, seconds=4.0)
    assert clock() == HERE + 4 + (skew or 0.0)


@given(
    st.lists(st.integers(-2, 2), min_size=3, max_size=9), st.lists(st.integers(-80_000, 80_000), max_size=2), st.data()
)
def test_two_wrong_answers_of_five_do_not_change_the_time(
    right: list[int], wrong: list[int], data: st.DataObject
) -> None:
    machine = Machine(*right[:-3], *data.draw(st.permutations(right[-3:] + wrong)))
    skew, is_certain = machine.knows()
    assert abs(skew) <= 3, "two, and a second of the header"
    assert is_certain <= all(abs(one) <= 8 for one in wrong)


@pytest.mark.parametrize(
    ("skews", "knows"),
    [
        ([], (0, True)),
        ([7], (7, True)),
        ([86_400], (0, True)),  # absurd
        ([2, 7], (4.5, True)),
        ([2, 8, 8], (8, False)),
        ([60, 0, 0, 0, 0], (0, False)),
        ([60, 0, 0, 0, 0, 0], (0, True)),
    ],
)
def test_the_last_five_answers_count_and_are_certain_if_they_agree(
    skews: list[float], knows: tuple[float, bool], caplog: pytest.LogCaptureFixture
) -> None:
    assert Machine(*skews).knows() == knows
    assert len(caplog.records) == (max(skews, default=0) - min(skews, default=0) > 5), "it is logged once"


def test_answers_count_for_ten_minutes_and_the_last_one_until_there_are_others() -> None:
    machine = Machine(60)
    machine.hear(0, after=601)
    assert machine.knows() == (30, False), "one answer alone makes no other certain"
    machine.hear(0, after=599)
    assert machine.knows() == (0, True)


@pytest.mark.parametrize("step", [-60, 60])
def test_no_earlier_answer_counts_when_the_machines_clock_is_set(step: float) -> None:
    machine = Machine(60, 60)
    machine.slack.accept_signed()
    machine.ahead = step
    assert machine.knows() == (0, True)
    machine.hear(3600)
    assert machine.knows() == (3600, True), "a signed request before said nothing about this clock"


def test_after_a_signed_request_300_seconds_are_believed() -> None:
    machine = Machine(3600)
    machine.slack.accept_signed()
    assert machine.knows() == (0, True)
    machine.hear(301)
    machine.hear(300)
    assert machine.knows() == (300, True)

"""The simulation of docs/scale.md in a small form: the bot's own decisions, with a clock of its own."""

from bench.scale.hour import Hour
from bench.scale.simulation import simulate

SMALL = Hour(workspaces=100, alerts=500, pauses=50, seconds=600.0)


def test_in_a_bad_hour_all_is_shown_at_slacks_pace_and_no_pause_waits() -> None:
    measured = simulate(SMALL, processes=3)
    assert (measured.missing, measured.too_fast, measured.not_sent, measured.failed) == (0, 0, 0, 0)
    assert len(measured.alerts_answered) == SMALL.alerts
    assert len(measured.to_anchor) == SMALL.pauses
    assert max(measured.to_anchor) == 0
    assert max(measured.waits["quiet"]) < 5
    assert measured.posts < measured.cards, "a storm becomes summaries"
    assert measured.check_intervals
    assert min(measured.check_intervals) >= 60

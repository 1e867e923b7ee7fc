"""The pace of posts and updates stays within Slack's limits, whatever is to be sent."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.core.retries import CALL_INTERVAL, MOST_UPDATES, WINDOW, Kind, Lane, Pace, read_pace

lanes = st.builds(Lane, st.sampled_from(Kind), st.sampled_from(["C1", "C2", "C3"]))
steps = st.lists(st.tuples(lanes, st.floats(0.0, 3.0), st.floats(0.0, 0.5)), max_size=300)


@given(steps)
def test_no_lane_is_faster_than_slack_allows(wanted: list[tuple[Lane, float, float]]) -> None:
    pace, now = Pace(), 1_000.0
    sent: list[tuple[Lane, float]] = []
    for lane, pause, duration in wanted:
        now += pause
        if pace.next_slot(lane, now) <= now:
            pace = read_pace(pace.begun(lane, now).as_text())
            assert pace.next_slot(lane, now + duration) > now + duration
            now += duration
            pace = pace.ended(lane, now)
            sent.append((lane, now))
    for lane in {lane for lane, _ in sent}:
        times = [at for one, at in sent if one == lane]
        assert all(later - earlier >= CALL_INTERVAL - 1e-6 for earlier, later in itertools.pairwise(times))
    updates = [at for lane, at in sent if lane.kind is Kind.UPDATE]
    for at in updates:
        assert sum(at <= other < at + WINDOW - 0.5 for other in updates) <= MOST_UPDATES


def test_a_slot_that_is_promised_is_free_then() -> None:
    pace = Pace()
    for number in range(MOST_UPDATES):
        pace = pace.begun(Lane(Kind.UPDATE, f"C{number}"), 1_000.0)
    lane = Lane(Kind.UPDATE, "C")
    slot = pace.next_slot(lane, 1_001.0)
    assert slot == 1_061.0  # a minute later, and no more
    assert pace.next_slot(lane, slot) == slot
    assert pace.next_slot(Lane(Kind.POST, "C"), 1_001.0) == 1_001.0


def test_a_retry_after_holds_the_posts_of_a_channel_and_all_updates() -> None:
    post, update = (Lane(kind, "C1") for kind in Kind)
    other_post, other_update = (Lane(kind, "C2") for kind in Kind)
    pace = Pace().held(post, 1_000.0, 30.0).held(update, 1_000.0, 20.0)
    slots = [pace.next_slot(lane, 1_001.0) for lane in (post, other_post, update, other_update)]
    assert slots == [1_030.0, 1_001.0, 1_020.0, 1_020.0]
    assert pace.held(post, 1_000.0, 999_999_999.0).next_slot(post, 1_001.0) == 1_001.0  # of an earlier version

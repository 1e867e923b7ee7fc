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


def update(channel: str, failure: str = "") -> Lane:
    return Lane(Kind.UPDATE, channel, failure)


def slots(pace: Pace, now: float, *lanes: Lane) -> list[float]:
    return [pace.next_slot(lane, now) - now for lane in lanes]


def test_one_message_of_a_channel_is_the_probe_for_a_code_until_it_is_taken() -> None:
    code = "update_failed"
    lanes = [update("C1", code), update("C1"), update("C1", "other"), update("C2", code), Lane(Kind.POST, "C1", code)]
    pace = Pace().refused(update("C1"), 0.0, code, 1.0)
    assert slots(pace, 0.0, *lanes) == [0.0] * 5  # it is tried again soon
    pace = read_pace(pace.refused(update("C1", code), 10.0, code, 900.0).as_text())
    assert slots(pace, 10.0, *lanes) == [900.0, 0.0, 0.0, 0.0, 0.0]
    pace = pace.refused(update("C1"), 20.0, code, 1.0)  # another one, for the first time
    assert slots(pace, 20.0, *lanes) == [900.0, 0.0, 0.0, 0.0, 0.0]
    probing = pace.begun(update("C1", code), 920.0).ended(update("C1", code), 921.0)
    assert slots(probing, 921.0, update("C1", code)) == [899.0]
    assert slots(probing.taken(update("C1", code)), 922.0, update("C1", code)) == [0.0]


def test_a_refused_token_is_tried_with_one_update_a_minute_until_slack_says_anything_else() -> None:
    lanes = [update("C1"), update("C2", "update_failed"), Lane(Kind.POST, "C1")]
    pace = Pace().refused(update("C1"), 0.0, "token_revoked", 60.0)
    assert slots(pace, 0.0, *lanes) == [60.0, 60.0, 0.0]
    probing = pace.begun(update("C2"), 60.0)
    assert slots(probing, 60.0, *lanes)[0] == 60.0
    assert slots(probing.refused(update("C2"), 61.0, "invalid_auth", 60.0), 61.0, *lanes) == [60.0, 60.0, 0.0]
    for other in (probing.taken(update("C2")), probing.refused(update("C2"), 61.0, "update_failed", 1.0)):
        assert slots(other.ended(update("C2"), 61.0), 62.0, *lanes) == [0.0] * 3


def test_the_probes_of_a_workspace_are_bounded() -> None:
    pace = Pace()
    for number in range(1_000):
        pace = pace.refused(update(f"C{number}"), float(number), "update_failed", 900.0)
    assert len(pace.probes) == 200
    assert slots(pace, 999.0, update("C999", "update_failed")) == [900.0]


def test_a_channel_has_six_replies_a_minute_however_many_wait() -> None:
    pace, now, sent = Pace(), 0.0, list[float]()
    here, post = Lane(Kind.POST, "C1", is_reply=True), Lane(Kind.POST, "C1")
    while now < 600.0:
        slot = pace.next_slot(here, now)
        if slot > now:
            now = slot
            continue
        pace = read_pace(pace.begun(here, now).ended(here, now + 0.1).as_text())
        sent.append(now)
    assert all(sum(at <= other < at + 60.0 for other in sent) <= 6 for at in sent)
    assert len(sent) >= 54
    assert pace.next_slot(post, now) == now
    assert pace.next_slot(Lane(Kind.POST, "C2", is_reply=True), now) == now

"""What a leader sends next: the most urgent messages of a channel, the channels in turn, at Slack's pace."""

import time
import tracemalloc
import uuid

import pytest

from bot.usecases.lanes import Lane, LaneName, Memory
from harness.product import cards

POSTS = LaneName("T1", "C1", is_post=True)


def due(memory: Memory, at: float) -> list[Lane]:
    """Return the channels that may have a call at a time, each once, in turn."""
    memory.resume(at)
    found = list[Lane]()
    while memory.ready and memory.ready[0][0] <= at:
        *_, lane = memory.ready.pop(0)
        lane.is_queued = False
        found.append(lane)
    return found


@pytest.mark.parametrize(
    ("urgency", "count", "together"),
    [
        (cards.Urgency.NEW_ALERT, cards.MOST_SINGLE, 1),
        (cards.Urgency.NEW_ALERT, cards.MOST_SINGLE + 1, cards.MOST_SINGLE + 1),
        (cards.Urgency.WORSE, 900, cards.MOST_IN_SUMMARY),
        (cards.Urgency.RESULT, 900, 1),
    ],
)
def test_many_posts_about_alerts_become_one_and_more_urgent_ones_come_first(
    urgency: cards.Urgency, count: int, together: int
) -> None:
    memory = Memory()
    lane = memory.lane(POSTS)
    for number in range(count):
        memory.push(f"a{number:03}", lane, urgency)
    memory.push("clicked", lane, cards.Urgency.CLICKED)
    assert memory.choose(lane) == [(cards.Urgency.CLICKED, "clicked")]
    assert memory.choose(lane) == [(urgency, f"a{number:03}") for number in range(together)]
    assert len(memory.entries) == count - together


def test_what_failed_waits_also_if_it_changes_unless_it_is_clicked_and_is_chosen_once() -> None:
    memory, now = Memory(), time.monotonic()
    lane = memory.lane(POSTS)
    for name in ("a", "b"):
        memory.push(name, lane, cards.Urgency.RESULT, now + 10.0)
    memory.push("a", lane, cards.Urgency.UPDATE)
    memory.push("b", lane, cards.Urgency.CLICKED)
    assert (memory.choose(lane), memory.choose(lane)) == ([(cards.Urgency.CLICKED, "b")], [])
    for _ in range(2):
        memory.resume(now + 11.0)
        memory.push("a", lane, cards.Urgency.UPDATE)
    assert (memory.choose(lane), memory.choose(lane)) == ([(cards.Urgency.UPDATE, "a")], [])


def test_channels_have_their_calls_in_turn() -> None:
    memory, now = Memory(), time.monotonic()
    lanes = [memory.lane(LaneName("T1", channel, is_post=False)) for channel in ("C3", "C1", "C2")]
    for lane in lanes:
        memory.push(lane.name.channel_id, lane, cards.Urgency.UPDATE)
    for _ in range(2):
        assert due(memory, now) == lanes
        for lane in lanes:
            memory.queue(lane)


@pytest.mark.parametrize("channels", [1, 8_000])
def test_the_work_for_many_messages_grows_with_their_number_only(channels: int) -> None:
    memory, count = Memory(), 8_000
    for number in range(count):
        lane = memory.lane(POSTS._replace(channel_id=f"C{number % channels}"))
        memory.push(f"{number:06}", lane, cards.Urgency.NEW_ALERT)
    began, left = time.process_time(), count
    while left:
        for lane in memory.lanes.values():
            left -= len(chosen := memory.choose(lane))
            assert 0 < len(chosen) <= cards.MOST_IN_SUMMARY
    assert time.process_time() - began < 2
    assert memory.entries == {}


def test_a_hundred_thousand_messages_cost_at_most_thirty_mebibytes() -> None:
    memory, count = Memory(), 10_000
    tracemalloc.start()
    for number in range(count):
        lane = memory.lane(LaneName("T0LONGNAME1", f"C0LONG{number % 200:04}", is_post=number % 2 == 0))
        memory.push(uuid.uuid4().hex, lane, cards.Urgency.UPDATE)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used * 100_000 / count < 30 * 1024 * 1024

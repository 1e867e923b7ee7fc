"""What a leader sends next: the most urgent messages of a channel, the channels in turn, at Slack's pace."""

import time

import pytest

from bot.usecases.lanes import LaneName, Memory
from harness.product import cards

POSTS = LaneName("T1", "C1", is_post=True)


def due(memory: Memory, at: float) -> list[str]:
    """Return the channels that may have a call at a time, each once, in turn."""
    memory.resume(at)
    found = list[str]()
    while memory.ready and memory.ready[0][0] <= at:
        *_, name = memory.ready.pop(0)
        memory.lane(name).is_queued = False
        found.append(name.channel_id)
    return found


def test_replies_beyond_the_most_of_a_minute_wait_and_do_not_hold_up_an_alert() -> None:
    memory, now = Memory(), time.monotonic()
    for number in range((cards.MOST_REPLIES + 3) * cards.MOST_IN_SUMMARY):
        memory.push(f"r{number:03}", POSTS, cards.Urgency.WORSE)
    for _ in range(cards.MOST_REPLIES):
        assert memory.choose(POSTS, now)[1]
    while memory.lane(POSTS).waiting:
        assert memory.choose(POSTS, now) == ("", [])
    memory.push("a1", POSTS, cards.Urgency.NEW_ALERT)
    assert (memory.free_at(POSTS, now) <= now, memory.choose(POSTS, now)[1]) == (
        True,
        [(cards.Urgency.NEW_ALERT, "a1")],
    )
    memory.resume(now + 62)
    assert memory.choose(POSTS, now + 62)[1]


def test_a_message_that_is_sent_again_is_chosen_once_and_joins_no_message_of_its_own() -> None:
    memory, now = Memory(), time.monotonic()
    memory.lane(POSTS).alerts.extend([now] * 6)
    for number in range(6):
        memory.push(f"a{number}", POSTS, cards.Urgency.NEW_ALERT)
    target, chosen = memory.choose(POSTS, now)
    assert (target, len(chosen)) == ("", 6)
    for urgency, name in chosen:
        memory.delay(name, POSTS, urgency, 1.0)
    memory.resume(now + 1.1)
    memory.push("a0", POSTS, cards.Urgency.NEW_ALERT)
    target, chosen = memory.choose(POSTS, now + 1.1)
    assert (target, [name for _, name in chosen]) == ("", [f"a{n}" for n in range(6)])


def test_channels_have_their_calls_in_turn() -> None:
    memory, now = Memory(), time.monotonic()
    names = [LaneName("T1", channel, is_post=False) for channel in ("C3", "C1", "C2")]
    for name in names:
        memory.push(name.channel_id, name, cards.Urgency.UPDATE)
    for _ in range(2):
        assert due(memory, now) == ["C3", "C1", "C2"]
        for name in names:
            memory.queue(name)


@pytest.mark.parametrize("channels", [1, 8_000])
def test_the_work_for_many_messages_grows_with_their_number_only(channels: int) -> None:
    memory, now, count = Memory(), time.monotonic(), 8_000
    for number in range(count):
        name = POSTS._replace(channel_id=f"C{number % channels}")
        memory.push(f"{number:06}", name, cards.Urgency.NEW_ALERT)
        memory.lane(name)
    began, left = time.process_time(), count
    while left:
        for number in range(channels):
            name = POSTS._replace(channel_id=f"C{number}")
            chosen = memory.choose(name, now)[1]
            left -= len(chosen)
            assert 0 < len(chosen) <= cards.MOST_IN_SUMMARY
    assert time.process_time() - began < 2
    assert memory.known == {}

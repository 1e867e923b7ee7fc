"""Turns of people and channels, and the limits of each person."""

import asyncio
import time

import pytest

from bot.usecases.access import OrderLimits
from bot.usecases.lanes import Lane, LaneName, Memory
from bot.usecases.queue import FairQueue
from harness import SESSION
from harness.product import SessionId, cards, outcomes, requests

ALICE, BOB, CAROL = (("T0HOME00001", user) for user in ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"))


@pytest.mark.anyio
@pytest.mark.parametrize("longest_wait", [20.0, None])
@pytest.mark.parametrize("has_come", [False, True], ids=["waits", "has come in the same moment"])
async def test_a_cancelled_wait_leaves_the_queue(longest_wait: float | None, *, has_come: bool) -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=longest_wait)

    async def wait() -> None:
        async with queue.turn(ALICE):
            pytest.fail("the turn came")

    running = queue.turn(ALICE)
    async with running:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        if not has_come:
            waiting.cancel()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    async with asyncio.timeout(1.0), queue.turn(BOB) as why_not:
        assert why_not is None


@pytest.mark.anyio
async def test_a_turn_that_does_not_come_in_time_never_comes() -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=20.0)
    async with queue.turn(ALICE), queue.turn(BOB) as by_default, queue.turn(BOB, longest_wait=3.0) as by_itself:
        no_turn = outcomes.Why.NO_TURN
        assert (by_default, by_itself) == (
            outcomes.Refusal(no_turn, seconds=20.0),
            outcomes.Refusal(no_turn, seconds=3.0),
        )


@pytest.mark.anyio
async def test_a_person_can_fill_a_third_of_the_capacity_and_all_people_the_whole() -> None:
    queue = FairQueue(most=1, most_each=1, capacity=3)
    async with queue.turn(CAROL) as why_not:
        assert why_not is None
        turns = [queue.turn(person) for person in (ALICE, ALICE, BOB, CAROL, ("T0OTHER0001", "U0DAVE00001"))]
        queue.stop()
    for number, turn in enumerate(turns):
        async with turn as why_not:
            assert why_not == (
                outcomes.Refusal(outcomes.Why.OVERLOADED)
                if number in {1, 4}
                else outcomes.Refusal(outcomes.Why.STOPPING)
            )


@pytest.mark.anyio
async def test_a_stopped_queue_lets_nobody_wait() -> None:
    queue = FairQueue(most=1, most_each=1)
    running, waiting = queue.turn(ALICE), queue.turn(ALICE)
    queue.stop()
    for turn in (waiting, queue.turn(BOB)):
        async with turn as why_not:
            assert why_not == outcomes.Refusal(outcomes.Why.STOPPING)
    async with running as why_not:
        assert why_not is None


PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME


def order(verb: requests.Verb, number: int = 0, user: str = "U0ALICE0001") -> requests.Order:
    """An order of Alice for one of many sessions."""
    actor = requests.Actor("T0HOME00001", "C0ALERTS001", user)
    return requests.Order(verb, SessionId(f"{number:08}{SESSION[8:]}"), actor)


def test_one_person_can_have_a_third_of_the_capacity_unfinished() -> None:
    limits, refused = OrderLimits(capacity=6), outcomes.Refusal(outcomes.Why.OVERLOADED)
    assert [limits.begin(order(PAUSE, number)) for number in range(3)] == [None, None, refused]
    assert [limits.begin(order(PAUSE, 0, f"U{number}")) for number in range(5)] == [None] * 4 + [refused]
    limits.end(order(PAUSE, 0))
    assert limits.begin(order(PAUSE, 2)) is None


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

"""Turns come to people in rotation, or they do not come, with a reason."""

import asyncio

import pytest

from bot.usecases.queue import FairQueue
from harness.product import outcomes

pytestmark = pytest.mark.anyio

ALICE, BOB, CAROL = (("T0HOME00001", user) for user in ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"))


async def test_a_cancelled_wait_leaves_the_queue() -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=20.0)

    async def wait() -> None:
        async with queue.turn(ALICE):
            pytest.fail("the turn came")

    async with queue.turn(ALICE):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    await asyncio.sleep(0.2)
    assert queue.turn(BOB).has_come


async def test_a_person_can_fill_a_third_of_the_capacity_and_all_people_the_whole() -> None:
    queue = FairQueue(most=1, most_each=1, capacity=3)
    running = queue.turn(CAROL)
    turns = [queue.turn(person) for person in (ALICE, ALICE, BOB, CAROL, ("T0OTHER0001", "U0DAVE00001"))]
    assert running.has_come
    queue.stop()
    for number, turn in enumerate(turns):
        async with turn as why_not:
            assert why_not == (outcomes.Overloaded() if number in {1, 4} else outcomes.Stopping())


async def test_a_stopped_queue_lets_nobody_wait() -> None:
    queue = FairQueue(most=1, most_each=1)
    running, waiting = queue.turn(ALICE), queue.turn(ALICE)
    queue.stop()
    for turn in (waiting, queue.turn(BOB)):
        async with turn as why_not:
            assert why_not == outcomes.Stopping()
    async with running as why_not:
        assert why_not is None

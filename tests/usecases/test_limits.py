"""Turns of people and channels, and the limits of each person."""

import asyncio

import pytest

from bot.usecases.queue import FairQueue
from harness.product import outcomes

ALICE, BOB, CAROL = (("T0HOME00001", user) for user in ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"))


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


async def test_a_turn_that_does_not_come_in_time_never_comes() -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=20.0)
    async with queue.turn(ALICE), queue.turn(BOB) as no_turn:
        assert no_turn == outcomes.Refusal(outcomes.Why.LATE, seconds=20.0)


async def test_a_person_can_fill_a_third_of_the_capacity_and_all_people_the_whole() -> None:
    queue = FairQueue(most=1, most_each=1, capacity=3)
    async with queue.turn(CAROL) as why_not:
        assert why_not is None
        turns = [queue.turn(person) for person in (ALICE, ALICE, BOB, CAROL, ("T0OTHER0001", "U0DAVE00001"))]
    for number, turn in enumerate(turns):
        async with turn as why_not:
            assert why_not == (outcomes.Refusal(outcomes.Why.OVERLOADED) if number in {1, 4} else None)

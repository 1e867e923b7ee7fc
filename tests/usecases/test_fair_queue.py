"""Turns come to people in rotation, a few per iteration of the event loop, or they do not come, with a reason."""

import asyncio
import time

import pytest

from bot.core.outcomes import NotSent, Overloaded, Stopping
from bot.usecases.fair_queue import FairQueue

pytestmark = pytest.mark.anyio

ALICE, BOB, CAROL = (("T0HOME00001", user) for user in ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"))


async def test_work_of_another_person_begins_before_a_backlog_and_one_piece_per_iteration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue._PACE", 1)
    monkeypatch.setattr("bot.usecases.fair_queue._BUSY", 60.0)  # this machine can be busy
    queue = FairQueue(most=3, most_each=3)
    turns = [queue.turn(ALICE) for _ in range(3)]
    turns.append(queue.turn(BOB))
    come = []
    for _ in range(3):
        come.append([turn.has_come for turn in turns])
        await asyncio.sleep(0)
    assert come == [[True, False, False, False], [True, True, False, False], [True, True, False, True]]
    async with turns[0] as why_not:
        assert why_not is None
    async with turns[2] as why_not:
        assert why_not is None


async def test_a_turn_that_does_not_come_in_time_never_comes() -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=0.05)
    async with queue.turn(ALICE), queue.turn(ALICE) as why_not:
        assert why_not == NotSent(0.05)
    assert queue.turn(ALICE).has_come


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
    assert queue.turn(BOB).has_come


async def test_a_person_can_fill_a_third_of_the_capacity_and_all_people_the_whole() -> None:
    queue = FairQueue(most=1, most_each=1, capacity=3)
    running = queue.turn(CAROL)
    turns = [queue.turn(person) for person in (ALICE, ALICE, BOB, CAROL, ("T0OTHER0001", "U0DAVE00001"))]
    refused = [turn for turn in turns if turn.is_over]
    assert running.has_come
    assert refused == [turns[1], turns[4]]
    async with turns[1] as why_not:
        assert why_not == Overloaded()


async def test_a_stopped_queue_lets_nobody_wait() -> None:
    queue = FairQueue(most=1, most_each=1)
    running, waiting = queue.turn(ALICE), queue.turn(ALICE)
    queue.stop()
    for turn in (waiting, queue.turn(BOB)):
        async with turn as why_not:
            assert why_not == Stopping()
    async with running as why_not:
        assert why_not is None


async def test_turns_rest_while_the_event_loop_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue._PACE", 1)
    queue = FairQueue(most=9, most_each=9)
    turns = [queue.turn(ALICE) for _ in range(2)]
    time.sleep(0.1)  # noqa: ASYNC251 - what makes it busy
    await asyncio.sleep(0)
    assert [turn.has_come for turn in turns] == [True, False]
    await asyncio.sleep(0.3)
    assert turns[1].has_come


async def test_turns_do_not_rest_for_long_after_a_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue._PACE", 1)
    queue = FairQueue(most=9, most_each=9)
    turns = [queue.turn(ALICE) for _ in range(2)]
    time.sleep(1.0)  # noqa: ASYNC251 - the standstill
    await asyncio.sleep(0.3)
    assert turns[1].has_come


async def test_urgent_turns_do_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue._PACE", 2)
    queue = FairQueue(most=9, most_each=9, is_urgent=True)
    turns = [queue.turn(ALICE) for _ in range(5)]
    assert [turn.has_come for turn in turns] == [True, True, False, False, False]
    time.sleep(0.1)  # noqa: ASYNC251 - they do not rest
    await asyncio.sleep(0)
    assert [turn.has_come for turn in turns] == [True, True, True, True, False]


async def test_more_turns_begin_per_iteration_if_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue._BUSY", 60.0)  # this machine can be busy
    queue = FairQueue(most=1_000, most_each=1_000)
    turns = [queue.turn(ALICE) for _ in range(604)]
    come = []
    for _ in range(7):
        come.append(sum(turn.has_come for turn in turns))
        await asyncio.sleep(0)
    assert come == [4, 68, 132, 191, 242, 287, 326]  # at most 64, and an eighth of those that wait


async def test_many_turns_that_run_for_long_are_a_congestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fair_queue.MANY", 2)
    monkeypatch.setattr("bot.usecases.fair_queue._LONG", 0.05)
    queue = FairQueue(most=9, most_each=3)
    async with queue.turn(ALICE):
        await asyncio.sleep(0.06)
        assert not queue.is_congested(BOB)
        async with queue.turn(ALICE):
            assert queue.is_congested(BOB)
            assert not queue.is_congested(ALICE)  # she may have an order that is fast
            async with queue.turn(ALICE):
                assert queue.is_congested(ALICE)
    async with queue.turn(ALICE), queue.turn(ALICE):
        assert not queue.is_congested(BOB)

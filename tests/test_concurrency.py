"""Background work is waited for, and cancelled at the end of the waiting time."""

import asyncio
from contextlib import suppress

import pytest

from bot.runtime import Interruption, Tasks, happens, let_others_run

pytestmark = pytest.mark.anyio


async def test_work_that_swallows_a_cancellation_is_cancelled_again() -> None:
    tasks = Tasks()

    async def work() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(5)

    swallowing = tasks.start(work())
    await asyncio.sleep(0)
    await tasks.cancel()
    assert swallowing.cancelled()


@pytest.mark.parametrize("turns", [0, 2, 4])
async def test_a_wait_that_is_cancelled_when_it_ends_is_cancelled(turns: int) -> None:
    event = asyncio.Event()

    async def work() -> None:
        await happens(event, within=3600)
        await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    event.set()
    await let_others_run(turns)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def forever() -> str:
    await asyncio.sleep(3600)
    return "result"


async def test_an_interruption_ends_the_waits_that_run_and_those_that_begin_later() -> None:
    interruption = Interruption()
    waiting = [asyncio.create_task(interruption.or_result(forever(), "ended")) for _ in range(3)]
    interruption.come()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == ["ended"] * 3
        assert await interruption.or_result(forever(), "ended") == "ended"


async def test_a_timeout_of_the_work_is_no_interruption() -> None:
    async def fail() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await Interruption().or_result(fail(), "ended")

"""Background work is waited for, and cancelled at the end of the waiting time."""

import asyncio

import pytest

from bot.concurrency import Tasks

pytestmark = pytest.mark.anyio


async def test_work_and_the_work_that_it_starts_are_waited_for() -> None:
    tasks, done = Tasks(), []
    assert await tasks.settle(within=0)

    async def child() -> None:
        await asyncio.sleep(0.05)
        done.append("child")

    async def parent() -> None:
        await asyncio.sleep(0.05)
        tasks.start(child())
        done.append("parent")

    tasks.start(parent())
    assert await tasks.settle(within=20)
    assert done == ["parent", "child"]
    assert len(tasks) == 0


async def test_work_that_does_not_end_is_cancelled() -> None:
    tasks = Tasks()
    forever = tasks.start(asyncio.sleep(3600))
    assert not await tasks.settle(within=0.05)
    await tasks.cancel()
    assert forever.cancelled()
    assert len(tasks) == 0

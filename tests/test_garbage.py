"""When cycles of objects are collected: while few tasks run. Python frees everything else at once."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import ref

import pytest

from bot.runtime import collect_when_quiet

pytestmark = pytest.mark.anyio


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.own: object = self


@asynccontextmanager
async def collecting(tasks: int) -> AsyncIterator[None]:
    """Collect while so many tasks run."""
    thresholds = gc.get_threshold()
    running = asyncio.create_task(collect_when_quiet(range(tasks)))
    try:
        gc.disable()
        await asyncio.sleep(0)
        assert gc.isenabled()
        yield
    finally:
        running.cancel()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@pytest.mark.parametrize(("tasks", "is_collected"), [(0, True), (10, True), (11, False)])
async def test_new_objects_are_collected_while_few_tasks_run(tasks: int, is_collected: bool) -> None:
    async with collecting(tasks):
        cycle = ref(Node())
        await asyncio.sleep(3)
        assert (cycle() is None) is is_collected


@pytest.mark.parametrize(("tasks", "is_full"), [(0, True), (1, False)])
async def test_all_objects_are_collected_now_and_then_if_no_task_runs(
    tasks: int, is_full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = list[int]()
    monkeypatch.setattr(gc, "collect", lambda generation=2: generations.append(generation))
    async with collecting(tasks):
        await asyncio.sleep(590)
        assert generations.count(2) == 0
        await asyncio.sleep(20)
        assert generations.count(2) == is_full


@pytest.mark.parametrize(("blocks_per_second", "times"), [(2_000, 2), (100, 0), (20_000, 0)])
async def test_growth_makes_all_objects_be_collected_once_a_minute_unless_that_takes_long(
    blocks_per_second: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations, began = list[int](), time.monotonic()
    monkeypatch.setattr(gc, "collect", lambda generation=2: generations.append(generation))
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: int((time.monotonic() - began) * blocks_per_second))
    async with collecting(1_000):
        assert gc.get_threshold()[2] > 1_000_000
        await asyncio.sleep(150)
    assert generations == [2] * times

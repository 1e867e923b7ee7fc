"""When cycles of objects are collected: while few tasks run. Python frees everything else at once."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import ref

import pytest

from bot.garbage import collect_when_quiet
from harness.conversation import until

pytestmark = pytest.mark.anyio

_INTERVAL = 0.01  # seconds
_WAIT = 0.2  # for many intervals


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.own = self


@asynccontextmanager
async def collecting(tasks: int, *, full_interval: float) -> AsyncIterator[None]:
    """Collect while so many tasks run."""
    thresholds = gc.get_threshold()
    work = collect_when_quiet(range(tasks), interval=_INTERVAL, full_interval=full_interval)
    running = asyncio.create_task(work)
    try:
        await asyncio.sleep(0)
        yield
    finally:
        running.cancel()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@pytest.mark.parametrize(("tasks", "is_collected"), [(0, True), (10, True), (11, False)])
async def test_new_objects_are_collected_while_few_tasks_run(tasks: int, is_collected: bool) -> None:
    async with collecting(tasks, full_interval=3600):
        cycle = ref(Node())
        if is_collected:
            await until(lambda: cycle() is None)
        else:
            await asyncio.sleep(_WAIT)
            assert cycle() is not None


@pytest.mark.parametrize(("tasks", "full_interval", "is_full"), [(0, 0.05, True), (1, 0.05, False), (0, 3600, False)])
async def test_older_objects_are_collected_now_and_then_if_no_task_runs(
    tasks: int, full_interval: float, is_full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect, generations = gc.collect, list[int]()

    def note(generation: int = 2) -> int:
        generations.append(generation)
        return collect(generation)

    monkeypatch.setattr(gc, "collect", note)
    async with collecting(tasks, full_interval=full_interval):
        if is_full:
            await until(lambda: 2 in generations)
        else:
            await asyncio.sleep(_WAIT)
            assert 2 not in generations


async def test_a_thousand_orders_in_flight_are_not_held_up_by_a_collection() -> None:
    collections = list[str]()

    def note(phase: str, _: object) -> None:
        collections.append(phase)

    async with collecting(1_000, full_interval=0.0):
        gc.callbacks.append(note)
        objects = [Node() for _ in range(300_000)]
        gc.callbacks.remove(note)
        assert not collections
        for node in objects:
            node.own = None  # type: ignore[assignment]

"""Background work that is interrupted, standstills of the process, and when cycles of objects are collected."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.runtime import Interruption, StandstillMonitor, collect_when_quiet

pytestmark = pytest.mark.anyio


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


@pytest.fixture
def noticeable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.runtime.LONGEST_GAP", 0.6)
    monkeypatch.setattr("bot.runtime.TICK", 0.5)


@pytest.mark.usefixtures("noticeable")
async def test_a_standstill_of_six_tenths_of_a_second_is_noticed() -> None:
    monitor = StandstillMonitor()
    running = asyncio.create_task(monitor.run())
    await asyncio.sleep(60)
    time.sleep(0.61)  # noqa: ASYNC251 - nothing else runs
    assert 0.6 <= monitor.seconds_before(time.monotonic()) < 1.2
    running.cancel()


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

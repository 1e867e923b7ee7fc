"""What is read after a standstill of the process can have waited for its end."""

import asyncio
import time

import pytest

from bot.runtime import StandstillMonitor


@pytest.fixture(autouse=True)
def noticeable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.runtime.LONGEST_GAP", 0.6)
    monkeypatch.setattr("bot.runtime.TICK", 0.5)


def test_what_is_read_soon_after_a_standstill_can_have_waited_for_its_end() -> None:
    monitor, now = StandstillMonitor(), time.monotonic()
    waits = [monitor.seconds_before(now + seconds) for seconds in (0.0, 0.55, 2.55, 3.05, 3.6)]
    assert waits == pytest.approx([0.0, 0.0, 2.0, 2.5, 0.0])  # too short; its end; from a backlog; later


@pytest.mark.anyio
async def test_a_quiet_minute_is_no_standstill() -> None:
    monitor = StandstillMonitor()
    running = asyncio.create_task(monitor.run())
    await asyncio.sleep(60)
    assert monitor.seconds_before(time.monotonic()) == 0.0
    running.cancel()


@pytest.mark.anyio
async def test_a_standstill_of_six_tenths_of_a_second_is_noticed() -> None:
    monitor = StandstillMonitor()
    running = asyncio.create_task(monitor.run())
    await asyncio.sleep(60)
    time.sleep(0.61)  # noqa: ASYNC251 - nothing else runs
    assert 0.6 <= monitor.seconds_before(time.monotonic()) < 1.2
    running.cancel()

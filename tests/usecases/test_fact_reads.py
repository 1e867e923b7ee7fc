"""Reads after pauses keep their limits: per workspace, of all workspaces, and after a rate limit of Anchor."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.sessions import FACTS_INTERVAL, FactReads
from harness.product import SessionId, Tasks, sessions
from harness.texts import SESSION
from harness.values import access_of

pytestmark = pytest.mark.anyio


class Bench:
    """Anchor answers at once, or when it is `released`."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.released.set()
        self.answer: Any = []
        self.shown = AsyncMock(return_value=[])
        self.kept: Any = Mock(is_fresh=Mock(return_value=False))
        self.about = AsyncMock(side_effect=self.read)
        anchor: Any = Mock(about=self.about)
        self.allows = AsyncMock(return_value=True)
        rows: Any = Mock(shown_facts=self.shown, allows_reads=self.allows, record_reads=AsyncMock())
        self.reads = FactReads(anchor, self.kept, rows, Tasks())

    async def read(self, *_: object, **__: object) -> Any:
        await self.released.wait()
        return self.answer

    async def follow(self, team: str = "T1") -> int:
        """Return how many reads there were, after an order for a session."""
        self.reads.read_after_pause(access_of("U1", team_id=team), SessionId(SESSION))
        await asyncio.sleep(0.001)
        return self.about.await_count


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_session_whose_facts_are_fresh_is_not_read_and_a_stopped_reader_reads_nothing(bench: Bench) -> None:
    bench.kept.is_fresh.return_value = True
    assert await bench.follow() == 0
    bench.kept.is_fresh.return_value = False
    bench.reads.stop()
    assert await bench.follow() == 0


@pytest.mark.parametrize("is_slow", [False, True])
async def test_many_workspaces_share_a_limit(bench: Bench, *, is_slow: bool) -> None:
    if is_slow:
        bench.released.clear()
    for number in range(50):
        await bench.follow(f"T{number}")
    assert bench.about.await_count == 20
    await asyncio.sleep(FACTS_INTERVAL)
    assert await bench.follow("T50") == (20 if is_slow else 21)


async def test_after_a_rate_limit_there_is_no_read_for_a_minute(bench: Bench) -> None:
    bench.answer = sessions.NotRead(sessions.Unread.RATE_LIMITED, 429)
    await bench.follow()
    await asyncio.sleep(59.0)
    assert [await bench.follow(), await bench.follow("T2")] == [1, 2]
    await asyncio.sleep(1.0)
    assert await bench.follow() == 3
    bench.kept.learn.assert_not_called()
    bench.shown.assert_not_called()


async def test_without_requests_left_nothing_is_read(bench: Bench) -> None:
    bench.allows.return_value = False
    assert await bench.follow() == 0

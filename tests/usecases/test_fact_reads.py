"""Reads behind orders keep their limits: per workspace, of all workspaces, and after a rate limit of Anchor."""

import asyncio
from typing import cast

import pytest

from bot.concurrency import Tasks, let_others_run
from bot.core.secret import Secret
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.core.session_list import NotRead, Unread
from bot.core.workspace import Workspace
from bot.outbound.anchor.sessions import AnchorSessions
from bot.usecases import fact_reads
from bot.usecases.access_check import Access
from bot.usecases.fact_reads import FactReads
from bot.usecases.session_reads import CACHED, SessionReads
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

SESSION_ID = SessionId(SESSION)
OTHER = SessionId("9c0d7e11-2222-4333-8444-555566667777")


class FakeSessions:
    """An Anchor that answers at once, or when it is `released`. `reads` has the sessions it was asked for."""

    def __init__(self) -> None:
        self.reads: list[SessionId] = []
        self.answer: NotRead | None = None
        self.released = asyncio.Event()
        self.released.set()

    async def about(self, key: Secret, session_id: SessionId, *, within: float) -> list[Session] | NotRead:
        del key, within
        self.reads.append(session_id)
        await self.released.wait()
        return self.answer or [Session(id=session_id, steps=1)]


class Bench:
    """Reads with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.anchor = FakeSessions()
        anchor = cast("AnchorSessions", self.anchor)
        self.tasks = Tasks()
        self.kept = SessionReads(anchor, self.tasks, self.clock, self.clock)
        self.filled: list[str] = []
        self.stored = asyncio.Event()
        self.stored.set()
        self.reads = FactReads(anchor, self.kept, self.fill, self.tasks, self.clock)

    async def fill(self, team_id: str) -> None:
        await self.stored.wait()
        self.filled.append(team_id)

    def clock(self) -> float:
        return self.now

    async def follow(self, session_id: SessionId = SESSION_ID, *, team: str = "T1") -> int:
        """Return how many reads there were, after an order for a session."""
        workspace = Workspace(team, Secret("xoxb-1"), None)
        self.reads.follow(Access(workspace, Secret("key"), ("U1", "T1")), session_id)
        await let_others_run(10)
        return len(self.anchor.reads)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(fact_reads, "_DELAY", 0.0)
    return Bench()


async def test_a_workspace_is_read_once_per_second(bench: Bench) -> None:
    assert [await bench.follow(), await bench.follow(OTHER)] == [1, 1]
    assert bench.filled == ["T1"]
    bench.now = fact_reads.INTERVAL
    assert await bench.follow(OTHER) == 2


async def test_a_session_whose_facts_are_fresh_is_not_read(bench: Bench) -> None:
    assert await bench.follow() == 1
    bench.now = CACHED - 0.1
    assert await bench.follow() == 1
    bench.now = CACHED
    assert await bench.follow() == 2


async def test_one_read_of_a_workspace_is_in_flight(bench: Bench) -> None:
    bench.anchor.released.clear()
    await bench.follow()
    bench.now = 2 * fact_reads.INTERVAL
    assert [await bench.follow(OTHER), await bench.follow(team="T2")] == [1, 2]


@pytest.mark.parametrize("is_slow", [False, True])
async def test_many_workspaces_share_a_limit(bench: Bench, is_slow: bool) -> None:
    if is_slow:
        bench.anchor.released.clear()
    for number in range(50):
        await bench.follow(team=f"T{number}")
    assert len(bench.anchor.reads) == 20
    bench.now = fact_reads.INTERVAL
    assert await bench.follow(team="T50") == (20 if is_slow else 21)


async def test_after_a_rate_limit_there_is_no_read_for_a_minute(bench: Bench) -> None:
    bench.anchor.answer = NotRead(Unread.RATE_LIMITED, 429)
    await bench.follow()
    bench.now = 59.0
    assert [await bench.follow(), await bench.follow(team="T2")] == [1, 2]
    bench.now = 60.0
    assert await bench.follow() == 3
    assert bench.kept.known("T1", SESSION_ID) is None
    assert bench.filled == []


async def test_a_stopped_reader_reads_nothing(bench: Bench) -> None:
    bench.reads.stop()
    assert await bench.follow() == 0


async def test_what_was_read_is_stored_at_the_end(bench: Bench) -> None:
    bench.stored.clear()
    await bench.follow()
    bench.reads.stop()
    bench.stored.set()
    assert await bench.tasks.settle(within=10)
    assert bench.filled == ["T1"]


async def test_a_status_alone_does_not_make_a_session_known(bench: Bench) -> None:
    bench.kept.learn_some("T1", [Session(id=SESSION_ID, tags=("checkout",), status="running")])
    assert bench.kept.known("T1", SESSION_ID) == Session(id=SESSION_ID, tags=("checkout",))
    assert await bench.follow() == 1
    bench.kept.learn_some("T1", [Session(id=SESSION_ID, tags=("nightly",))])
    known = bench.kept.known("T1", SESSION_ID)
    assert known == Session(id=SESSION_ID, tags=("nightly",), steps=1)
    assert known.for_card() == Session(id=SESSION_ID, tags=("nightly",))

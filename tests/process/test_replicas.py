"""Three processes on one PostgreSQL: each order is told once, the last one wins, and nothing is lost."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.sim.anchor import SessionState
from harness.conversation import until
from harness.databases import postgresql
from harness.pooler import pooler
from harness.process import frozen
from harness.programs import needs
from harness.replicas import TAKEN_OVER, Replicas, replicas

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

TAKEN_OVER_WITHIN = 17.0  # seconds: its lease, the next look of the leader, and if that was killed, its renewal
STATES = {"Paused": SessionState.PAUSED, "Resumed": SessionState.RUNNING}


@pytest.fixture
def url(postgresql_urls: Iterator[str]) -> str:
    return next(postgresql_urls)


@pytest.mark.parametrize(
    ("count", "rounds", "socket_mode"),
    [
        pytest.param(2, 2, False, id="two replicas"),
        pytest.param(3, 20, False, id="http", marks=pytest.mark.long),
        pytest.param(3, 20, True, id="socket", marks=pytest.mark.long),
    ],
)
async def test_the_last_order_wins_wherever_it_is_given(
    url: str, count: int, rounds: int, *, socket_mode: bool
) -> None:
    async with replicas(url, count, socket_mode=socket_mode) as at:
        at.slack.sockets.choose = at.chance.choice
        for _ in range(rounds):
            await asyncio.gather(*(order_at_random(at) for _ in range(10)))
        by_session: dict[str, list[Any]] = {}
        for row in sorted(await at.until_told(), key=lambda row: row.effect or 0):
            if row.effect is not None:
                by_session.setdefault(row.session_id, []).append(row)
        last = {session: rows[-1].outcome for session, rows in by_session.items()}
        ends = {session: at.anchor.session(session).state for session in last}
        wrong = [
            session for session in last if last[session] != "Unconfirmed" and STATES[last[session]] != ends[session]
        ]
        outcomes = [row.outcome for row in await at.rows()]
    assert len(last) == 10 * rounds
    assert (
        any(one in outcomes for one in ("PausedSince", "ResumedSince", "Late")) or rounds < 20
    )  # of a few none has to cross a pause
    assert [[(row.verb, row.outcome, row.owner) for row in by_session[session]] for session in wrong] == []


async def order_at_random(at: Replicas) -> None:
    """Let people pause and resume a session, each order at some replica; Anchor takes some time for each."""
    session, giving = at.anchor.add_session(), []
    for _ in range(at.chance.randint(2, 6)):
        at.anchor.session(session).seconds = at.chance.uniform(0.005, 0.12)
        giving.append(asyncio.create_task(at.order(at.chance.choice(["pause", "resume"]), session)))
        await asyncio.sleep(at.chance.uniform(0.0, 0.08))
    await asyncio.gather(*giving)


@pytest.mark.long
@pytest.mark.realtime
async def test_what_a_killed_replica_leaves_is_taken_over(url: str) -> None:
    async with replicas(url) as at:
        giving = asyncio.create_task(at.give(90, rate=30.0, seconds=4.0))
        await asyncio.sleep(2.0)
        killed = at.bots.pop()
        killed.process.kill()
        at.balancer.replicas.discard(killed.url)
        killed_at = time.time()
        await giving
        rows = await at.until_told()
        taken = [moment for bot in at.bots for moment in bot.times(TAKEN_OVER)]
        seconds = [round(moment - killed_at, 1) for moment in taken]
    assert lost(at, rows) == []
    assert taken
    assert max(seconds) < TAKEN_OVER_WITHIN


@pytest.mark.long
async def test_a_frozen_replica_sends_no_resume_late(url: str) -> None:
    async with replicas(url) as at:
        giving = asyncio.create_task(at.give(90, rate=30.0, seconds=4.0))
        await asyncio.sleep(2.0)
        async with frozen(at.bots[0], 20.0):
            await giving
            await asyncio.sleep(8.0)  # until all that can be sent is sent
            before = len(at.anchor.orders)
        await asyncio.sleep(5.0)
        rows = await at.until_told()
        late = [request.session_id for request in at.anchor.orders[before:] if request.verb == "resume"]
        taken = sum(entry["message"] == TAKEN_OVER for bot in at.bots for entry in bot.log)
    assert (late, lost(at, rows)) == ([], [])
    assert taken > 0
    assert sum(count > 1 for count in at.told().values()) <= 2


@pytest.mark.long
@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_a_rolling_restart_rejects_nothing(url: str, *, socket_mode: bool) -> None:
    async with replicas(url, socket_mode=socket_mode, DRAIN_SECONDS="1") as at:
        at.slack.sockets.choose = at.chance.choice
        giving = asyncio.create_task(at.give(600, rate=30.0, seconds=0.5))
        for old in list(at.bots):
            await at.start()
            await at.retire(old)
        is_enough = not giving.done()
        await giving
        rows = await at.until_told()
    outcomes = {row.outcome for row in rows}
    assert is_enough
    assert (at.balancer.failures, lost(at, rows)) == ([], [])
    assert outcomes == {"Paused", "Resumed"}
    assert {one.delivery.error for one in at.given} == {None}


@pytest.mark.long
@pytest.mark.postgresql
async def test_nothing_is_lost_while_the_database_restarts() -> None:
    with postgresql() as server:
        async with replicas(server.new_database("replicas")) as at:
            giving = asyncio.create_task(at.give(400, rate=50.0, seconds=1.0))
            await asyncio.sleep(2.0)
            await asyncio.to_thread(server.stop_at_once)
            pause, resume = at.anchor.add_session(), at.anchor.add_session(state=SessionState.PAUSED)
            await asyncio.gather(at.order("pause", pause), at.order("resume", resume))
            await until(lambda: all(at.told()[session] for session in (pause, resume)))
            await asyncio.to_thread(server.start)
            await giving
            rows = await at.until_told()
    meanwhile = {row.session_id: row.outcome for row in rows if row.session_id in {pause, resume}}
    assert lost(at, rows) == []
    assert {one.delivery.error for one in at.given} == {None}
    assert meanwhile == {pause: "Paused", resume: "StoreUnavailable"}
    assert at.anchor.posts(pause)
    assert at.anchor.posts(resume) == []
    assert {row.verb for row in rows if row.outcome == "StoreUnavailable"} == {"resume"}


@pytest.mark.long
@needs("pgbouncer")
async def test_nothing_is_lost_with_a_pooler_in_transaction_mode_also_when_it_restarts(url: str) -> None:
    """PgBouncer has fewer connections than one process."""
    async with pooler(url, connections=4) as own, replicas(own.url, 2) as at:
        giving = asyncio.create_task(at.give(90, rate=20.0, seconds=2.0))
        await asyncio.sleep(1.0)
        killed = at.bots.pop()
        killed.process.kill()
        at.balancer.replicas.discard(killed.url)
        await asyncio.sleep(1.0)
        await own.stop()
        await asyncio.sleep(1.0)
        await own.start()
        await giving
        rows = await at.until_told()
        problems = [bot.log for bot in at.bots if (await bot.get("/readyz"))[1]["degraded"]]
        is_taken_over = any(bot.times(TAKEN_OVER) for bot in at.bots)
    assert (lost(at, rows), problems, is_taken_over) == ([], [], True)
    assert {row.outcome for row in rows} >= {"Paused", "Resumed"}


def lost(at: Replicas, rows: list[Any]) -> list[tuple[object, ...]]:
    """Return the orders that were acknowledged or recorded and whose outcome nobody saw. No resume was sent twice."""
    told, recorded = at.told(), {row.trigger_id: row for row in rows}
    assert [one for one in at.given if one.verb == "resume" and len(at.anchor.posts(one.session)) > 1] == []
    found = [(one, recorded.get(one.delivery.trigger_id)) for one in at.given if not told[one.session]]
    return [
        (one.verb, one.session, one.delivery.error, row and (row.state, row.outcome, row.delivered_by))
        for one, row in found
        if one.delivery.ack is not None or row
    ]

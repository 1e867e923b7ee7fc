"""One process leads: at most one says so, another one follows, and no message is lost, outdated or sent twice."""

import asyncio
import itertools
import random
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from bot.sim.faults import Hang, Slow
from bot.sim.local_server import free_port
from bot.usecases.outbox import MOST_SENDING
from harness.conversation import until
from harness.leaders import POST, Leaders, leaders, leads
from harness.pooler import pooler
from harness.process import BotProcess, scrape
from harness.programs import needs

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

SOON, WITHOUT_NEWS = 1.0, 2.5  # seconds until another process's alert is posted
AFTER_A_KILL = 13.0  # and until another process leads, at most
LEASE = 10.0
long, realtime = pytest.mark.long, pytest.mark.realtime


@pytest.fixture
def url(postgresql_urls: Iterator[str]) -> str:
    return next(postgresql_urls)


# --- one of them leads ---


@realtime
@pytest.mark.parametrize(
    ("situation", "least", "most"),
    [
        pytest.param("stop", -1.0, SOON, id="stop"),  # or before its process has ended
        pytest.param("kill", 0.0, AFTER_A_KILL, id="kill", marks=long),
        pytest.param("freeze", 0.0, AFTER_A_KILL, id="freeze", marks=long),
        pytest.param("silence", 30.0, 45.0, id="no answer of Slack", marks=long),
    ],
)
async def test_at_most_one_process_says_that_it_leads_and_another_one_follows(
    url: str, situation: str, least: float, most: float
) -> None:
    """One that is asked after another one has said so never says so again."""
    port = free_port()
    async with leaders(url, 0, 1, METRICS_PORT=str(port)) as at:
        first = await at.start()
        await at.leader()
        assert (await scrape(port))("anchor_bot_leader") == 1
        at.environ = {**at.environ, "METRICS_PORT": str(other_port := free_port())}
        await at.start()
        assert (await scrape(other_port))("anchor_bot_leader") == 0
        seen: list[tuple[int, float]] = []
        watching = asyncio.create_task(watch(at, seen))
        await until(lambda: len(seen) > 3)
        if situation == "stop":
            assert await first.stop() == 0
        elif situation == "silence":
            at.slack.faults[POST] = Hang()
            await at.fill(at.tenants, 1)
        else:
            first.process.send_signal(signal.SIGKILL if situation == "kill" else signal.SIGSTOP)
        began = time.monotonic()
        await until(lambda: {number for number, _ in seen} == {0, 1}, within=60.0)
        first.process.send_signal(signal.SIGCONT) if situation == "freeze" else None
        await asyncio.sleep(0.5 if situation == "stop" else 4.0)
        watching.cancel()
        assert (await scrape(other_port))("anchor_bot_leader") == 1
    seconds = next(moment for number, moment in seen if number == 1) - began
    print(f"{situation}: another process leads after {seconds:.2f} s")  # noqa: T201 - for those who run it with -s
    assert [number for number, _ in itertools.groupby(number for number, _ in seen)] == [0, 1]
    assert least <= seconds < most


async def watch(at: Leaders, seen: list[tuple[int, float]]) -> None:
    """Ask one process after the other, again and again, whether it leads."""
    while True:
        for number, member in enumerate(at.members):
            if await leads(member):
                seen.append((number, time.monotonic()))
        await asyncio.sleep(0.02)


# --- its messages ---

TENANTS = 10
FEW, MANY = 10, 50  # alerts of each workspace that wait, up to five in a channel


@pytest.mark.parametrize(
    ("database", "situation", "processes", "each"),
    [
        pytest.param("sqlite", "kill", 1, FEW, id="sqlite-kill"),
        pytest.param("sqlite", "freeze", 1, MANY, id="sqlite-freeze-500", marks=long),
        pytest.param("postgresql", "kill", 3, MANY, id="postgresql-kill-500", marks=long),
        pytest.param("postgresql", "freeze", 2, MANY, id="postgresql-freeze-500", marks=long),
    ],
)
async def test_no_message_is_lost_or_outdated_or_doubled_unless_it_was_being_sent(
    request: pytest.FixtureRequest, sqlite_url: str, database: str, situation: str, processes: int, each: int
) -> None:
    url = sqlite_url if database == "sqlite" else request.getfixturevalue("url")
    async with leaders(url, processes, TENANTS) as at:
        leader, rng = await at.leader(), random.Random(1)  # noqa: S311 - no secret
        await at.fill(at.tenants, each)
        await until(lambda: len(at.posts()) > TENANTS * each / 4, within=60.0)
        await at.change([row.id for row in rng.sample(await at.rows(), 50)])
        being_sent = await strike(at, leader, situation)
        await at.change([row.id for row in rng.sample(await at.rows(), 50)])
        if situation == "freeze":
            await asyncio.sleep(8.0 if processes == 1 else 2 * LEASE)
            leader.process.send_signal(signal.SIGCONT)
        await until(lambda: are_sent(at), within=90.0)
        await asyncio.sleep(1.0)  # for a post that is deleted
        rows, posts, shown = await at.rows(), at.posts(), at.shown()
    kept = {(row.channel_id, row.ts): row for row in rows}
    doubled = {session for session, number in posts.items() if number > 1}
    outdated = [
        one for one in shown if (row := kept.get((one.channel, one.ts))) and not is_newest(row.content, one.text)
    ]
    spare = {session for session in posts for one in shown if (one.channel, one.ts) not in kept and session in one.text}
    numbers = f"{len(being_sent)} were being sent, {len(doubled)} were sent twice, {len(spare)} are shown twice"
    print(f"{database} {situation}: {numbers}")  # noqa: T201 - for those who run it with -s
    assert len(rows) == len(kept) == len(posts) == TENANTS * each
    assert {row.failure for row in rows} == {None}
    assert kept.keys() <= {(one.channel, one.ts) for one in shown}
    assert outdated == []
    assert max(posts.values()) <= 2
    assert len(doubled) <= MOST_SENDING
    assert doubled <= being_sent or situation == "freeze"  # such a process goes on with what it was preparing
    assert spare == set() or processes == 1 or situation == "kill"  # else both know what they have posted


async def strike(at: Leaders, leader: BotProcess, situation: str) -> set[str]:
    """Let something happen to the leader. Return the sessions whose message it was sending, or had not recorded."""
    leader.process.send_signal(signal.SIGKILL if situation == "kill" else signal.SIGSTOP)
    if situation == "kill":
        at.members.remove(leader)
    sent = -1
    while sent != (sent := at.posts().total()):  # noqa: ASYNC110 - on a busy machine they come seconds later
        await asyncio.sleep(0.5)  # what had been sent to the database is committed, too
    posted = {row.session_id for row in await at.rows() if row.ts}
    being_sent = at.posts().keys() - posted
    if not at.members:
        await at.start()
    return being_sent


async def are_sent(at: Leaders) -> bool:
    found = await at.store.database.fetch_one("SELECT count(*) AS number FROM messages WHERE due IS NOT NULL")
    return found is not None and found.number == 0


def is_newest(content: str, text: str) -> bool:
    return content.count("spends!") <= text.count("spends!") and content.count("s!!") <= text.count("s!!")


# --- how long an alert waits ---


@realtime
@long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("busy", "waiting", "seconds", "most"),
    [
        pytest.param(20, 1_000, 0.05, 2.0, id="20 workspaces with 1,000 alerts each"),
        pytest.param(1, 200, 10.0, 1.0, id="a workspace whose calls hang"),
    ],
)
async def test_an_alert_hardly_waits_for_other_workspaces(
    request: pytest.FixtureRequest, sqlite_url: str, database: str, busy: int, waiting: int, seconds: float, most: float
) -> None:
    """On PostgreSQL another process than the leader takes it."""
    url = sqlite_url if database == "sqlite" else request.getfixturevalue("url")
    async with leaders(url, 1 if database == "sqlite" else 2, busy + 1) as at:
        *others, own = at.tenants
        for tenant in others:
            at.slack.faults[tenant.installation.bot_token] = Slow(seconds)
        leader = await at.leader()
        taker = leader if database == "sqlite" else next(one for one in at.members if one is not leader)
        await at.fill(others, waiting)
        await until(
            lambda: len([one for one in at.slack.api_calls if one.method == POST]) > min(17, busy * 5), within=60
        )
        waits = list[float]()
        for _ in range(4):
            waits.append(await at.seconds_until_shown(taker, own))
            await asyncio.sleep(1.5)  # the pace of its channel
    print(f"{database}, {busy} workspaces, calls of {seconds} s: {waits}")  # noqa: T201
    assert max(waits) < most


@realtime
@needs("pgbouncer")
@pytest.mark.parametrize(
    ("situation", "most"),
    [
        pytest.param("leader lives", SOON, id="a leader lives"),
        pytest.param("pooler", WITHOUT_NEWS, id="a pooler in transaction mode", marks=long),
        pytest.param("kill", AFTER_A_KILL, id="the leader is killed", marks=long),
    ],
)
async def test_an_alert_at_another_process_is_posted_soon(url: str, situation: str, most: float) -> None:
    async with AsyncExitStack() as stack:
        if situation == "pooler":
            url = (await stack.enter_async_context(pooler(url, connections=8))).url
        at = await stack.enter_async_context(leaders(url, 2, 1))
        leader = await at.leader()
        other, waits = next(one for one in at.members if one is not leader), list[float]()
        for _ in range(1 if situation == "kill" else 2):
            if situation == "kill":
                leader.process.send_signal(signal.SIGKILL)
            waits.append(await at.seconds_until_shown(other, at.tenants[0]))
            await asyncio.sleep(1.1)
    print(f"{situation}: {waits}")  # noqa: T201
    assert max(waits) < most

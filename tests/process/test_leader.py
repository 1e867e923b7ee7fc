"""One process leads: at most one says so, another one follows, and no message is lost, outdated or sent twice."""

import asyncio
import itertools
import json
import random
import re
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import aiohttp
import pytest

from bot.core.cards import Urgency
from bot.demo.sandbox import environment_of_many
from bot.outbound.store.outbox import add_cards
from bot.sim.anchor import SimAnchor
from bot.sim.faults import For, Hang, ResetAfterReading, Slow
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, Message, SimSlack, Workspace
from bot.usecases.outbox import MOST_SENDING
from harness.cards import COPIES, Card, card
from harness.conversation import post_json, until
from harness.databases import KEY
from harness.outages import Network, network
from harness.process import BotProcess, bot_process, scrape
from harness.product import Secret, Store, open_store
from harness.programs import needs, pooler
from harness.stored import ACME, add_token

POST, UPDATE = "chat.postMessage", "chat.update"
TOKEN = "s3cret-of-the-alerts"
CHANNELS = 10
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANSWERS_WITHIN = 0.5  # seconds
_CHANGE = (
    """
    UPDATE parts SET content = replace(content, 'spends', 'spends!')
    WHERE message_id IN (SELECT value FROM json_each(:ids))
    """,
    """
    UPDATE messages SET version = version + 1, due = 0, urgency = CASE WHEN ts IS NULL THEN urgency ELSE :update END
    WHERE id IN (SELECT value FROM json_each(:ids))
    """,
)


async def leads(bot: BotProcess) -> bool:
    """Return whether it says that it leads."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            return bool((await bot.get("/readyz"))[1]["leader"])
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


@dataclass(slots=True)
class Leaders:
    """The processes, and the workspaces whose messages they send."""

    slack: SimSlack
    anchor: SimAnchor
    store: Store
    environ: Mapping[str, str]
    stack: AsyncExitStack
    tenants: list[Workspace] = field(default_factory=list)
    members: list[BotProcess] = field(default_factory=list)

    async def start(self, **settings: str) -> BotProcess:
        environ = {**self.environ, "PORT": str(free_port()), **settings}
        bot = await self.stack.enter_async_context(bot_process(environ, covered=False))
        await bot.says("ready")
        self.members.append(bot)
        return bot

    async def add_tenant(self, channels: int = CHANNELS) -> Workspace:
        """Add a workspace with so many channels, whose programs can post alerts."""
        number = len(self.tenants)
        app = Installation(f"xoxb-tenant-{number}", bot_user_id=f"U0BOT{number:06}")
        tenant = Workspace(f"T0TENANT{number:03}", f"tenant-{number}", app)
        for channel in range(channels):
            tenant.add_channel(f"C0TENANT{number:03}{channel}", f"alerts-{channel}", app.bot_user_id)
        self.slack.add_workspace(tenant)
        installed = replace(ACME, team_id=tenant.team_id, bot_user_id=app.bot_user_id, bot_token=Secret(app.bot_token))
        await self.store.rows.save(installed)
        assert await add_token(self.store.rows, tenant.team_id, TOKEN)
        assert await self.store.rows.set_alerts_channel(tenant.team_id, f"C0TENANT{number:03}0")
        self.tenants.append(tenant)
        return tenant

    async def fill(self, tenants: Sequence[Workspace], count: int) -> None:
        """Let so many alerts of each workspace wait in its channels."""
        for tenant in tenants:
            session, channel = self.anchor.add_session(), next(iter(tenant.channels))[:-1]
            one = card(channel, team=tenant.team_id, ts=None, session=session)
            values = {"team_id": tenant.team_id, "count": count, "channels": len(tenant.channels)}
            await self.store.database.change(partial(copy, one, values))

    async def change(self, ids: Sequence[str]) -> None:
        """Change messages, as another process does."""

        def work(connection: Any) -> None:
            for statement in _CHANGE:
                connection.execute(statement, ids=json.dumps(ids), update=int(Urgency.UPDATE))

        await self.store.database.change(work)

    async def rows(self) -> list[Any]:
        """The messages, each with the session and the content of its only part."""
        return list(
            await self.store.database.fetch_all(
                "SELECT messages.id, channel_id, ts, due, failure, session_id, content FROM messages "
                "JOIN parts ON message_id = messages.id ORDER BY messages.id"
            )
        )

    async def leader(self, *, within: float = 20.0) -> BotProcess:
        """Wait until a process says that it leads, and return it."""
        found: list[BotProcess] = []

        async def has_one() -> bool:
            found[:] = [one for one in self.members if await leads(one)]
            return bool(found)

        await until(has_one, within=within)
        return found[0]

    async def alert(self, member: BotProcess, tenant: Workspace, session: str) -> int:
        """Post an alert about a session at a process, and return the status of the answer."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url, body = f"{member.url}/alerts/{tenant.team_id}", {"session_id": session, "text": "High spend"}
        return (await post_json(url, body, headers=headers))[0]

    def is_shown(self, tenant: Workspace, session: str) -> bool:
        return any(session[:8] in one.text for one in self.slack.channel_messages(next(iter(tenant.channels))))

    async def seconds_until_shown(self, member: BotProcess, tenant: Workspace) -> float:
        """Post an alert about a new session at a process, and return after how many seconds Slack shows it."""
        began, session = time.monotonic(), self.anchor.add_session()
        posting = asyncio.create_task(self.alert(member, tenant, session))
        await self.slack.until(lambda: self.is_shown(tenant, session), within=30.0)
        seconds = time.monotonic() - began
        assert await posting in {200, 202}
        return round(seconds, 2)

    def shown(self) -> list[Message]:
        """All messages of the bot in the workspaces."""
        channels = [channel for tenant in self.tenants for channel in tenant.channels]
        return [message for channel in channels for message in self.slack.channel_messages(channel)]

    def posts(self) -> Counter[str]:
        """How often each session was posted, also if that was deleted."""
        return Counter({session: len(began) for session, began in self.calls(POST).items()})

    def calls(self, *methods: str) -> dict[str, list[float]]:
        """When the calls about each session began."""
        found = defaultdict[str, list[float]](list)
        for call in self.slack.api_calls:
            for session in set(_SESSION.findall(str(call.arguments["text"]))) if call.method in methods else ():
                found[session].append(call.at.monotonic)
        return found


def copy(one: Card, values: Mapping[str, Any], connection: Any) -> None:
    """Put copies of a message there instead of it, each about a session of its own."""
    add_cards([one], connection)
    for statement in COPIES:
        connection.execute(statement, **values)
    connection.execute("DELETE FROM parts WHERE id = :id", id=one.id)
    connection.execute("DELETE FROM messages WHERE id = :id", id=one.id)
    own = "UPDATE parts SET content = replace(content, :session, session_id) WHERE team_id = :team_id"
    connection.execute(own, session=one.parts[0].session_id, team_id=one.team_id)


@asynccontextmanager
async def leaders(database_url: str, count: int, tenants: int, **settings: str) -> AsyncIterator[Leaders]:
    """Run so many processes for so many workspaces."""
    async with (
        SimSlack(socket_mode=False) as slack,
        SimAnchor() as anchor,
        open_store(Secret(database_url), [KEY]) as store,
        AsyncExitStack() as stack,
    ):
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal(), **settings}
        environ = environment_of_many(slack, anchor, port=free_port(), **own)
        at = Leaders(slack, anchor, store, environ, stack)
        for _ in range(tenants):
            await at.add_tenant()
        await asyncio.gather(*(at.start() for _ in range(count)))
        yield at


pytestmark = pytest.mark.no_cover

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
    async with leaders(url, 0, 1) as at:
        first = await at.start(METRICS_PORT=str(port))
        await at.leader()
        assert (await scrape(port))("anchor_bot_leader") == 1
        await at.start(METRICS_PORT=str(other_port := free_port()))
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
SLOW, QUICK = 2.0, 0.3  # seconds that calls of Slack take, the slow ones while the database fails
EARLY = 0.05  # seconds by which a timer can fire early
FAILURES = {"silence", "lost answer"}
TAKES = b"UPDATE messages SET due = $"


@pytest.mark.parametrize(
    ("database", "situation", "processes", "each"),
    [
        pytest.param("sqlite", "kill", 1, FEW, id="sqlite-kill"),
        pytest.param("sqlite", "kill", 1, MANY, id="sqlite-kill-500", marks=long),
        pytest.param("sqlite", "freeze", 1, MANY, id="sqlite-freeze-500", marks=long),
        pytest.param("sqlite", "silence", 1, MANY, id="sqlite-silence-500", marks=long),
        pytest.param("postgresql", "kill", 3, MANY, id="postgresql-kill-500", marks=long),
        pytest.param("postgresql", "freeze", 2, MANY, id="postgresql-freeze-500", marks=long),
        pytest.param("postgresql", "silence", 2, MANY, id="postgresql-silence-500", marks=long),
        pytest.param("postgresql", "lost answer", 2, MANY, id="postgresql-lost-answer-500", marks=long),
    ],
)
async def test_no_message_is_lost_or_outdated_or_doubled_unless_it_was_being_sent(
    request: pytest.FixtureRequest, sqlite_url: str, database: str, situation: str, processes: int, each: int
) -> None:
    """The first leader is killed or frozen, gets no answer of the database, or none to a commit that takes messages."""
    url = sqlite_url if database == "sqlite" else request.getfixturevalue("url")
    async with network(url) as way, leaders(url, 0, TENANTS) as at:
        at.slack.faults[POST] = at.slack.faults[UPDATE] = Slow(seconds := SLOW if situation in FAILURES else QUICK)
        leader, rng = await at.start(DATABASE_URL=way.url), random.Random(1)  # noqa: S311 - no secret
        await at.leader()
        await asyncio.gather(*(at.start() for _ in range(processes - 1)))
        await at.fill(at.tenants, each)
        await until(lambda: len(at.posts()) > TENANTS * each / 4, within=60.0)
        await at.change([row.id for row in rng.sample(await at.rows(), 50)])
        being_sent = await (fail(at, way, situation) if situation in FAILURES else strike(at, leader, situation))
        await at.change([row.id for row in rng.sample(await at.rows(), 50)])
        if situation == "freeze":
            await asyncio.sleep(8.0 if processes == 1 else 2 * LEASE)
            leader.process.send_signal(signal.SIGCONT)
        await until(lambda: are_sent(at), within=90.0)
        if situation != "kill" and processes > 1:  # both know what they have posted, but for answers that came late
            await until(lambda: are_deleted(at, being_sent), within=60.0)
        rows, posts, shown = await at.rows(), at.posts(), at.shown()
    kept = {(row.channel_id, row.ts): row for row in rows}
    doubled = {session for session, number in posts.items() if number > 1}
    calls = at.calls(POST, UPDATE).values()
    outdated = [
        one for one in shown if (row := kept.get((one.channel, one.ts))) and not is_newest(row.content, one.text)
    ]
    print(f"{database} {situation}: {len(being_sent)} were being sent, {len(doubled)} were sent twice")  # noqa: T201
    assert len(rows) == len(kept) == len(posts) == TENANTS * each
    assert {row.failure for row in rows} == {None}
    assert kept.keys() <= {(one.channel, one.ts) for one in shown}
    assert outdated == []
    assert max(posts.values()) <= 2
    assert len(doubled) <= MOST_SENDING
    assert doubled <= being_sent or situation != "kill"  # such a process goes on with what it was preparing
    assert min(later - one for times in calls for one, later in itertools.pairwise(times)) > seconds - EARLY


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


async def fail(at: Leaders, way: Network, situation: str) -> set[str]:
    """Let the database give the leader no answer for 8 s, or none to a commit that takes messages."""
    if situation == "silence":
        async with way.cut():
            await asyncio.sleep(8.0)
        return set()
    way.loses_commit_of = TAKES
    await at.change([row.id for row in await at.rows() if row.ts])  # else the leader still has it in memory
    await until(lambda: not way.loses_commit_of)
    return set()


async def are_sent(at: Leaders) -> bool:
    found = await at.store.database.fetch_one("SELECT count(*) AS number FROM messages WHERE due IS NOT NULL")
    return found is not None and found.number == 0


async def are_deleted(at: Leaders, being_sent: set[str]) -> bool:
    """Whether no second message is shown of a session, unless it was being sent."""
    kept = {(row.channel_id, row.ts) for row in await at.rows()}
    spare = [one.text for one in at.shown() if (one.channel, one.ts) not in kept]
    return all(any(session in text for session in being_sent) for text in spare)


def is_newest(content: str, text: str) -> bool:
    return content.count("spends!") <= text.count("spends!") and content.count("s!!") <= text.count("s!!")


# --- how long an alert waits ---


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
            url, _ = await stack.enter_async_context(pooler(url, connections=8))
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


WORKSPACES, WAITING = 20, 1_000


@long
@realtime
@pytest.mark.parametrize("situation", ["all wait", "one hangs"])
async def test_the_alerts_of_other_workspaces_delay_none(database_url: str, situation: str) -> None:
    """An alert is posted soon beside 20,000 that wait, and while Slack does not answer calls of another workspace."""
    is_shared = database_url.startswith("postgresql")
    async with leaders(database_url, 1 + is_shared, WORKSPACES + 1) as at:
        *others, own = at.tenants
        leader, waits = await at.leader(), list[float]()
        if situation == "all wait":
            await at.fill(others, WAITING)
        else:
            crowded = await at.add_tenant(MOST_SENDING)  # it could have all calls
            at.slack.faults[crowded.installation.bot_token] = For(10.0, Hang())
            await at.fill([crowded], WAITING)
        for member in [leader, *(one for one in at.members if one is not leader)] * 2:
            await asyncio.sleep(1.1)
            waits.append(await at.seconds_until_shown(member, own))
    print(f"{situation}: {waits}")  # noqa: T201
    assert max(waits) < (2.0 if situation == "all wait" else 1.0)


@long
@pytest.mark.parametrize("outage", [For(12.0, Hang()), For(5.0, ResetAfterReading())], ids=["hangs", "resets"])
async def test_alerts_that_slack_does_not_answer_are_posted_although_their_process_is_killed(
    database_url: str, outage: For
) -> None:
    is_shared = database_url.startswith("postgresql")
    async with leaders(database_url, 1 + is_shared, 1) as at:
        leader, (tenant,) = await at.leader(), at.tenants
        sessions = [at.anchor.add_session() for _ in range(7)]
        at.slack.faults[POST] = outage
        answers = await asyncio.gather(*(at.alert(leader, tenant, one) for one in sessions))
        leader.process.kill()
        if not is_shared:
            await at.start()
        await at.slack.until(lambda: all(at.is_shown(tenant, one) for one in sessions), within=90.0)
    assert set(answers) <= {200, 202}

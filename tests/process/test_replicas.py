"""Processes that are killed, frozen or restarted, alone or beside others: nothing is lost, no resume repeated."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.core.fields import Secret
from bot.demo.sandbox import environment
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SessionState, SimAnchor
from bot.sim.local_server import LocalServer
from bot.sim.slack import Delivery, SimSlack, User
from harness import paused
from harness.conversation import BY_BOT, until
from harness.databases import KEY, PostgreSQL, server_directory
from harness.process import BotProcess, bot_process, single_workspace_process
from harness.programs import needs, pooler
from harness.texts import waiting_text

_LOOK_INTERVAL = 0.1
_LOOK_TIMEOUT = 1.0
_OWN_HEADERS = ("Host", "Content-Length", "Accept", "Accept-Encoding", "User-Agent", "Transfer-Encoding", "Connection")


class Balancer:
    """Forwards to one of `replicas` (their URLs) that is ready; without one it refuses (503)."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.replicas: set[str] = set()
        self.failures: list[str] = []
        self._ready: set[str] = set()
        self._session = session
        self._server = LocalServer([web.post("/slack/events", self._forward)])

    @property
    def url(self) -> str:
        return f"{self._server.origin}/slack/events"

    async def is_ready(self, *urls: str) -> None:
        await until(lambda: self._ready >= set(urls), within=60)

    async def run(self) -> None:
        async with self._server:
            while True:
                await asyncio.gather(*map(self._look, self.replicas))
                self._ready &= self.replicas
                await asyncio.sleep(_LOOK_INTERVAL)

    async def _look(self, url: str) -> None:
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT), self._session.get(f"{url}/readyz") as answer:
                is_ready = answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            is_ready = False
        (self._ready.add if is_ready else self._ready.discard)(url)

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
        if not self._ready:
            return web.Response(status=503)
        url = random.choice(sorted(self._ready)) + request.path  # noqa: S311 - no secret
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
                return web.Response(
                    status=answer.status, body=await answer.read(), headers={"Content-Type": answer.content_type}
                )
        except (aiohttp.ClientError, OSError) as error:
            self.failures.append(type(error).__name__)
            return web.Response(status=502)


@asynccontextmanager
async def balancer() -> AsyncIterator[Balancer]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        balanced = Balancer(session)
        running = asyncio.create_task(balanced.run())
        try:
            yield balanced
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


TAKEN_OVER = "unfinished order taken over"
_PEOPLE = 30


@dataclass(slots=True)
class Given:
    verb: str
    session: str
    delivery: Delivery


@dataclass(slots=True)
class Replicas:
    """The processes, and what people have ordered."""

    slack: SimSlack
    anchor: SimAnchor
    store: Store
    balancer: Balancer
    environ: Mapping[str, str]
    stack: AsyncExitStack
    bots: list[BotProcess] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - no secret
    people: list[User] = field(default_factory=list)

    async def start(self) -> BotProcess:
        bot = await self.stack.enter_async_context(bot_process(self.environ, covered=False))
        await bot.says("connected to Slack" if self.slack.socket_mode else "ready")
        self.bots.append(bot)
        self.balancer.replicas.add(bot.url)
        await self.balancer.is_ready(bot.url)
        return bot

    async def retire(self, bot: BotProcess) -> None:
        assert await bot.stop() == 0
        self.balancer.replicas.discard(bot.url)
        self.bots.remove(bot)

    async def kill(self, bot: BotProcess) -> None:
        bot.process.kill()
        self.balancer.replicas.discard(bot.url)
        self.bots.remove(bot)
        await bot.process.wait()

    async def order(self, verb: str, session: str) -> Given:
        typed = f"/anchor-{verb}"
        delivery = await self.slack.command(self.chance.choice(self.people), self.slack.alerts, session, command=typed)
        one = Given(verb, session, delivery)
        self.given.append(one)
        return one

    async def give(self, count: int, *, rate: float, seconds: float = 0.0) -> None:
        """Let people order pauses and resumes, each of a session of its own, which take Anchor up to so long."""
        giving: list[asyncio.Task[Given]] = []
        for _ in range(count):
            is_resume = self.chance.random() < 0.3
            session = self.anchor.add_session(state=SessionState.PAUSED if is_resume else SessionState.RUNNING)
            self.anchor.session(session).seconds = self.chance.uniform(0.0, seconds)
            giving.append(asyncio.create_task(self.order("resume" if is_resume else "pause", session)))
            await asyncio.sleep(self.chance.expovariate(rate))
        await asyncio.gather(*giving)

    async def rows(self) -> list[Any]:
        return list(await self.store.database.fetch_all("SELECT * FROM orders ORDER BY settled_at"))

    async def is_recorded(self, session: str) -> bool:
        return any(row.session_id == session for row in await self.rows())

    async def until_told(self) -> list[Any]:
        """Wait until all orders in the journal have ended, and a moment for messages beyond those."""

        async def are_told() -> bool:
            return all(row.state == "settled" and row.told for row in await self.rows())

        await until(are_told, within=60.0)
        await asyncio.sleep(1.0)
        return await self.rows()

    def told(self) -> Counter[str]:
        seen = {
            (message.channel, message.ts): message
            for person in self.people
            for channel in (self.slack.alerts, self.slack.home.dm_with_bot(person))
            for message in self.slack.seen_by(person, channel)
            if message.source in BY_BOT
        }
        announced = {
            waiting_text(one.verb, session=one.session, is_recorded=is_recorded)
            for one in self.given
            for is_recorded in (True, False)
        }
        texts = [message.text for message in seen.values() if message.text not in announced]
        return Counter(
            {session: sum(session in text for text in texts) for session in {one.session for one in self.given}}
        )


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


@asynccontextmanager
async def replicas(
    database_url: str, count: int = 3, *, socket_mode: bool = False, **settings: str
) -> AsyncIterator[Replicas]:
    """Run so many processes for one workspace; all answer before it begins. In Socket Mode Slack chooses one."""
    async with (
        SimSlack(socket_mode=socket_mode) as slack,
        SimAnchor() as anchor,
        open_store(Secret(database_url), [KEY]) as store,
        balancer() as balanced,
        AsyncExitStack() as stack,
    ):
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal(), **settings}
        at = Replicas(slack, anchor, store, balanced, environment(slack, anchor, **own), stack)
        for number in range(_PEOPLE):
            person = slack.home.add_user(f"U0PERSON{number:03}", f"person-{number}")
            slack.alerts.members.add(person.id)
            at.people.append(person)
        await asyncio.gather(*(at.start() for _ in range(count)))
        slack.request_url = None if socket_mode else balanced.url
        yield at


STATES = {"Paused": SessionState.PAUSED, "Resumed": SessionState.RUNNING}


@pytest.fixture
def url(postgresql_urls: Iterator[str]) -> str:
    return next(postgresql_urls)


@pytest.mark.no_cover
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
    has_crossed = any(one in outcomes for one in ("PausedSince", "ResumedSince", "Late"))
    assert has_crossed or rounds < 20  # of a few none has to cross a pause
    assert [[(row.verb, row.outcome, row.owner) for row in by_session[session]] for session in wrong] == []


async def order_at_random(at: Replicas) -> None:
    """Let people pause and resume a session, each order at some replica; Anchor takes some time for each."""
    session, giving = at.anchor.add_session(), []
    for _ in range(at.chance.randint(2, 6)):
        at.anchor.session(session).seconds = at.chance.uniform(0.005, 0.12)
        giving.append(asyncio.create_task(at.order(at.chance.choice(["pause", "resume"]), session)))
        await asyncio.sleep(at.chance.uniform(0.0, 0.08))
    await asyncio.gather(*giving)


@asynccontextmanager
async def frozen(bot: BotProcess, seconds: float) -> AsyncIterator[None]:
    bot.process.send_signal(signal.SIGSTOP)
    ends = time.monotonic() + seconds
    try:
        yield
        await asyncio.sleep(ends - time.monotonic())
    finally:
        bot.process.send_signal(signal.SIGCONT)


@pytest.mark.no_cover
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


@pytest.mark.no_cover
@pytest.mark.long
@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_a_rolling_restart_rejects_nothing(url: str, *, socket_mode: bool) -> None:
    async with replicas(url, socket_mode=socket_mode) as at:
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


@pytest.mark.no_cover
@pytest.mark.long
@pytest.mark.postgresql
async def test_nothing_is_lost_while_the_database_restarts() -> None:
    server = PostgreSQL(server_directory())
    try:
        server.start()
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
    finally:
        server.remove()
    meanwhile = {row.session_id: row.outcome for row in rows if row.session_id in {pause, resume}}
    assert lost(at, rows) == []
    assert {one.delivery.error for one in at.given} == {None}
    assert meanwhile == {pause: "Paused", resume: "StoreUnavailable"}
    assert at.anchor.posts(pause)
    assert at.anchor.posts(resume) == []
    assert {row.verb for row in rows if row.outcome == "StoreUnavailable"} == {"resume"}


@pytest.mark.no_cover
@pytest.mark.long
@needs("pgbouncer")
async def test_nothing_is_lost_with_a_pooler_in_transaction_mode_also_when_it_restarts(url: str) -> None:
    """PgBouncer has fewer connections than one process."""
    async with pooler(url, connections=4) as (own_url, own), replicas(own_url, 2) as at:
        giving = asyncio.create_task(at.give(90, rate=20.0, seconds=2.0))
        await asyncio.sleep(1.0)
        await at.kill(at.bots[-1])
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


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("socket_mode", "waves"),
    [
        pytest.param(False, 1, id="once"),
        pytest.param(False, 5, id="http", marks=pytest.mark.long),
        pytest.param(True, 5, id="socket", marks=pytest.mark.long),
    ],
)
async def test_nothing_is_lost_when_the_bot_is_killed(database_url: str, waves: int, *, socket_mode: bool) -> None:
    """On a file the next process takes over at once; beside other processes it waits for the leases."""
    async with replicas(database_url, 1, socket_mode=socket_mode) as at:
        for _ in range(waves):
            at.anchor.session(slow := at.anchor.add_session()).seconds = 5.0  # its pause is always taken over
            waiting = asyncio.create_task(at.order("pause", slow))
            await until(partial(at.is_recorded, slow), within=20.0)
            giving = asyncio.create_task(at.give(60, rate=80.0, seconds=2.0))
            await asyncio.sleep(at.chance.uniform(0.3, 1.5))
            await at.kill(at.bots[0])
            await at.start()
            await asyncio.gather(waiting, giving)
        rows = await at.until_told()
        taken_over = at.bots[0].times(TAKEN_OVER)
    assert lost(at, rows) == []
    assert taken_over


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_after_a_long_standstill_no_resume_is_sent_and_every_pause_is_reported(*, socket_mode: bool) -> None:
    async with single_workspace_process(socket_mode=socket_mode) as at:
        at.slack.timing.ack_deadline = 3.0
        await at.command()
        await at.slack.until(at.messages)  # soon after a connection has opened it does not come in the ack
        running = [at.anchor.add_session() for _ in range(5)]
        asleep = [at.anchor.add_session(state=SessionState.PAUSED) for _ in range(5)]
        async with frozen(at.bot, 7.0):
            pauses = [asyncio.create_task(at.command(session)) for session in running]
            resumes = [asyncio.create_task(at.command(session, verb="resume")) for session in asleep]
            await asyncio.sleep(0.5)
        deliveries = await asyncio.gather(*pauses, *resumes)
        await at.slack.until(lambda: len(at.messages()) == 1 + len(running))
        await at.slack.until(lambda: len(at.ephemerals()) >= len(deliveries) + len(asleep))  # with Slack's errors
        at.slack.violations.clear()  # the late acks
    assert {delivery.error for delivery in deliveries} == {"operation_timeout"}
    told = {message.text for message in at.messages()[1:]}
    # after the standstill all is recorded at once, on a slow machine too late for the result
    assert all({paused(session=one), paused(session=one, is_recorded=False)} & told for one in running)
    assert [order for order in at.anchor.requests if order.path.endswith("resume")] == []
    texts = [message.text for message in at.ephemerals()]
    assert all(any(session in text for text in texts) for session in asleep)

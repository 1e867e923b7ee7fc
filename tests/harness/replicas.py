"""Several processes of a bot on one PostgreSQL, behind a load balancer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from bot.core.fields import Secret
from bot.demo.sandbox import environment
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SessionState, SimAnchor
from bot.sim.local_server import LocalServer
from bot.sim.slack import Delivery, SimSlack, User
from harness.conversation import BY_BOT, until
from harness.databases import KEY
from harness.process import BotProcess, bot_process
from harness.texts import waiting_text

ALERTS = "/alerts/alertmanager"
_LOOK_INTERVAL = 0.1
_LOOK_TIMEOUT = 1.0
_OWN_HEADERS = ("Host", "Content-Length", "Accept", "Accept-Encoding", "User-Agent", "Transfer-Encoding", "Connection")


class Balancer:
    """Forwards to `replicas` (their URLs). A request goes to as many `copies` at once; the first answer counts.

    Without a replica that is ready it is refused (503).
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.replicas: set[str] = set()
        self.copies = 1
        self.failures: list[str] = []
        self.answers: list[Any] = []
        """The JSON of each answer that has one."""
        self.alerts_at: list[float] = []
        """The times (monotonic) of the requests with alerts."""
        self._ready: set[str] = set()
        self._session = session
        self._server = LocalServer([web.post("/slack/events", self._forward), web.post(ALERTS, self._forward)])

    @property
    def origin(self) -> str:
        return self._server.origin

    @property
    def url(self) -> str:
        return f"{self.origin}/slack/events"

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
        if request.path == ALERTS:
            self.alerts_at.append(time.monotonic())
        if not self._ready:
            return web.Response(status=503)
        urls = random.sample(sorted(self._ready), self.copies)
        sending = [asyncio.ensure_future(self._send(url + request.path, body, headers)) for url in urls]
        done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> web.Response:
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
                elif answer.content_type == "application/json":
                    self.answers.append(await answer.json())
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

    async def until_told(self) -> list[Any]:
        """Wait until all orders in the journal have ended, and a moment for messages beyond those."""

        async def are_told() -> bool:
            return all(row.state == "settled" and row.told for row in await self.rows())

        await until(are_told, within=60.0)
        await asyncio.sleep(1.0)
        return await self.rows()

    def told(self) -> Counter[str]:
        seen = {
            message.ts: message
            for person in self.people
            for message in self.slack.seen_by(person, self.slack.alerts)
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

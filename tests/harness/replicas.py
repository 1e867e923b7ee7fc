"""Several processes of a bot on one PostgreSQL, behind a load balancer."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bot.core.secret import Secret
from bot.demo.sandbox import environment
from bot.outbound.store.schema import orders
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SessionState, SimAnchor
from bot.sim.slack import Delivery, SimSlack, Source, User
from harness.balancer import Balancer, balancer
from harness.databases import KEY
from harness.process import BotProcess, bot_process
from harness.texts import waiting_text

TAKEN_OVER = "unfinished order taken over"
_PEOPLE = 30
_BY_BOT = {Source.ACK, Source.RESPONSE_URL, Source.POST_MESSAGE}


@dataclass(slots=True)
class Given:
    """An order that somebody gave for a session, and Slack's record of it."""

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
        """Start another process, and wait until it gets requests."""
        bot = await self.stack.enter_async_context(bot_process(self.environ, covered=False))
        await bot.says("connected to Slack" if self.slack.socket_mode else "ready")
        self.bots.append(bot)
        self.balancer.replicas.add(bot.url)
        await self.balancer.is_ready(bot.url)
        return bot

    async def retire(self, bot: BotProcess) -> None:
        """Stop a process as an orchestrator does."""
        assert await bot.stop() == 0
        self.balancer.replicas.discard(bot.url)
        self.bots.remove(bot)

    async def order(self, verb: str, session: str) -> Given:
        """Let somebody type a command."""
        typed = f"/anchor-{verb}"
        delivery = await self.slack.command(self.chance.choice(self.people), self.slack.alerts, session, command=typed)
        one = Given(verb, session, delivery)
        self.given.append(one)
        return one

    async def give(self, count: int, *, rate: float, seconds: float = 0.0, resumes: float = 0.3) -> None:
        """Let people order pauses and resumes, each of a session of its own, which take Anchor up to so long."""
        giving: list[asyncio.Task[Given]] = []
        for _ in range(count):
            is_resume = self.chance.random() < resumes
            session = self.anchor.add_session(state=SessionState.PAUSED if is_resume else SessionState.RUNNING)
            self.anchor.session(session).seconds = self.chance.uniform(0.0, seconds)
            giving.append(asyncio.create_task(self.order("resume" if is_resume else "pause", session)))
            await asyncio.sleep(self.chance.expovariate(rate))
        await asyncio.gather(*giving)

    async def rows(self) -> list[Any]:
        """Return the journal."""
        return list(await self.store.database.fetch_all(select(orders).order_by(orders.c.settled_at)))

    async def until_told(self, *, within: float = 60.0) -> list[Any]:
        """Wait until all orders in the journal have ended, and return it."""
        async with asyncio.timeout(within):
            while any(row.state != "told" for row in await self.rows()):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.2)
        await asyncio.sleep(1.0)  # for messages beyond those
        return await self.rows()

    def told(self) -> Counter[str]:
        """Return how often an outcome was told about each session."""
        seen = {
            message.ts: message
            for person in self.people
            for message in self.slack.seen_by(person, self.slack.alerts)
            if message.source in _BY_BOT
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

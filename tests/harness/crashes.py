"""A bot that is killed (SIGKILL) while it is used, and what Slack, Anchor and its journal then show."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.core.fields import Secret
from bot.core.workspace import Installation
from bot.demo.sandbox import environment_of_many
from bot.demo.set_up import configure
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Channel, Delivery, Message, SimSlack, Source, User
from harness.blocks import actions, button, section
from harness.conversation import ACTIONS, BY_BOT, BY_BOTH, post_json, until
from harness.databases import KEY
from harness.process import BotProcess, bot_process
from harness.stored import add_token
from harness.texts import waiting_text

_REQUESTS = 100  # in each wave
_WHILE_DOWN = 5  # requests between a kill and the restart
_RATE = 80.0  # requests per second
_ALERTS = 0.08  # of all requests
_SHARED_SESSIONS = 10
_SLOW = 0.3  # of the sessions
_END = 90.0  # seconds until every order must have ended
_TAKEN_OVER = "unfinished order taken over"


@dataclass(slots=True)
class Given:
    verb: str
    by: str
    session: str
    is_shared: bool
    delivery: Delivery


@dataclass(slots=True)
class Posted:
    session: str
    status: int | None


async def journal(store: Store) -> list[Any]:
    """The rows of all orders, in the order in which they were settled."""
    return list(await store.database.fetch_all("SELECT * FROM orders ORDER BY settled_at"))


async def until_told(rows: Callable[[], Awaitable[list[Any]]], *, within: float) -> None:
    """Wait until all orders in the journal have ended, and a moment for messages beyond those."""

    async def are_told() -> bool:
        return all(row.state == "settled" and row.told for row in await rows())

    await until(are_told, within=within)
    await asyncio.sleep(1.0)


class Crashes:
    """Simulators, a database, and one bot at a time."""

    def __init__(
        self, slack: SimSlack, anchor: SimAnchor, store: Store, environ: Mapping[str, str], seed: int, waves: int
    ) -> None:
        self.slack = slack
        self.anchor = anchor
        self.store = store
        self.given: list[Given] = []
        self.alerts: list[Posted] = []
        self.taken_over = 0
        self.alerts_token = ""
        self._environ = environ
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._people: list[User] = [slack.alice, slack.bob, slack.carol]
        bot_user = slack.home.installation.bot_user_id
        self._channels: list[Channel] = [
            slack.home.add_channel(f"C0CRASHES{number:02}", f"crashes-{number}", *self._people, bot_user)
            for number in range(10)
        ]
        self.shared = [anchor.add_session() for _ in range(_SHARED_SESSIONS)]
        for session in self.shared:
            anchor.session(session).seconds = self._some_seconds()
        self._running: set[asyncio.Task[None]] = set()
        self._waves = waves
        self._left = waves * _REQUESTS
        self._acks = 0

    async def run(self) -> None:
        for wave in range(1, self._waves + 1):
            async with bot_process(self._environ, covered=False) as bot:
                await bot.says("connected to Slack" if self.slack.socket_mode else "ready")
                self.slack.request_url = None if self.slack.socket_mode else f"{bot.url}/slack/events"
                if wave < self._waves:
                    await self._give(bot, _REQUESTS)
                else:
                    await self._give_all(self._left)
                    await self._end()
                    assert await bot.stop() == 0
            self.taken_over += len(bot.times(_TAKEN_OVER))
            await self._give_all(_WHILE_DOWN)
        await asyncio.wait(self._running)

    async def _give(self, bot: BotProcess, count: int) -> None:
        """Give orders until the bot is killed, at one of three kinds of moments."""
        killing = asyncio.create_task(self._kill(bot))
        giving = asyncio.create_task(self._give_all(count))
        await asyncio.wait({killing, giving}, return_when=asyncio.FIRST_COMPLETED)
        giving.cancel()
        await asyncio.gather(killing, giving, return_exceptions=True)

    async def _kill(self, bot: BotProcess) -> None:
        began, some, seconds = time.monotonic(), self._chance.randint(5, 60), self._chance.uniform(0.3, 1.5)
        orders_then, acks_then = len(self.anchor.orders) + some, self._acks + some
        moments: list[Callable[[], bool]] = [
            lambda: time.monotonic() > began + seconds,
            lambda: len(self.anchor.orders) >= orders_then,
            lambda: self._acks >= acks_then,
        ]
        is_reached = self._chance.choice(moments)
        while not is_reached() and time.monotonic() < began + 3.0:  # noqa: ASYNC110 - one is only of the clock
            await asyncio.sleep(0.001)
        bot.process.kill()

    # --- requests ---

    async def _give_all(self, count: int) -> None:
        for _ in range(min(count, self._left)):
            self._left -= 1
            is_alert = self._chance.random() < _ALERTS
            work = asyncio.create_task(self._post_alert() if is_alert else self._give_order())
            self._running.add(work)
            await asyncio.sleep(self._chance.expovariate(_RATE))

    async def _give_order(self) -> None:
        verb = self._chance.choice(["pause", "pause", "resume"])
        by, user, channel = self._chance.choice(BY_BOTH), self._chance.choice(self._people), self._some_channel()
        is_shared = self._chance.random() < 0.3
        session = self._chance.choice(self.shared) if is_shared else self._new_session(verb)
        if by == "a command":
            delivery = await self.slack.command(user, channel, f"{session} it loops", command=f"/anchor-{verb}")
        else:
            blocks = (section("High spend"), actions(button(ACTIONS[verb], session)))
            message = self.slack.post(channel, "High spend", blocks=blocks)
            delivery = await self.slack.click(user, message, ACTIONS[verb])
        self._acks += delivery.ack is not None
        self.given.append(Given(verb, by, session, is_shared, delivery))

    def _new_session(self, verb: str) -> str:
        state = SessionState.RUNNING if verb == "pause" else SessionState.PAUSED
        session = self.anchor.add_session(state=state)
        self.anchor.session(session).seconds = self._some_seconds()
        return session

    def _some_seconds(self) -> float:
        return self._chance.uniform(0.6, 3.0) if self._chance.random() < _SLOW else self._chance.uniform(0.0, 0.05)

    @property
    def channel_ids(self) -> frozenset[str]:
        return frozenset(channel.id for channel in self._channels)

    def _some_channel(self) -> Channel:
        return self._chance.choice(self._channels)

    async def _post_alert(self) -> None:
        session, channel = self.anchor.add_session(), self._some_channel()
        url = f"{self._environ['BASE_URL']}/alerts/{self.slack.home.team_id}"
        alert = {"session_id": session, "text": "High spend", "channel": channel.id}
        try:
            headers = {"Authorization": f"Bearer {self.alerts_token}"}
            status, _, _ = await post_json(url, alert, headers=headers)
        except (aiohttp.ClientError, OSError):
            status = None
        self.alerts.append(Posted(session, status))

    # --- the end ---

    async def _end(self) -> None:
        """Wait until every order has ended, and a moment for messages beyond those."""
        await asyncio.wait(self._running, timeout=_END)
        await until_told(self.rows, within=_END)

    async def rows(self) -> list[Any]:
        return await journal(self.store)

    def messages(self) -> list[Message]:
        """Return all messages of the bot's, except those that announce an outcome."""
        channels = [*self._channels, *map(self.slack.home.dm_with_bot, self._people)]
        seen = {
            message.ts: message
            for channel in channels
            for person in self._people
            for message in self.slack.seen_by(person, channel)
        }
        sessions = {one.session for one in self.given}
        waiting = {waiting_text(verb, session=session) for verb in ACTIONS for session in sessions}
        return [one for one in seen.values() if one.source in BY_BOT and one.text not in waiting]


@asynccontextmanager
async def crashes(database_url: str, *, socket_mode: bool, seed: int, waves: int) -> AsyncIterator[Crashes]:
    """Prepare a workspace in the database. The bot is killed in each wave but the last."""
    async with SimSlack(socket_mode=socket_mode) as slack, SimAnchor() as anchor:
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()}
        environ = environment_of_many(slack, anchor, port=free_port(), **own)
        async with open_store(Secret(database_url), [KEY]) as store:
            app = slack.home.installation
            await store.rows.save(
                Installation(
                    team_id=slack.home.team_id,
                    team_name="Acme",
                    enterprise_id=None,
                    app_id=app.app_id,
                    bot_user_id=app.bot_user_id,
                    bot_token=Secret(app.bot_token),
                    scopes=tuple(app.scopes),
                    installed_by=slack.alice.id,
                    installed_at=int(slack.clock.now()),
                )
            )
            at = Crashes(slack, anchor, store, environ, seed, waves)
            token = at.alerts_token = await configure(store, slack.home.team_id, DEFAULT_KEY, slack.alerts.id)
            assert await add_token(store.rows, slack.home.team_id, token, channels=at.channel_ids)
            yield at


Faults = defaultdict[str, list[object]]
"""What went wrong, and what each fault is about."""


async def find_faults(at: Crashes) -> Faults:
    faults: Faults = defaultdict(list)
    by_trigger = {row.trigger_id: row for row in await at.rows()}
    messages = at.messages()
    for one in at.given:
        row = by_trigger.get(one.delivery.trigger_id)
        is_told = any(_is_about(message, one, row) for message in messages)
        executed = sum(sent.verb == one.verb for sent in at.anchor.posts(one.session))
        for fault in _faults_of(one, row, executed, is_told=is_told):
            stored = row and (row.state, row.outcome, row.delivered_by)
            faults[fault].append((one.verb, one.by, one.session, one.delivery.error, stored))
    for session in at.shared:
        for fault in _faults_of_session(at, session, [row for row in by_trigger.values() if row.session_id == session]):
            faults[fault].append(session)
    for alert in at.alerts:
        if alert.status == 200 and not any(alert.session in str(message.blocks) for message in messages):
            faults["alert accepted and never shown"].append(alert)
    return faults


def _faults_of(one: Given, row: Any, executed: int, *, is_told: bool) -> list[str]:
    is_resume = one.verb == "resume"
    checks = {
        "left open": row and not (row.state == "settled" and row.told),
        "acked and never told": one.delivery.ack is not None and not is_told,
        "in the journal and never told": row and not is_told,
        "called done and not at Anchor": row and row.outcome in {"Paused", "Resumed"} and not executed,
        "resume executed and not in the journal": is_resume and not one.is_shared and executed and not row,
        "resume executed more than once": is_resume and not one.is_shared and executed > 1,
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _faults_of_session(at: Crashes, session: str, rows: list[Any]) -> list[str]:
    """Compare the end of a session with its orders: after a confirmed pause it may run only if resumed since."""
    sent = sorted((row for row in rows if row.effect is not None), key=lambda row: row.effect)
    resumes = sum(request.verb == "resume" for request in at.anchor.posts(session))
    is_running = at.anchor.session(session).state is SessionState.RUNNING
    checks = {
        "more resumes than orders": resumes > sum(row.verb == "resume" for row in rows),
        "running after a confirmed pause": sent and sent[-1].outcome == "Paused" and is_running,
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _is_about(message: Message, one: Given, row: Any) -> bool:
    if message.source is Source.POST_MESSAGE:
        return row is not None and row.delivered_by in {"channel", "direct message"} and one.session in message.text
    return message.trigger_id == one.delivery.trigger_id

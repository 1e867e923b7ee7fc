"""The bot's own outbox, queue and checks of sessions, in a simulated hour."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from bench.scale.clock import Clock, Loop
from bench.scale.database import Costs, Server, Use
from bench.scale.hour import Arrival, Hour
from bench.scale.services import Anchor, Slack
from bot.core.cards import Alert
from bot.core.fields import Secret
from bot.core.workspace import AnchorKey, Workspace
from bot.outbound.store.card_values import IncomingAlert
from bot.outbound.store.cards import CardRows, mark
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database, session_lock
from bot.usecases.alert_cards import POST_WAIT
from bot.usecases.cards import CardOutbox
from bot.usecases.queue import MOST_AT_ANCHOR, MOST_AT_ANCHOR_EACH, FairQueue
from bot.usecases.session_checks import LOOK_INTERVAL, SessionChecks

_DEADLINE = 20.0  # seconds that an order waits for its turn
_LONGEST_END = 1_800.0  # seconds after the last arrival until what is not done counts as never done
_WORKSPACES = """
    INSERT INTO workspaces (team_id, team_name, app_id, bot_user_id, bot_token, scopes, installed_by, installed_at)
    SELECT value, '', '', '', '', '', '', 0 FROM json_each(:teams)
"""
_OPEN = """
    SELECT id, version, ts FROM cards WHERE team_id = :team_id AND session_id = :session_id AND closed_at IS NULL
"""


@dataclass(slots=True)
class Measured:
    """The numbers of a simulated hour. Times are in seconds."""

    ended_at: float = 0.0
    alerts_answered: list[float] = field(default_factory=list)
    most_alerts: int = 0
    """The most alerts at the same time whose senders wait."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    """Until Slack has the card of a new session in a workspace that is quiet, stormy or flooded; until it has the card
    of a repeated alert, or of a paused session."""
    to_anchor: list[float] = field(default_factory=list)
    not_sent: int = 0
    pauses_without_card: int = 0
    missing: int = 0
    """What Slack never had."""
    cards: int = 0
    posts: int = 0
    updates: int = 0
    too_fast: int = 0
    reads: int = 0
    most_reads: int = 0
    """The most reads of Anchor within a second."""
    check_intervals: list[float] = field(default_factory=list)
    use: Use = field(default_factory=Use)
    failed: int = 0
    """Calls of the database that failed: each took longer than its caller waits."""


@dataclass(eq=False)
class _Process:
    """One process of the bot."""

    rows: CardRows
    outbox: CardOutbox
    queue: FairQueue
    checks: SessionChecks

    async def keep_checking(self) -> None:
        """Look for workspaces to check until cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            await self.checks.look()


class Simulation:
    """One hour with so many processes on one PostgreSQL."""

    def __init__(self, hour: Hour, processes: int, costs: Costs, clock: Clock) -> None:
        self._hour, self._clock, self._processes = hour, clock, list[_Process]()
        self._count = processes
        self._server = Server(clock, costs)
        self._slack = Slack(clock, random.Random(hour.seed + 1))  # noqa: S311 - repeatable, not secret
        self._anchor = Anchor(clock, random.Random(hour.seed + 2))  # noqa: S311
        self._measured = Measured()
        self._open_alerts = 0

    async def run(self) -> Measured:
        """Return the numbers of the hour."""
        alerts, pauses = self._hour.arrivals()
        databases = [await self._server.open() for _ in range(self._count)]
        self._processes = [self._process(number, database) for number, database in enumerate(databases)]
        teams = [Arrival(0, number, alerts[0].session_id).team_id for number in range(self._hour.workspaces)]
        self._server.work(lambda connection: connection.execute(_WORKSPACES, teams=_json(teams)))
        running = [asyncio.ensure_future(one.outbox.run()) for one in self._processes]
        checking = [asyncio.ensure_future(one.keep_checking()) for one in self._processes]
        await asyncio.gather(self._come(alerts, self._alert), self._come(pauses, self._pause))
        await self._wait_for_slack()
        for one in checking:
            one.cancel()
        for process in self._processes:
            process.outbox.stop()
        await asyncio.gather(*running, *checking, return_exceptions=True)
        measured = self._read(databases)
        self._server.close()
        return measured

    def _process(self, number: int, database: Database) -> _Process:
        rows = CardRows(database, f"process {number}")
        nothing: Any = SimpleNamespace(
            find_now=_find,
            fill=_fill,
            learn=_ignore,
            learn_some=_ignore,
            monitor=SimpleNamespace(record_list=_ignore),
            pinned=None,
        )
        outbox = CardOutbox(rows, cast("Any", self._slack))
        queue = FairQueue(most=MOST_AT_ANCHOR, most_each=MOST_AT_ANCHOR_EACH, longest_wait=_DEADLINE)
        checks = SessionChecks(nothing, cast("Any", self._anchor), nothing, rows, nothing, nothing)
        return _Process(rows, outbox, queue, checks)

    async def _come(self, arrivals: Sequence[Arrival], handle: Any) -> None:  # noqa: ANN401
        """Let each arrival come in its time, to the processes in turn."""
        processes, tasks = itertools.cycle(self._processes), list[asyncio.Task[None]]()
        for number, (arrival, process) in enumerate(zip(arrivals, processes, strict=False)):
            await asyncio.sleep(max(0.0, arrival.at - self._clock.now))
            tasks.append(asyncio.ensure_future(handle(process, arrival, number)))
        await asyncio.gather(*tasks)

    async def _alert(self, process: _Process, arrival: Arrival, number: int) -> None:
        name, began = f"{number:012}", self._clock.now
        known = self._anchor.sessions.setdefault(arrival.team_id, [])
        if arrival.session_id not in known[-20:]:
            known.append(arrival.session_id)
        self._open_alerts += 1
        self._measured.most_alerts = max(self._measured.most_alerts, self._open_alerts)
        alert = Alert(arrival.session_id, "The agent has spent twice its budget.")
        kind = "flooded" if not arrival.workspace else "stormy" if arrival.workspace < self._hour.stormy else "quiet"
        self._slack.expect(kind, name, 0, began)
        placing = await process.outbox.post(
            IncomingAlert(name, arrival.team_id, arrival.channel_id, alert), within=POST_WAIT
        )
        self._open_alerts -= 1
        self._measured.alerts_answered.append(self._clock.now - began)
        if placing is not None and not placing[0].is_new:
            self._slack.forget(name)
            self._expect("repeated", arrival, began)

    async def _pause(self, process: _Process, arrival: Arrival, _: int) -> None:
        began, person = self._clock.now, (arrival.team_id, f"U{arrival.person}")
        async with process.queue.turn(person) as reason:
            if reason is not None:
                self._measured.not_sent += 1
                return
            self._measured.to_anchor.append(self._clock.now - began)
            await self._anchor.pause()
        session = (arrival.team_id, arrival.session_id)

        def store(connection: Connection) -> None:
            mark(connection, {session: frozenset()}, connection.now())()

        done = self._clock.now
        await process.rows.database.change(store, locks=[session_lock(*session)])
        process.outbox.wake.set()
        self._measured.pauses_without_card += not self._expect("paused", arrival, done)

    def _expect(self, kind: str, arrival: Arrival, since: float) -> bool:
        """Measure when Slack has the cards of a session as they are now. Return whether there are any."""
        team_id, session_id = arrival.team_id, arrival.session_id
        rows = self._server.work(lambda one: one.fetch_all(_OPEN, team_id=team_id, session_id=session_id))
        for row in rows:
            if row.ts is not None:
                self._slack.expect(kind, row.id, row.version, since)
        return bool(rows)

    async def _wait_for_slack(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_END):
                await self._slack.has_all.wait()

    def _read(self, databases: Sequence[Database]) -> Measured:
        measured, slack, anchor = self._measured, self._slack, self._anchor
        measured.ended_at, measured.waits, measured.missing = self._clock.now, slack.waits, len(slack.expected)
        measured.posts, measured.updates, measured.too_fast = slack.posts, slack.updates, slack.too_fast
        measured.reads = len(anchor.reads)
        measured.most_reads = max(Counter(map(int, anchor.reads)).values(), default=0)
        for times in anchor.read_at.values():
            measured.check_intervals += [later - earlier for earlier, later in itertools.pairwise(times)]
        (row,) = self._server.work(lambda connection: connection.fetch_all("SELECT count(*) AS n FROM cards"))
        measured.cards, measured.use = row.n, self._server.measured
        measured.failed = sum(database.errors for database in databases)
        return measured


def simulate(hour: Hour, *, processes: int = 1, costs: Costs = Costs()) -> Measured:  # noqa: B008 - frozen
    """Return the numbers of an hour, which are the same for the same arguments."""
    clock = Clock()
    with clock.replacing_monotonic(), asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner:
        return runner.run(Simulation(hour, processes, costs, clock).run())


async def _find(team_id: str) -> Workspace:
    return Workspace(team_id, Secret("xoxb"), AnchorKey(Secret(team_id)))


async def _fill(_: str) -> None:
    """Fill nothing: facts are not simulated."""


def _ignore(*_: object) -> None:
    """Learn nothing."""


def _json(values: Sequence[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"

"""Orders that cross each other, at several processes and with faults: what is stored and told is what Anchor has done.

The events and the faults of a trial follow from its seed. Faults are letters. d: Anchor does not answer, and acts later
or never. r: it refuses with 503. t: a request comes to two processes. s: the database answers one process slowly. k: a
process is killed. f: one freezes beyond its lease, and goes on; C, T, S: right after the commit of CLEAR, TURN or
SETTLE. p: a pause comes while a refused resume waits for its next attempt. c: commits fail, or their answer is lost.
b: the database is away for some seconds. e: sessions are ended. w: pauses are of batches or come late. v: resumes come
from buttons that know a version. x: each pause comes while a resume is at Anchor. g: Slack says late whether a person
is allowed to pause.

The transactions of all processes use one connection, one after the other, in the thread of the event loop.
"""

import asyncio
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import KW_ONLY, dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from bot.core.fields import Secret
from bot.core.orders import Actor, Order, ReplyAddress, State, Verb
from bot.core.session_ids import SessionId
from bot.core.workspace import AnchorKey, Workspace
from bot.outbound.anchor_orders import AnchorClient, AnchorHttp
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.store.connections import Row
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.leases import Lease
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.outbound.store.writer import Writer
from bot.runtime import Readiness, Tasks, begin_request, new_id, run_periodically
from bot.usecases.control import SessionControl
from bot.usecases.orders import Orders
from bot.usecases.permissions import Access
from bot.usecases.queue import FairQueue
from bot.usecases.results import Delivered
from harness.databases import CIPHER
from usecases import faults as trials
from usecases.faults import LONGEST, AnchorWorld, Faults, FaultyDatabase, Gate, OneConnection, gate_of_task, of_process

_T = TypeVar("_T")

_TIMEOUT, _DEADLINE = 1.0, 3.0  # seconds for an attempt, and for an order
_TURN_WITHIN = 0.15  # seconds after which a pause is sent without an answer about its turn
_SINCE_CLEAR = 0.05  # seconds from the commit of CLEAR to the request, at most
_TEAM, _SESSIONS, _PEOPLE = "T0HOME00001", [SessionId(f"3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5{n}") for n in "bc"], "abc"
_INSTALL = """
    INSERT INTO workspaces (team_id, team_name, app_id, bot_user_id, bot_token, scopes, installed_by, installed_at)
    VALUES ('T0HOME00001', '', '', '', '', '', '', 0) ON CONFLICT DO NOTHING
"""
_IN_DOUBT, _EFFECTS = {"Unconfirmed", "Broken"}, {"Paused", "Resumed", "Ended", "Unconfirmed", "Broken"}


@dataclass(eq=False)
class _Rows(OrderRows):
    """Tells the world what people are told, and freezes its process right after the commits that the faults name."""

    _: KW_ONLY
    world: "World"
    gate: Gate

    def record(self, running: RunningOrder) -> asyncio.Future[State | None]:
        return self._note(running, super().record(running))

    def clear(self, running: RunningOrder) -> Any:
        letter, asked_at = "T" if running.order.verb is Verb.PAUSE else "C", time.monotonic()
        clearing = self._note(running, super().clear(running))

        def done(clearing: asyncio.Future[Any]) -> None:
            is_late = time.monotonic() - asked_at > _TURN_WITHIN
            against = None if clearing.cancelled() or clearing.exception() else clearing.result()[1]
            self.world.turns[running.id, self.gate] = is_late, against is not None

        clearing.add_done_callback(done)
        return self._watch(letter, clearing, lambda result: bool(result[0]))

    def _note(self, running: RunningOrder, change: asyncio.Future[_T]) -> asyncio.Future[_T]:
        """Note when an order is recorded: a pause when it is allowed, or has its turn."""

        def done(change: asyncio.Future[_T]) -> None:
            if not change.cancelled() and not change.exception() and change.result() is not State.WAITING:
                self.world.recorded_at[running.id] = time.monotonic()

        change.add_done_callback(done)
        return change

    def settle(self, running: RunningOrder, *outcome: Any, **how: Any) -> Any:
        def is_settled(result: Settled | None) -> bool:
            if result is not None and result.is_running:
                self.world.crossing.add(running.id)
            return result is not None and not result.crossed_by

        return self._watch("S", super().settle(running, *outcome, **how), is_settled)

    def told(self, running: RunningOrder, route: str | None, *, within: float = 2.0) -> asyncio.Future[Any]:
        self.world.tell(running)
        return super().told(running, route, within=within)

    def _watch(self, letter: str, change: asyncio.Future[_T], has_worked: Callable[[_T], bool]) -> asyncio.Future[_T]:
        def done(change: asyncio.Future[_T]) -> None:
            has_come = not change.cancelled() and change.exception() is None and has_worked(change.result())
            if has_come and self.world.faults.take(letter):
                self.world.freeze(self.gate)

        change.add_done_callback(done)
        return change


async def _nothing(*_: object) -> None: ...


async def _deliver(*_: object, **_options: object) -> Delivered:
    return Delivered("channel")


class Process:
    """A process of the bot: the product from its orders to the database, without Slack."""

    def __init__(self, name: str, world: "World", *, is_alone: bool) -> None:
        self.name, self.world, self.gate, self.is_killed = name, world, Gate(), False
        database, tasks = world.store.database(), Tasks()
        http = AnchorHttp(cast("Any", world.anchor), "https://anchor.test")
        self.database, self.given = FaultyDatabase(database, world.faults), Tasks()
        self.writer = Writer(database, Lease(name, is_alone=is_alone), Readiness())
        rows = _Rows(database, CIPHER, self.writer, world=world, gate=self.gate)
        control = SessionControl(
            AnchorClient(http, timeout=_TIMEOUT, deadline=_DEADLINE),
            cast("Any", SimpleNamespace(check=self._check, newer_key=_nothing)),
            None,
            rows,
            sessions=AnchorSessions(http, _TIMEOUT),
            queue=FairQueue(most=100, most_each=100),
        )
        facts: Any = SimpleNamespace(reads=SimpleNamespace(known=lambda *_: None), known_after_read=_nothing)
        cards: Any = SimpleNamespace(is_card=lambda *_: False, keep_batch=self._keep_batch, watch=lambda *_: None)
        delivery: Any = SimpleNamespace(deliver=_deliver)
        self.orders = Orders(control, rows, delivery, cards, tasks, facts=facts)
        self.start(self.writer.run())
        self.start(run_periodically(self.orders.take_over, passing=StoreUnreachableError))

    def start(self, work: Coroutine[Any, Any, _T]) -> None:
        of_process(self.gate).run(self.given.start, work)

    async def _check(self, order: Order) -> Access:
        if order.batch_id or "g" in self.world.faults:
            await asyncio.sleep(self.world.faults.rng.uniform(0, 1))
        workspace = Workspace(_TEAM, Secret("xoxb-1"), AnchorKey(Secret("sk-1")))
        return Access(workspace, Secret("sk-1"), order.actor.person)

    async def _keep_batch(self, *_: object) -> None:
        if self.world.faults.happens("c", 0.2):
            raise StoreUnreachableError("away")

    async def serve(self, order: Order) -> None:
        begin_request(own := new_id())
        self.world.given[own] = order, self
        running, _ = self.orders.start(order, ReplyAddress(order.actor))
        await self.orders.deliver(running, running.address)

    @property
    def is_idle(self) -> bool:
        return self.is_killed or not (self.gate.is_closed or len(self.given) > 2 or self.orders.in_work)


class World:
    """A trial. `wrong` says which invariants were broken."""

    def __init__(self, store: OneConnection, processes: int, letters: str, rng: random.Random) -> None:
        self.store, self.rng, self.faults = store, rng, Faults(letters, rng)
        store.connection.execute(_INSTALL)
        self.anchor = AnchorWorld(self.faults, self._check_request, self._refused)
        self.given: dict[str, tuple[Order, Process]] = {}
        self.told: list[tuple[str, str, str, str, Settled, float]] = []
        self.wrong, self._sent, self._number = list[str](), defaultdict[str, list[Gate | None]](list), 0
        is_alone = processes == 1 and not store.driver.is_shared
        self._new = partial(Process, world=self, is_alone=is_alone)
        self.processes = [self._new(f"p{n}") for n in range(processes)]
        self.processes[0].database.slow = 0.3 if "s" in letters else 0.0
        self._in_doubt, self._open, self._unrecorded = set[str](), set[str](), set[str]()
        self.recorded_at, self.crossing = dict[str, float](), set[str]()
        self.turns = dict[tuple[str, Gate | None], tuple[bool, bool]]()  # was one denied, and too late

    # --- what happens ---

    async def run(self, orders: int) -> None:
        times = self.rng.choices((0.0, 0.0, 12.0 if set("kfCTS") & set(self.faults.letters) else 0.0), k=orders)
        loop = asyncio.get_running_loop()
        for time_of_order in times:
            at = time_of_order + self.rng.uniform(0, 1.5)
            if "x" in self.faults:
                loop.call_later(at, self._give, Verb.RESUME, _SESSIONS[0])
                loop.call_later(at + self.rng.uniform(0, 0.5), self._give, Verb.PAUSE, _SESSIONS[0])
            else:
                loop.call_later(at, self._give)
        for letter, happens in (("b", self._go_away), ("f", self._freeze_one), ("k", self._kill_one)):
            if letter in self.faults:
                loop.call_later(self.rng.uniform(0, 2), happens)
        ends = time.monotonic() + LONGEST
        await asyncio.sleep(max(times) + 2)
        while not self._is_over():
            if time.monotonic() > ends:
                self.wrong.append("it does not end")
                break
            await asyncio.sleep(0.5)
        for process in self.processes:
            process.gate.close()
        while self.anchor.acting:
            await asyncio.wait(self.anchor.acting)
        self._check_end()

    def _is_over(self) -> bool:
        if not all(process.is_idle for process in self.processes):
            return False
        left = self.store.rows("SELECT id, state FROM orders WHERE state <> 'settled' OR told = 0")
        told = self._told_ids()  # what could not be recorded as such is told again much later
        return all(row.state == "settled" and row.id in told for row in left)

    def _told_ids(self) -> set[str]:
        return {own for own, *_ in self.told}

    def _give(self, verb: Verb | None = None, session_id: SessionId | None = None) -> None:
        rng, faults = self.rng, self.faults
        ends = 0.6 if "e" in faults else 0.0
        verb = verb or rng.choices((Verb.PAUSE, Verb.RESUME, Verb.END), (5, 5, ends))[0]
        session_id, self._number = session_id or _SESSIONS[rng.random() < 0.15], self._number + 1
        waits = verb is Verb.PAUSE and faults.happens("w", 0.4)
        is_late = waits and rng.random() < 0.4
        order = Order(
            verb,
            session_id,
            Actor(_TEAM, "C0ALERTS001", f"U0{rng.choice(_PEOPLE)}", _TEAM),
            trigger_id=f"t{self._number}",
            age=rng.uniform(5.1, 9) if is_late else 0.0,
            batch_id="b" if waits and not is_late else "",
            expected_version=self._version(session_id) if verb is Verb.RESUME and faults.happens("v", 0.6) else None,
        )
        alive = [process for process in self.processes if not process.gate.is_closed]
        several = 2 if "t" in faults and not order.batch_id else 1
        for process in rng.sample(alive, min(several, len(alive))):
            process.start(process.serve(order))

    def _version(self, session_id: str) -> str | None:
        """Return the last or the last but one pause that a button can know of."""
        paused = "SELECT id FROM orders WHERE session_id = :own AND verb = 'pause' AND effect IS NOT NULL"
        found = self.store.rows(f"{paused} ORDER BY seq DESC LIMIT 2", own=session_id)
        return self.rng.choice(found).id if found else None

    def _go_away(self) -> None:
        self.faults.away_until = time.monotonic() + self.rng.choice((0.5, 2.0, 8.0))

    def _freeze_one(self) -> None:
        self.freeze(self.rng.choice(self.processes).gate)

    def freeze(self, gate: Gate) -> None:
        if not gate.is_closed:
            gate.close()
            asyncio.get_running_loop().call_later(self.rng.uniform(14, 20), gate.open)

    def _kill_one(self) -> None:
        killed = self.rng.choice(self.processes)
        killed.gate.close()
        killed.is_killed = True
        if len(self.processes) == 1:
            self.processes.append(self._new("heir"))

    def _refused(self, order: str, session_id: SessionId, verb: str) -> None:
        self._in_doubt.discard(order)
        if verb == Verb.RESUME and self.faults.take("p"):
            self._give(Verb.PAUSE, session_id)

    def tell(self, running: RunningOrder) -> None:
        settled = running.result.result()
        assert settled is not None
        name = type(settled.outcome).__name__
        if running.id in self.crossing and name == "Paused" and not settled.is_recorded:
            self.wrong.append(f"{running.id}: a pause is told as done that was known to cross a resume")
        self.told.append((running.id, running.order.session_id, running.order.verb, name, settled, time.monotonic()))

    # --- what must hold ---

    def _check_request(self, order: str, session_id: SessionId, verb: str) -> None:
        rows = self.store.rows("SELECT * FROM orders WHERE session_id = :own", own=session_id)
        own, gate = next((row for row in rows if row.id == order), None), gate_of_task.get()
        is_first = gate not in self._sent[order]
        self._sent[order].append(gate)
        given, process = self.given[order]
        if verb == Verb.RESUME:
            self._check_resume(given, order, own, rows)
        elif verb == Verb.END and set(self._sent[order]) != {gate}:
            self.wrong.append(f"{order}: an end is sent again")
        elif own and is_first and (given.batch_id or given.age):
            self._check_turn(process, gate, own, rows)

    def _check_resume(self, given: Order, order: str, own: Row | None, rows: list[Row]) -> None:
        if order in self._in_doubt:
            self.wrong.append(f"{order}: a resume is sent again in doubt")
        self._in_doubt.add(order)
        before = time.monotonic() - _SINCE_CLEAR
        paused = [row for row in rows if row.verb == Verb.PAUSE and (row.effect or row.state == "sent")]
        later = [row for row in paused if row.effect or self.recorded_at.get(row.id, math.inf) < before]
        known = next((row for row in rows if own and row.id == given.expected_version), None)
        if own is None or any(row.seq > own.seq for row in later):
            self.wrong.append(f"{order}: a resume is sent after a pause that was recorded later")
        elif any(row.state == "sent" and not self.given[row.id][0].age for row in later):
            self.wrong.append(f"{order}: a resume is sent while a pause is at Anchor")
        elif known and any(row.effect and row.seq > known.seq and row.user_id != own.user_id for row in paused):
            self.wrong.append(f"{order}: a resume is sent after a pause that its person does not know of")
        if any(row.outcome == "Ended" for row in rows):
            self.wrong.append(f"{order}: a resume is sent after the end")

    def _check_turn(self, process: Process, gate: Gate | None, own: Row, rows: list[Row]) -> None:
        resumed = [row for row in rows if row.verb == Verb.RESUME and row.effect]
        is_late, is_denied = self.turns.get((own.id, gate), (True, False))
        if is_denied and not is_late:
            self.wrong.append(f"{own.id}: a pause that waited is sent without its turn")
        elif process.gate is not gate:
            return
        elif own.owner != process.name and process.database.has_failed:
            self._open.add(own.session_id)  # it was frozen, and then the database did not say that it has no turn
        elif own.owner != process.name:
            self.wrong.append(f"{own.id}: a pause that waited is sent although another process has it")
        elif own.state == "waiting":
            self._unrecorded.add(own.id)
        elif not is_late and any(row.seq > own.seq or row.given_at > own.given_at for row in resumed):
            self.wrong.append(f"{own.id}: a pause that waited is sent after a resume")

    def _check_end(self) -> None:
        rows = self.store.rows("SELECT * FROM orders ORDER BY seq")
        told = self._told_ids()
        self.wrong += [f"{row.id}: nobody was told" for row in rows if row.trigger_id != row.id and row.id not in told]
        triggers = {self.given[own][0].trigger_id for own in told}
        served = {order.trigger_id for order, process in self.given.values() if not process.is_killed}
        self.wrong += [f"{trigger}: nobody was told" for trigger in served - triggers]
        # those that are given at once are sent at once, by both processes
        recorded = {own for own, *_, settled, _ in self.told if settled.is_recorded}
        late = [order.trigger_id for order in (self.given[own][0] for own in recorded) if order.age]
        if not set("kfbcCTS") & set(self.faults.letters) and len(set(late)) < len(late):
            self.wrong.append("a late request that came twice is told twice")
        for session_id in _SESSIONS:
            self._check_session(session_id, [row for row in rows if row.session_id == session_id])

    def _check_session(self, session_id: str, rows: list[Row]) -> None:
        owners, at_anchor = {row.id: row.owner for row in rows}, self.anchor.states.get(session_id)
        ended = {own for own, (_, process) in self.given.items() if process.is_killed}
        moved = {own for own, (_, process) in self.given.items() if owners.get(own) != process.name}
        lost = (ended - owners.keys()) | (moved & self._unrecorded)
        if any(self._sent[own] and self.given[own][0].session_id == session_id for own in lost):
            return  # it was sent by a process that has ended before that was recorded: nothing was acknowledged
        has_doubtful_end = any(row.verb == Verb.END and row.outcome == "Unconfirmed" for row in rows)
        if session_id in self._open or (at_anchor == "Ended" and has_doubtful_end):
            return
        acted = [row for row in rows if row.effect and (row.verb != "end" or row.outcome == "Ended")]
        stored = max(acted, key=lambda row: row.effect, default=None)
        if stored and stored.outcome not in {at_anchor, *_IN_DOUBT}:
            self.wrong.append(f"{stored.id}: {stored.outcome} is stored, and the session is {at_anchor}")
        if any(row.trigger_id == row.id and row.effect for row in rows):
            return  # of a pause that came twice, the second one tells nobody
        about = [one for one in self.told if one[1] == session_id and one[3] in _EFFECTS and not one[4].is_overtaken]
        about = [one for one in about if one[2] != Verb.END or one[3] == "Ended"]
        last = {one[3] for one in about if one[5] > about[-1][5] - 0.01}  # what is told at once has no order
        is_known = all(one[4].is_recorded for one in about) or (at_anchor == "Resumed" and len(self.processes) == 1)
        if about and last.isdisjoint({at_anchor, *_IN_DOUBT}) and is_known:
            self.wrong.append(f"{about[-1][0]}: {about[-1][3]} was told last, and the session is {at_anchor}")


TRIALS = {"sqlite": 28, "postgresql": 4}
"""Those of each scene: 608 in all, and 20 times as many at night."""

SCENES = [
    *((1, faults) for faults in ("ewv", "bewvc", "kewvcdr", "x", "bxd")),
    *((3, faults) for faults in ("dr", "ewvdrt", "ewvcdrts", "kewvcdrt", "fewvcdrt", "bewvcdr")),
    *((3, faults) for faults in ("C", "Tw", "S", "Sc", "p", "bxs", "gev", "gwst")),
]


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_what_is_stored_and_told_is_what_anchor_has_done(store: OneConnection, processes: int, faults: str) -> None:
    trials.check_trials(store, partial(World, store, processes, faults), 6, trials=TRIALS[store.kind])

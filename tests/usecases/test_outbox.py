"""Messages while leaders are lost and Slack and the database fail: none is lost, none is left outdated.

The events and the faults of a trial follow from its seed. Faults are letters. k: the leader is killed. f: it freezes
beyond its lease, and goes on; T: right after TAKE, U: as it calls Slack. b: the database is away for 8 s; B: as Slack
has taken an update, and what that has changed is changed back. c: commits fail, or their answer is lost. s: the
database answers one process slowly. q: notifications do not come. In Slack, h: calls hang for 10 s; H: all of the first
workspace do. M: many messages change. l: it limits. x: it has errors. n: its answer is lost. r: it refuses for good.

The transactions of all processes use one connection, one after the other, in the thread of the event loop.
"""

import asyncio
import hashlib
import random
import time
import tracemalloc
import uuid
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.core.alerts import Alert, Severity
from bot.core.cards import Card, SessionName
from bot.core.fields import Secret
from bot.core.session_ids import SessionId
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, TryAgain
from bot.outbound.store.alerts import Folded, Ignored, IncomingAlert, place
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import connect, session_lock
from bot.outbound.store.leases import Lease
from bot.outbound.store.outbox import MessageRows, ask_for_cards, mark, read_message
from bot.outbound.store.writer import Writer
from bot.runtime import Readiness, Tasks
from bot.usecases.card_sender import LONGEST_ATTEMPT, CardSender
from bot.usecases.outbox import CALL_INTERVAL, MOST_SENDING, MOST_SENDING_EACH, MOST_UPDATES, Outbox
from usecases.faults import Faults, FaultyDatabase, Gate, OneConnection, check_trials, of_process

LONGEST = 1_200.0
"""Seconds until all is sent."""

_FAULTY_FOR = 45.0  # seconds; then Slack answers
_HANGS = 10.0
_PLACED_WITHIN = 2.0
_OWN_PACE = 6.0  # seconds that some alerts of a channel take at most
_EARLY = 0.05  # seconds: the clock of the fake begins a little later
_CHANGES = 15.0  # seconds in which alerts come, and what messages show changes
_MINUTE = 60.0


@dataclass(eq=False)
class _Rows(MessageRows):
    """Freezes its process right after TAKE, and says in which term a message is sent."""

    _: KW_ONLY
    process: "Process"

    async def take(self, *values: Any, **named: Any) -> Any:
        taken = await super().take(*values, **named)
        if taken and self.process.world.faults.take("T"):
            self.process.freeze()
            await asyncio.sleep(0)
        return taken

    async def card(self, message_id: str) -> Card | None:
        found = await super().card(message_id)
        self.process.terms[message_id] = self.process.lease.term
        return found


class Process:
    """A process of the bot: its outbox and the two writers."""

    def __init__(self, name: str, world: "World", *, is_alone: bool) -> None:
        self.name, self.world, self.gate, self.is_killed = name, world, Gate(), False
        self.database, self.given, self.terms = world.store.database(), Tasks(), dict[str, int | None]()
        self.database.tell = self._tell  # type: ignore[method-assign]
        self.faulty = FaultyDatabase(self.database, world.faults)
        self.faulty.late = 0.005  # other changes can be committed before an answer is read
        self.lease = Lease(name, is_alone=is_alone)
        self.writers = [Writer(self.database, lease, Readiness()) for lease in (self.lease, None)]
        self.outbox = Outbox(_Rows(self.database, self.writers[1], process=self), self.lease, self)  # type: ignore[arg-type]
        for work in (self.outbox.run(), *(writer.run() for writer in self.writers)):
            self.start(work)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        of_process(self.gate).run(self.given.start, work)

    async def _tell(self, news: str) -> None:
        """Let the others hear it some milliseconds later, unless notifications do not come."""
        for process in self.world.processes if "q" not in self.world.faults else ():
            asyncio.get_running_loop().call_later(0.02, process.outbox.hear, news)

    def freeze(self) -> None:
        if not self.gate.is_closed:
            self.gate.close()
            asyncio.get_running_loop().call_later(self.world.rng.uniform(14, 20), self.gate.open)

    async def send(self, card: Card) -> tuple[PostResult, str]:
        """What the sender of cards does."""
        digest = await self.database.read(lambda _: self.world.compose(card))
        if card.ts is not None and digest == card.shown:
            return Posted(card.channel_id, card.ts), digest
        if (card.ts is not None or self.world.freezes_at_post) and self.world.faults.take("U"):
            self.freeze()
            await asyncio.sleep(0)
        return await self.world.slack.call(_Call(self, card, self.terms[card.id]), digest), digest

    async def delete(self, card: Card, channel_id: str, ts: str) -> None:  # noqa: ARG002 - as it is called
        self.world.slack.deleted.add(ts)

    @property
    def is_idle(self) -> bool:
        waiting = [one for writer in self.writers for one in writer.waiting if not one.result.done()]
        return self.is_killed or not (self.gate.is_closed or waiting)


@dataclass(eq=False)
class _Call:
    process: Process
    card: Card
    term: int | None
    began: float = field(default_factory=time.monotonic)
    ts: str = ""
    is_answered: bool = False

    @property
    def is_trusted(self) -> bool:
        """Whether its process leads without a break since it began."""
        return not self.process.is_killed and self.term is not None and self.process.lease.term == self.term

    @property
    def lane(self) -> tuple[str, str, bool]:
        return self.card.team_id, self.card.channel_id, self.card.ts is None


@dataclass(eq=False)
class FakeSlack:
    """Slack. It acts between a call and its answer, also if nobody waits for that any more."""

    world: "World"
    shown: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    calls: list[_Call] = field(default_factory=list)
    under_way: list[_Call] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def call(self, call: _Call, digest: str) -> PostResult:
        self._check(call)
        self.calls.append(call)
        self.under_way.append(call)
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                result = await self._answer(call, digest)
        except TimeoutError:
            result = Doubtful("nothing")
        finally:
            self.under_way.remove(call)
        call.is_answered = isinstance(result, Posted)
        return result

    async def _answer(self, call: _Call, digest: str) -> PostResult:
        faults, rng, team = self.world.faults, self.world.rng, call.card.team_id
        is_faulty = time.monotonic() < self.world.began + _FAULTY_FOR
        if is_faulty and (faults.happens("h", 0.15) or ("H" in faults and team == "T0")):
            await asyncio.sleep(_HANGS)  # who goes meanwhile closes the connection: nothing is read
            if call.process.is_killed:
                await asyncio.sleep(LONGEST)
        kind = next((one for one in "lxnr" if is_faulty and faults.happens(one, 0.15)), "")
        if kind == "r" and rng.random() < 0.5:
            self.refused.add(call.card.id)
            return Refused("message_not_found" if call.card.ts else "channel_not_found")
        if kind in {"l", "x"}:
            await asyncio.sleep(rng.uniform(0.01, 0.1))
            return TryAgain("ratelimited", rng.choice((1.0, 3.0)), limited=True) if kind == "l" else TryAgain("500")
        outside = of_process(None)
        acting = outside.run(asyncio.get_running_loop().create_task, self._act(call, digest))
        self.world.acting.add(acting)
        acting.add_done_callback(self.world.acting.discard)
        ts = await asyncio.shield(acting)
        session = call.card.team_id, call.card.parts[0].session_id
        if call.card.ts and self.world.states[session[1]] and faults.take("B"):
            self.world.go_away()
            call.process.start(self.world.mark(call.process, session, ""))
        return Doubtful("lost") if kind == "n" else Posted(call.card.channel_id, ts)

    async def _act(self, call: _Call, digest: str) -> str:
        await asyncio.sleep(self.world.rng.uniform(0.005, 0.06))
        call.ts = call.card.ts or f"{len(self.shown) + 1}.0"
        self.shown[call.ts] = digest
        await asyncio.sleep(self.world.rng.uniform(0.005, 0.06))
        return call.ts

    def _check(self, call: _Call) -> None:
        """Check what a leader of one term knows: a new one begins with nothing."""
        wrong, own, now = self.world.wrong, call.process, time.monotonic()
        others = [one for one in self.under_way if one.process is own]
        same = [one for one in self.under_way if one.card.id == call.card.id]
        if any(one.process is own or (one.is_trusted and call.is_trusted) for one in same):
            wrong.append(f"{call.card.id}: two calls at a time")
        teams = Counter(one.card.team_id for one in others)
        if len(others) >= MOST_SENDING or teams[call.card.team_id] >= MOST_SENDING_EACH:
            wrong.append("too many calls at a time")
        before = [one for one in self.calls if one.process is own and one.term == call.term]
        if any(one.lane == call.lane and now < one.began + CALL_INTERVAL - _EARLY for one in before):
            wrong.append(f"{call.card.id}: too early in {call.lane}")
        updates = [one for one in before if one.card.ts and one.card.team_id == call.card.team_id]
        if call.card.ts and sum(one.began > now - _MINUTE for one in updates) >= MOST_UPDATES:
            wrong.append("too many updates in a minute")
        if call.card.ts is None and any(
            one.process is own and one.is_answered and one.card.ts is None and one.card.id == call.card.id
            for one in self.calls
        ):
            wrong.append(f"{call.card.id}: posted again after its answer")


class World:
    """A trial. `wrong` says which invariants were broken."""

    def __init__(self, store: OneConnection, processes: int, letters: str, rng: random.Random) -> None:
        self.store, self.rng, self.faults = store, rng, Faults(letters, rng)
        self.wrong, self.acting = list[str](), set[asyncio.Task[Any]]()
        self.slack, self.states = FakeSlack(self), defaultdict[str, str](str)
        self.began, self.taken, self.number = time.monotonic(), dict[str, IncomingAlert](), 0
        self.freezes_at_post = rng.random() < 0.4
        self.channels = rng.choice((1, 2, 4, 30)) if letters not in {"H", "M"} else 30
        is_alone = processes == 1 and not store.driver.is_shared
        self._new = partial(Process, world=self, is_alone=is_alone)
        self.processes = list[Process]()
        self.processes += [self._new(f"p{n}") for n in range(processes)]
        self.processes[0].faulty.slow = 0.3 if "s" in self.faults else 0.0

    def compose(self, card: Card) -> str:
        """Return the digest of what a message shows now."""
        shown = [(part.id, repr(part.content), self.states[part.session_id]) for part in card.parts]
        return hashlib.sha256(repr(shown).encode()).hexdigest()

    # --- what happens ---

    async def run(self, alerts: int) -> None:
        rng, loop = self.rng, asyncio.get_running_loop()
        for _ in range(alerts):
            at = rng.choice((0.0, 0.0, rng.uniform(0, _CHANGES)))
            loop.call_later(at + rng.uniform(0, 1), self._on_one, self._alert())
        for _ in range(alerts):
            loop.call_later(rng.uniform(0, _CHANGES), self._change)
        for letter, happens in (("b", self.go_away), ("f", self._freeze), ("k", self._kill)):
            if letter in self.faults:
                loop.call_later(rng.uniform(0.3, 6), happens)
        await asyncio.sleep(_CHANGES)
        while not await self._is_over():
            if time.monotonic() > self.began + LONGEST:
                left = self.store.rows("SELECT id, ts, due, version FROM messages WHERE due IS NOT NULL")
                self.wrong.append(f"it does not end: {left[:3]}")
                break
        for process in self.processes:
            process.gate.close()
        self._check_end()

    async def _is_over(self) -> bool:
        """Return whether nothing is due, and so for a while."""
        for _ in range(2):
            await asyncio.sleep(1.5)
            due = self.store.rows("SELECT 1 FROM messages WHERE due IS NOT NULL LIMIT 1")
            if due or self.acting or not all(process.is_idle for process in self.processes):
                return False
            if any(not one.process.is_killed for one in self.slack.under_way):
                return False
        return True

    @property
    def alive(self) -> list[Process]:
        return [process for process in self.processes if not process.gate.is_closed]

    def _alert(self) -> IncomingAlert:
        rng = self.rng
        self.number += 1
        known = list(self.taken.values())
        if known and rng.random() < 0.3:
            before = rng.choice(known)
            team, channel, session = before.team_id, before.channel_id, before.alert.session_id
        else:
            team, channel = f"T{rng.randrange(2)}", f"C{rng.randrange(self.channels)}"
            session = SessionId(f"3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f{self.number:04}")
        severity, is_resolved = rng.choice((Severity.WARNING, Severity.CRITICAL)), rng.random() < 0.15
        alert = Alert(session, f"{self.number}", severity=severity, is_resolved=is_resolved)
        return IncomingAlert(f"a{self.number:05}", team, f"{team}{channel}", alert)

    def _on_one(self, alert: IncomingAlert) -> None:
        if self.alive:
            process = self.rng.choice(self.alive)
            process.start(self._post(process, alert))

    async def _post(self, process: Process, alert: IncomingAlert) -> None:
        began = time.monotonic()
        within = self.rng.choice((0.0, 8.0))
        try:
            async with asyncio.timeout(_PLACED_WITHIN):
                (found,) = await place(process.outbox.rows, [alert])
        except TimeoutError:
            return  # its process posts it itself
        if not isinstance(found, Ignored):
            self.taken[alert.id] = alert
        if not isinstance(found, Folded) or not found.card_id or not within:
            return
        result = await process.outbox.posted(found.card_id, within)
        is_beside = "H" in self.faults and alert.team_id == "T1" and began > self.began + 1
        is_beside &= process.lease.term is not None
        if is_beside and (result is None or time.monotonic() > began + _OWN_PACE):
            self.wrong.append(f"{alert.id}: it waits for another workspace")

    def _change(self) -> None:
        if self.alive and self.taken:
            process, alert = self.rng.choice(self.alive), self.rng.choice(list(self.taken.values()))
            state = self.rng.choice(("", "paused"))
            if self.rng.random() < 0.5:
                process.start(self.mark(process, (alert.team_id, alert.alert.session_id), state))
            else:
                self._on_one(IncomingAlert(f"a{self._next():05}", alert.team_id, alert.channel_id, alert.alert))

    def _next(self) -> int:
        self.number += 1
        return self.number

    async def mark(self, process: Process, session: SessionName, state: str) -> None:
        def work(connection: Connection) -> Any:
            found = connection.fetch_all("SELECT ts FROM messages WHERE ts IS NOT NULL LIMIT 1")
            clicked = frozenset(row.ts for row in found if self.rng.random() < 0.3)
            marks = {session: clicked}
            mark(connection, marks, ask_for_cards(connection, marks))
            connection.flush()
            self.states[session[1]] = state
            return lambda: None

        # the writer of orders does it until it is done
        await process.writers[0].do(work, person=(session[0], "U"), locks=[session_lock(*session)])
        process.database.messages_due.set()

    def go_away(self) -> None:
        self.faults.away_until = time.monotonic() + 8.0

    def _leader(self) -> Process:
        return next((one for one in self.alive if one.lease.term is not None), self.processes[0])

    def _freeze(self) -> None:
        self._leader().freeze()

    def _kill(self) -> None:
        killed = self._leader()
        killed.gate.close()
        killed.is_killed = True
        if not self.alive:
            self.processes.append(self._new(f"heir{len(self.processes)}"))

    # --- what must hold ---

    def _check_end(self) -> None:
        rows = self.store.rows("SELECT id, ts, closed_at, due FROM messages")
        open_rows = [row for row in rows if row.ts and row.closed_at is None]
        for row in open_rows:
            card = self.store.connection.do(partial(read_message, message_id=row.id))
            if card is None or self.slack.shown.get(row.ts) != self.compose(card):
                self.wrong.append(f"{row.id}: Slack has an old state of it")
            elif row.ts in self.slack.deleted:
                self.wrong.append(f"{row.id}: it was deleted")
        stored = {
            (row.team_id, row.session_id): row
            for row in self.store.rows(
                "SELECT parts.*, ts, closed_at FROM parts JOIN messages ON messages.id = message_id ORDER BY closed_at"
            )
        }
        for alert in self.taken.values():
            row = stored.get((alert.team_id, alert.alert.session_id))
            if row is None or not (row.ts or row.closed_at):
                self.wrong.append(f"{alert.id}: it is lost")
        kept = {row.ts for row in rows} | self.slack.deleted
        copies = [one for one in self.slack.calls if one.ts and one.ts not in kept]
        if known := [one.ts for one in copies if one.is_answered and not one.process.is_killed]:
            self.wrong.append(f"{known}: a copy stays that its process knows")


TRIALS = {"sqlite": 10, "postgresql": 2}
"""Those of each scene, 146 in all; a fifth of them, with more alerts, for the scenes H and M."""

SCENES = [
    (1, ""),
    (1, "hlxnr"),
    (1, "kbcn"),
    (3, "kq"),
    (3, "flx"),
    (3, "Tb"),
    (3, "Uh"),
    (3, "kcs"),
    (3, "bcr"),
    (3, "B"),
    (3, "fhn"),
    (3, "H"),
    (1, "M"),
    (1, "n"),
]


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_no_message_is_lost_outdated_or_sent_twice_without_need(
    store: OneConnection, processes: int, faults: str
) -> None:
    alerts, trials = 12, TRIALS[store.kind]
    if faults in {"H", "M"}:
        alerts, trials = 110, trials // 5 + 1
    check_trials(store, partial(World, store, processes, faults), alerts, trials=trials)


# --- memory ---


class _Due(MessageRows):
    """Messages that are due, each read for ever."""

    taken: Sequence[Any] = ()

    async def begin(self) -> None:
        pass

    async def take(self, leading: object, *, urgency: int) -> list[Any]:  # noqa: ARG002 - as it is called
        taken, self.taken = list(self.taken), ()
        return taken

    async def card(self, message_id: str) -> Card | None:  # noqa: ARG002 - as it is called
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def outbox_with_due(count: int, *, channels: int) -> Outbox:
    """The outbox of a leader that takes so many messages."""
    database = connect(Secret("sqlite://"))
    database.driver.close()  # nothing is stored
    rows = _Due(database, Writer(database, None, Readiness()))
    rows.taken = [
        SimpleNamespace(id=uuid.uuid4().hex, team_id="T1", channel_id=f"C{n % channels}", is_post=n % 2, urgency=5)
        for n in range(count)
    ]
    return Outbox(rows, Lease("ours", is_alone=True), cast(CardSender, object()))


async def test_a_hundred_thousand_messages_cost_the_leader_at_most_thirty_mebibytes() -> None:
    outbox, count = outbox_with_due(10_000, channels=200), 10_000
    tracemalloc.start()
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(0.1)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    outbox.stop()
    await running
    assert 0 < used * 100_000 / count < 30 * 1024 * 1024

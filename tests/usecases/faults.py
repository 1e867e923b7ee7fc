"""What goes wrong around the processes of a trial: they freeze, Anchor and the database fail. See `test_crossing`."""

import asyncio
import json
import random
import selectors
import time
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

import httpx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.core.session_ids import SessionId
from bot.outbound.store.connections import Connection, Driver, Pool, Row
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreBrokenError, StoreUnreachableError
from bot.outbound.store.postgresql import driver as postgresql_driver
from harness.virtual_time import clock

_T = TypeVar("_T")

ACTS_WITHIN = 54.0
"""Seconds in which an unanswered attempt takes effect, if it does: less than UNCONFIRMED_TTL."""
_MEAN = 0.2  # seconds until Anchor acts, and until its answer comes
_REFUSED, _SILENT, _LOST = 0.25, 0.2, 0.2  # shares
_SERVER_TIME = b"CAST(extract(epoch FROM clock_timestamp()) AS float8)"
_TURN = 1e-4  # seconds for a turn of the event loop
_TABLES = ("orders", "leases", "audit", "messages", "parts", "marks")
LONGEST = 900.0
"""Seconds until nothing is open."""

gate_of_task: ContextVar["Gate | None"] = ContextVar("gate", default=None)
"""The process to which a task belongs."""


def of_process(gate: "Gate | None") -> Context:
    """Return the context of the tasks of a process, which stop while its gate is closed, or of no process."""
    context = copy_context()
    context.run(gate_of_task.set, gate)
    return context


class Gate:
    """The execution of the tasks of a process: none goes on while it is closed. One that stays closed is dead."""

    def __init__(self) -> None:
        self._opens: asyncio.Future[None] | None = None

    @property
    def is_closed(self) -> bool:
        return self._opens is not None

    def close(self) -> None:
        if self._opens is None:
            self._opens = asyncio.get_running_loop().create_future()

    def open(self) -> None:
        if self._opens is not None:
            self._opens.set_result(None)
            self._opens = None

    @types.coroutine
    def run(self, inner: Coroutine[Any, Any, _T]) -> Generator[Any, Any, _T]:
        """Run a coroutine. What comes while the gate is closed, also a cancellation, reaches it when that is open."""
        error: BaseException | None = None
        while True:
            while self._opens is not None:
                try:
                    yield from asyncio.shield(self._opens)
                except asyncio.CancelledError as cancelled:
                    error = cancelled
            try:
                waits_for = inner.send(None) if error is None else inner.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            error = None
            try:
                yield waits_for
            except BaseException as raised:  # noqa: BLE001 - it is the coroutine's
                error = raised


def let_gates_work(loop: asyncio.AbstractEventLoop) -> None:
    """Let each task that is started by a task of a process belong to this process."""

    def start(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        gate = gate_of_task.get()
        task = asyncio.Task(work if gate is None else _in(gate, work), loop=loop, **options)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before it began is never awaited
        return task

    loop.set_task_factory(start)


async def _in(gate: Gate, work: Coroutine[Any, Any, _T]) -> _T:
    return await gate.run(work)


class OneConnection:
    """What a database does with its pools, by one connection in the thread of the event loop."""

    def __init__(self, driver: Driver) -> None:
        self.driver, self.connection = driver, Connection(driver)
        self.kind = "postgresql" if driver.is_shared else "sqlite"

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        return self.connection.do(work)

    def database(self) -> Database:
        pool = cast(Pool, self)
        return Database(self.driver, pool, pool, pool)

    def rows(self, sql: str, **values: object) -> list[Row]:
        return self.connection.do(lambda connection: connection.fetch_all(sql, **values))


def following(url: str) -> Driver:
    """Return the driver of a server whose clock follows that of the test."""
    driver = postgresql_driver(url)

    def translate(sql: str) -> bytes:
        text = driver.translate(sql)
        assert isinstance(text, bytes)
        return text.replace(_SERVER_TIME, b"CAST(%r AS float8)" % time.time())

    return replace(driver, translate=translate)


class _Jumps(selectors.DefaultSelector):
    """Lets the clock jump to the next timer: nothing else can happen."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing can happen any more"
        clock.jump(timeout + _TURN)
        return []


def check_trials(store: OneConnection, new_world: Callable[[random.Random], Any], number: int, *, trials: int) -> None:
    """Run trials of a `number` of events, 20 times as many at night. Fails if the world of one has anything `wrong`."""
    times = 20 if settings.get_current_profile_name() == "nightly" else 1

    @settings(max_examples=times * trials, phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        assert trial(store, seed, new_world, number) == []

    check()


def trial(store: OneConnection, seed: int, new_world: Callable[[random.Random], Any], number: int) -> list[str]:
    """Run a trial in virtual time on an empty database, and return what went wrong. A seed is the same trial again."""

    async def run() -> list[str]:
        world = new_world(random.Random(seed))  # noqa: S311 - no secret
        async with _until_ended(world.processes):
            await world.run(number)
        return list(world.wrong)

    clock.begin_test(is_virtual=True)
    clock.jump(-time.monotonic() % 300)  # timers fire at multiples of seconds
    loop = asyncio.SelectorEventLoop(_Jumps())
    let_gates_work(loop)
    random.seed(seed)
    for table in _TABLES:
        store.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
        clock.begin_test(is_virtual=False)


@asynccontextmanager
async def _until_ended(processes: Sequence[Any]) -> AsyncIterator[None]:
    """End the processes of a trial after it."""
    try:
        yield
    finally:
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            for process in processes:
                process.gate.open()
            await asyncio.wait(others, timeout=1)


@dataclass
class Faults:
    """The faults of a trial, decided by a random number generator."""

    letters: str
    rng: random.Random
    away_until: float = 0.0

    def __contains__(self, letter: str) -> bool:
        return letter in self.letters

    def happens(self, letter: str, share: float) -> bool:
        return letter in self.letters and self.rng.random() < share

    def take(self, letter: str) -> bool:
        """Return whether a fault that happens once happens now."""
        is_there, self.letters = letter in self.letters, self.letters.replace(letter, "")
        return is_there

    async def take_time(self, mean: float) -> None:
        await asyncio.sleep(self.rng.expovariate(1 / mean))


@dataclass
class AnchorWorld(httpx.AsyncBaseTransport):
    """Anchor. It acts between a request and its answer, which can fail to come. `check` sees each request.

    `refused` hears of each one that it refuses.
    """

    faults: Faults
    check: Callable[[str, SessionId, str], None]
    refused: Callable[[str, SessionId, str], None]
    states: dict[str, str] = field(default_factory=dict)
    acting: set[asyncio.Task[Any]] = field(default_factory=set)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, order = request.extensions["target"].decode(), request.headers["x-request-id"]
        session_id = SessionId(path.split("/")[3])
        if request.method == "GET":
            await self.faults.take_time(_MEAN)
            status = "ended" if self.states.get(session_id) == "Ended" else "running"
            return _answer(200, {"data": {"id": session_id, "status": status}})
        verb = "end" if request.method == "DELETE" else path.rsplit("/", 1)[1]
        self.check(order, session_id, verb)
        if self.faults.happens("r", _REFUSED) or ("p" in self.faults and verb == "resume"):
            await self.faults.take_time(_MEAN)
            self.refused(order, session_id, verb)
            return _answer(503, {"error": {"message": "busy"}}, {"retry-after": self.faults.rng.choice("01")})
        is_silent = self.faults.happens("d", _SILENT)
        outside = of_process(None)
        acting = outside.run(asyncio.get_running_loop().create_task, self._act(session_id, verb, is_silent))
        self.acting.add(acting)
        acting.add_done_callback(self.acting.discard)
        if is_silent:
            await asyncio.sleep(LONGEST)  # the client gives up
        return await asyncio.shield(acting)

    async def _act(self, session_id: str, verb: str, is_silent: bool) -> httpx.Response:
        rng = self.faults.rng
        await asyncio.sleep(rng.uniform(0, ACTS_WITHIN) if is_silent else rng.expovariate(1 / _MEAN))
        outcome = {"pause": "Paused", "resume": "Resumed", "end": "Ended"}[verb]
        if self.states.get(session_id) == "Ended":
            return _answer(400, {"error": {"message": "not running"}})
        if not is_silent or rng.random() < 0.7:
            self.states[session_id] = outcome
        await self.faults.take_time(_MEAN)
        return _answer(200, {"data": {"status": outcome.lower()}})


def _answer(status: int, content: object, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=json.dumps(content).encode())


class FaultyDatabase:
    """The database as one process sees it: late, failing, or done without an answer."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self.faults, self.slow, self.late, self._failed_at = faults, 0.0, 0.0, -LONGEST
        for name in ("change", "change_orders", "read"):
            setattr(database, name, partial(self._do, getattr(database, name)))
        database.prepared.set()

    @property
    def has_failed(self) -> bool:
        """Whether the process can have sent a pause without its answer just now."""
        return bool(self.slow) or time.monotonic() < self._failed_at + 22  # also before it froze

    async def _do(self, do: Callable[..., Coroutine[Any, Any, _T]], work: Any, **options: Any) -> _T:
        await self.faults.take_time(0.005 + self.slow)
        is_away, rng = time.monotonic() < self.faults.away_until, self.faults.rng
        fails = is_away or self.faults.happens("c", _LOST)
        self._failed_at = time.monotonic() if fails else self._failed_at
        if fails and rng.random() < 0.5:
            raise StoreUnreachableError("away") if is_away or rng.random() < 0.8 else StoreBrokenError("broken")
        done = await do(work, **options)
        if self.late:
            await self.faults.take_time(self.late)
        if fails:
            await self.faults.take_time(0.1)
            raise StoreUnreachableError("lost")
        return done

"""The tables of the product in a SQLite database in memory, whose transactions take as long as those of a server."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from bench.scale.clock import Clock
from bot.outbound.store import sqlite
from bot.outbound.store.cards import LOCK
from bot.outbound.store.connections import Connection, Driver, Pool, Row
from bot.outbound.store.database import READERS, TIMEOUT, WRITERS, Database
from bot.outbound.store.schema import prepare

_T = TypeVar("_T")

EPOCH = 1_750_000_000.0
"""The Unix time at which a simulation begins."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds that PostgreSQL takes: for a statement with its round trip, for a row of it, and for a commit."""

    statement: float = 0.0005
    row: float = 0.000_02
    commit: float = 0.002


def _driver(clock: Clock) -> Driver:
    """Return that of a database in memory whose clock is that of the simulation."""
    driver = sqlite.driver(None)

    def open_() -> sqlite3.Connection:
        raw: sqlite3.Connection = driver.open()
        raw.create_function("simulated_now", 0, lambda: EPOCH + clock())
        return raw

    return replace(driver, open=open_, clock="SELECT simulated_now() AS now")


class _Metered(Connection):
    """A connection that adds up what its statements cost, and notices that the lock of the cards is taken."""

    def __init__(self, driver: Driver, costs: Costs) -> None:
        super().__init__(driver)
        self.open()
        self._costs = costs
        self.measure()

    def measure(self) -> None:
        """Begin to add up."""
        self.seconds, self.takes_lock = 0.0, False

    def begin(self, locks: Iterable[int] = (), *, lock_timeout: float = 4.0) -> None:
        self.takes_lock = LOCK in (taken := list(locks))
        super().begin(taken, lock_timeout=lock_timeout)
        self.now()
        self._add(1)

    def fetch_all(self, sql: str, **values: object) -> list[Row]:
        rows = super().fetch_all(sql, **values)
        self._add(len(rows))
        return rows

    def fetch_each(self, *statements: str, **values: object) -> Iterator[list[Row]]:
        return (self.fetch_all(sql, **values) for sql in statements)

    def execute(self, sql: str, **values: object) -> int:
        if sql == "COMMIT":  # or not: the server decides
            self.flush()
            return 0
        changed = super().execute(sql, **values)
        self._add(max(0, changed))
        return changed

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, object]]) -> int:
        changed = super().execute_many(sql, rows)
        if len(rows) > 1:
            self._add(len(rows))
        return changed

    def _add(self, rows: int) -> None:
        self.seconds += self._costs.statement + rows * self._costs.row


@dataclass(slots=True)
class Use:
    """The use of a server: the transactions that held the lock of the cards, and the seconds that they held it.

    `longest_with_lock` and `longest` (of any kind) are in seconds.
    """

    with_lock: int = 0
    seconds_with_lock: float = 0.0
    longest_with_lock: float = 0.0
    longest: float = 0.0


class Server:
    """A PostgreSQL that several processes share. One transaction at a time holds the lock of the cards."""

    def __init__(self, clock: Clock, costs: Costs) -> None:
        self._costs = costs
        self._driver = _driver(clock)
        self.connection = _Metered(self._driver, costs)
        self._lock = asyncio.Lock()
        self.measured = Use()

    async def open(self) -> Database:
        """Return the database as one more process sees it."""
        orders, changes, reads = (cast("Pool", _Pool(self, most)) for most in (1, WRITERS, READERS))
        database = Database(self._driver, orders, changes, reads, nullcontext())
        await prepare(database)
        return database

    def close(self) -> None:
        """Forget everything."""
        self.connection.raw.close()
        self._driver.close()

    def work(self, work: Callable[[Connection], _T]) -> _T:
        """Do some work in a transaction that takes no time."""
        self.connection.begin()
        result = work(self.connection)
        self.connection.raw.execute("COMMIT")
        return result

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`. A transaction waits for the lock of the cards if it takes it."""
        done = self._try(work, has_lock=False) if self._lock.locked() else None
        if done is None:
            async with self._lock:
                done = self._try(work, has_lock=True)
                assert done is not None  # noqa: S101 - it has the lock
                if self.connection.takes_lock:
                    self._count(done[1])
                    await asyncio.sleep(done[1])
                    return done[0]
        await asyncio.sleep(done[1])
        return done[0]

    def _try(self, work: Callable[[Connection], _T], *, has_lock: bool) -> tuple[_T, float] | None:
        """Return the result of some work and its seconds; None, and nothing is changed, if it has to wait."""
        raw = self.connection.raw
        self.connection.measure()
        try:
            result = work(self.connection)
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        seconds = self.connection.seconds
        if not raw.in_transaction:
            return result, seconds
        seconds += self._costs.commit
        must_wait = self.connection.takes_lock and not has_lock
        raw.execute("ROLLBACK" if must_wait or seconds > TIMEOUT else "COMMIT")
        self.measured.longest = max(self.measured.longest, seconds)
        return None if must_wait else (result, seconds)

    def _count(self, seconds: float) -> None:
        self.measured.with_lock += 1
        self.measured.seconds_with_lock += min(seconds, TIMEOUT)
        self.measured.longest_with_lock = max(self.measured.longest_with_lock, seconds)


class _Pool:
    """The connections of one process: so many calls at a time."""

    def __init__(self, server: Server, most: int) -> None:
        self._server = server
        self._places = asyncio.Semaphore(most)

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        async with self._places:
            return await self._server.use(work)

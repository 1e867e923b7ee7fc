"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from cachetools import TTLCache

from bot.core.fields import Secret
from bot.outbound.store import sqlite
from bot.outbound.store.connections import READERS, WRITERS, Connection, Driver, Pool, Row
from bot.outbound.store.errors import LockedError, StoreBrokenError, StoreUnreachableError, ValueRefusedError

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for a read or a change
_LOCK_SHARE = 0.8  # of it for each lock
QUIET = 600.0  # seconds in which an error is not logged again
CUT_INTERVAL = 60.0
"""Seconds between two attempts to empty the write-ahead log of a SQLite file: it has what was deleted."""


@dataclass(eq=False, repr=False)
class Database:
    """A database. Each of its calls can raise StoreUnreachableError, and does until `prepared` is set.

    Changes other than of orders hold `turn`, so that one of them at a time is before an order. `errors` counts the
    calls that failed. `messages_due` is set when the outbox of this process is to look.
    """

    driver: Driver
    orders: Pool
    changes: Pool
    reads: Pool
    file: Path | None = None
    turn: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)
    messages_due: asyncio.Event = field(default_factory=asyncio.Event)
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    errors: int = 0
    timeout: float = TIMEOUT
    _found_nothing: dict[str, object] = field(default_factory=dict)  # the values of each look, and the change before it
    _logged: TTLCache[str, None] = field(default_factory=lambda: TTLCache(100, QUIET, timer=time.monotonic))

    async def fetch_one(self, sql: str, **values: object) -> Row | None:
        """Return the first row, if there is any."""
        return next(iter(await self.fetch_all(sql, **values)), None)

    async def fetch_all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows, in one round trip. See `Connection` for the SQL."""
        return await self.read(lambda connection: connection.fetch_all(sql, **values))

    async def look(self, sql: str, **values: object) -> list[Row]:
        """Return all rows, which are few. An idle bot does little else, so it wakes no thread if it can.

        On SQLite what only the time changes is found within LOOKS_AGAIN_AFTER seconds.
        """
        asked = values, self.driver.last_change()
        if asked == self._found_nothing.get(sql):
            return []
        rows = await self.driver.look(sql, values) if self.driver.look is not None else None
        if rows is None:
            rows = await self.fetch_all(sql, **values)
        self._found_nothing[sql] = None if rows else asked
        return rows

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, which only reads, each time what is committed by then."""
        return await self._call(self.reads, work)

    async def execute(self, sql: str, **values: object) -> int:
        """Execute a statement in a transaction of its own. Return how many rows it changed."""
        return await self.change(lambda connection: connection.execute(sql, **values))

    async def change(
        self,
        work: Callable[[Connection], _T],
        *,
        locks: Iterable[int] = (),
        within: float | None = None,
        is_prepared: bool = False,
    ) -> _T:
        """Return the result of `work`, done in another thread in a transaction that holds these locks.

        After `within` seconds, or `timeout`, it is rolled back, unless it is just being committed. `is_prepared`: also
        before `prepared` is set.
        """
        transact = partial(_transact, work, locks, lock_timeout=_LOCK_SHARE * self.timeout)
        return await self._call(self.changes, transact, within, self.turn, is_prepared=is_prepared)

    async def change_orders(
        self,
        work: Callable[[Connection], Callable[[], _T]],
        *,
        locks: Iterable[int],
        is_apart: bool = False,
        lock_timeout: float = 0.5,
    ) -> _T:
        """Do the same in the lane of orders, which waits for one other change at most, or apart from it.

        `work` returns a function that reads the result after the commit.
        """
        pool = self.changes if is_apart else self.orders
        transact = partial(_transact, work, locks, lock_timeout=lock_timeout)
        return await self._call(pool, lambda connection: transact(connection)())

    async def tell(self, news: str) -> None:
        """Let other processes hear of something, if there are any: a hint to look now. A pooler can drop it."""
        if self.driver.listen is not None:
            await self.fetch_all("SELECT pg_notify('anchor_bot', :news)", news=news)

    async def listen(self, hear: Callable[[str], None]) -> None:
        """Hear what other processes tell, until cancelled, and "" when something can have been missed."""
        if self.driver.listen is not None:
            await self.driver.listen(hear)

    async def empty_log(self) -> float:
        """Empty the write-ahead log of a SQLite file, which has what was deleted, unless another program reads it.

        Return the seconds until the next attempt.
        """
        with suppress(StoreUnreachableError):
            if self.file is not None:
                await self._call(self.changes, _empty_log, turn=self.turn)
        return CUT_INTERVAL

    async def _call(
        self,
        pool: Pool,
        work: Callable[[Connection], _T],
        within: float | None = None,
        turn: AbstractAsyncContextManager[Any] | None = None,
        *,
        is_prepared: bool = False,
    ) -> _T:
        """Count a failure, and log the first of its kind. The text of the driver's error can contain values."""
        if not (is_prepared or self.prepared.is_set()):
            raise StoreUnreachableError("its tables are not checked yet")
        try:
            async with asyncio.timeout(within or self.timeout), turn or nullcontext():
                return await pool.use(work)
        except (StoreUnreachableError, OSError, self.driver.api.Error) as error:
            failure = self._translate(error)
            self.errors += 1
            if str(failure) not in self._logged:
                self._logged[str(failure)] = None
                trace = type(failure), failure, error.__traceback__
                _log.warning("database fails", extra={"why": str(failure)}, exc_info=trace)
            raise failure from None

    def _translate(self, error: Exception) -> StoreUnreachableError:
        if isinstance(error, StoreUnreachableError):
            return error
        if isinstance(error, TimeoutError):
            return StoreUnreachableError("the database does not answer in time")
        api, name = self.driver.api, getattr(error, "sqlite_errorname", None) or type(error).__name__
        if isinstance(error, api.DataError | api.IntegrityError):
            return ValueRefusedError(name)
        # the last one is a read-only server's
        can_pass = isinstance(error, api.OperationalError | api.InterfaceError | api.InternalError)
        if not can_pass or name == "SQLITE_ERROR":  # such as a missing table
            return StoreBrokenError(name)
        return LockedError(name) if name == "LockNotAvailable" else StoreUnreachableError(name)

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on. SQLite empties its log as the last one is closed.

        Two that are closed at once can each take the other one for the last.
        """
        await asyncio.gather(*(pool.close() for pool in {self.orders, self.changes}))
        await self.reads.close()
        self.driver.close()


def _transact(
    work: Callable[[Connection], _T], locks: Iterable[int], connection: Connection, *, lock_timeout: float
) -> _T:
    connection.begin(locks, lock_timeout=lock_timeout)
    result = work(connection)
    connection.execute("COMMIT")
    return result


def _empty_log(connection: Connection) -> None:
    """See https://www.sqlite.org/wal.html#ckpt. It waits for no reader: changes would wait, too."""
    for pragma in ("busy_timeout = 0", "wal_checkpoint(TRUNCATE)", f"busy_timeout = {sqlite.BUSY_TIMEOUT * 1000:.0f}"):
        connection.execute(f"PRAGMA {pragma}")


def connect(url: Secret) -> Database:
    """Return the database at `url` without connecting to it. Raises StoreNotUsableError."""
    file = sqlite.file_of(url)
    if file is not None or url == sqlite.IN_MEMORY:
        driver = sqlite.driver(file)
        changes, reads = Pool(driver, "sqlite-changes", most=1), Pool(driver, "sqlite-reads", most=READERS)
        return Database(driver, changes, changes, reads, file, asyncio.Lock())
    from bot.outbound.store import postgresql  # noqa: PLC0415 - the driver takes 9 MB

    driver = postgresql.driver(url.reveal())
    pool = partial(Pool, driver)
    orders, changes = pool("postgresql-orders", most=1), pool("postgresql-changes", most=WRITERS)
    reads = pool("postgresql-reads", most=READERS)
    return Database(driver, orders, changes, reads)


def session_lock(team_id: str, session_id: str) -> int:
    """Return the number of the lock of a session."""
    return workspace_lock(f"{team_id} {session_id}")


@lru_cache(1_000)  # an order asks several times
def workspace_lock(team_id: str) -> int:
    """Return the number of the lock of a workspace."""
    return int.from_bytes(blake2b(team_id.encode(errors="replace"), digest_size=8).digest(), signed=True)

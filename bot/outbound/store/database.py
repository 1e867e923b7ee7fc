"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout."""

import asyncio
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from cachetools import TTLCache

from bot.core.fields import Secret
from bot.outbound.store.connections import Connection, Driver, Pool, Row, Statement, listed
from bot.outbound.store.errors import (
    ClockSetError,
    IntegrityError,
    StoreBrokenError,
    StoreUnreachableError,
)
from bot.outbound.store.news import FileNews, News, Notifications
from bot.outbound.store.sqlite import BUSY_TIMEOUT_MS, IN_MEMORY, SqliteDriver, file_of, name_of

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for a read or a change
QUIET = 600.0  # seconds in which an error is not logged again
_MOST_KINDS = 100
READERS = 4  # threads and connections
POSTGRESQL_WRITERS = 8  # threads and connections; SQLite has one
MOST_ERROR = 5.0
"""Seconds by which a time of the database can be wrong in a row: the longest that a transaction takes."""
_DRIFT = 0.1  # seconds by which a clock drifts between two transactions
CUT_INTERVAL = 60.0
"""Seconds between two attempts to empty the write-ahead log of a SQLite file: it has what was deleted."""


@dataclass(eq=False)
class Database:
    """A database for changes and reads.

    Every query can raise StoreUnreachableError, and does until `prepared` is set. Changes that are not urgent hold
    `turn`, so that one of them at a time is before an urgent one.
    """

    driver: Driver
    changes: Pool
    reads: Pool
    turn: AbstractAsyncContextManager[Any]
    file: Path | None = None
    is_exclusive: bool = False
    """Whether no other bot uses the database. Commands can, beside the bot."""
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    news: News = field(default_factory=News)
    errors: int = 0
    """The number of calls that failed."""
    broken: StoreBrokenError | None = None
    """The last error that waiting does not end, until somebody has reported it."""

    def __post_init__(self) -> None:
        self._logged: TTLCache[str, None] = TTLCache(_MOST_KINDS, QUIET, timer=time.monotonic)

    async def fetch_one(self, sql: str, **values: object) -> Row | None:
        """Return the first row, if there is any."""
        return next(iter(await self.fetch_all(sql, **values)), None)

    async def fetch_all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows, in one round trip. See `Connection` for the SQL."""
        return await self.read(lambda connection: connection.fetch_all(sql, **values))

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, which only reads, each time what is committed by then."""
        self._check_prepared()
        with self._translate_errors():
            async with asyncio.timeout(TIMEOUT):
                return await self.reads.use(work)

    async def change(self, work: Callable[[Connection], _T], *, within: float = TIMEOUT, is_urgent: bool = False) -> _T:
        """Return the result of `work` in a transaction; an urgent one waits for one other at most.

        `work` runs in another thread. After `within` seconds the transaction is rolled back, unless it is just being
        committed.
        """
        self._check_prepared()
        return await self.inspect(work, within=within, is_urgent=is_urgent)

    async def execute(self, sql: str, **values: object) -> int:
        """Execute a statement in a transaction of its own. Return how many rows it changed."""
        return await self.change(lambda connection: connection.execute(sql, **values))

    async def inspect(self, work: Callable[[Connection], _T], *, within: float = TIMEOUT, is_urgent: bool = True) -> _T:
        """Do the same as `change`, also before the tables can be used."""
        with self._translate_errors():
            async with asyncio.timeout(within), nullcontext() if is_urgent else self.turn:
                return await self.changes.change(work)

    async def empty_log(self) -> None:
        """Empty the write-ahead log of a SQLite file, which has what was deleted, unless another program reads it."""
        if self.log_bytes():
            with suppress(StoreUnreachableError), self._translate_errors():
                async with asyncio.timeout(TIMEOUT), self.turn:
                    await self.changes.use(_empty_log)

    def _check_prepared(self) -> None:
        if not self.prepared.is_set():
            raise StoreUnreachableError("its tables are not checked yet")

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except self.driver.violation as error:
            raise IntegrityError(name_of(error)) from None  # the caller handles it
        except StoreUnreachableError as error:
            self._report(error, error)
            raise
        except TimeoutError as error:
            failure = StoreUnreachableError("the database does not answer in time")
            self._report(failure, error)
            raise failure from None
        except self.driver.error as error:
            kind = StoreUnreachableError if isinstance(error, self.driver.passing) else StoreBrokenError
            failure = kind(name_of(error))
            self._report(failure, error)
            raise failure from None

    def _report(self, failure: StoreUnreachableError, error: BaseException) -> None:
        """Count a failure, and log the first of its kind. The text of the error itself can contain values."""
        self.errors += 1
        if isinstance(failure, StoreBrokenError):
            self.broken = failure
        if str(failure) not in self._logged:
            self._logged[str(failure)] = None
            trace = type(failure), failure, error.__traceback__
            _log.warning("database fails", extra={"why": str(failure)}, exc_info=trace)

    def free_bytes(self) -> int | None:
        """Return the free space on the disk of a SQLite file; None for another database."""
        try:
            return None if self.file is None else shutil.disk_usage(self.file.parent).free
        except OSError:  # the directory is gone
            return None

    def log_bytes(self) -> int | None:
        """Return the size of the write-ahead log of a SQLite file, None without one."""
        try:
            return None if self.file is None else Path(f"{self.file}-wal").stat().st_size
        except OSError:
            return None

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on. SQLite empties its log as the last one is closed.

        Two that are closed at once can each take the other one for the last.
        """
        await asyncio.gather(self.changes.close(), self.news.close())
        await self.reads.close()
        self.driver.close()


def _empty_log(connection: Connection) -> None:
    """See https://www.sqlite.org/wal.html#ckpt. It waits for no reader: changes would wait, too."""
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def connect(url: Secret) -> Database:
    """Return the database at `url` without connecting to it. Raises StoreNotUsableError."""
    file = file_of(url)
    if file is not None or url == IN_MEMORY:
        driver = SqliteDriver(file)
        changes = Pool(driver, "sqlite-changes", most=1)
        reads = Pool(driver, "sqlite-reads", most=READERS)
        news = News() if file is None else FileNews(file)
        return Database(driver, changes, reads, asyncio.Lock(), file, is_exclusive=file is None, news=news)
    from bot.outbound.store.postgresql import PostgresqlDriver  # noqa: PLC0415 - the driver takes 9 MB

    server = PostgresqlDriver(url.reveal())
    changes = Pool(server, "postgresql-changes", most=POSTGRESQL_WRITERS)
    reads = Pool(server, "postgresql-reads", most=READERS)
    news = Notifications(server)
    return Database(server, changes, reads, nullcontext(), news=news)


def locks_of(names: Iterable[str]) -> list[int]:
    """Return the numbers of the locks with these names, sorted, so that nobody waits in a circle."""
    digests = {blake2b(name.encode(errors="replace"), digest_size=8).digest() for name in names}
    return sorted(int.from_bytes(digest, signed=True) for digest in digests)


class Asked(NamedTuple):
    """A question for the database's time, and the monotonic time before it."""

    before: float
    statement: Statement

    def now(self) -> float:
        """Return the database's time in Unix seconds."""
        return float(self.statement.fetch_all()[0].now)


class DatabaseClock:
    """The clock of the database, which all its clients share, and how it is offset from ours.

    `stepped_at` is the monotonic time at which the last step of one of them was noticed.
    """

    def __init__(self) -> None:
        self._offset = self._earlier_offset = self.stepped_at = -math.inf

    def ask(self, connection: Connection, locks: Sequence[int] = ()) -> Asked:
        """Queue the question for the database's time.

        On PostgreSQL, make the transaction durable, and take these locks (sorted) until its end. SQLite has one writer
        at a time anyway.
        """
        return Asked(time.monotonic(), connection.queue(connection.driver.clock, {"locks": listed(locks)}))

    def now(self, connection: Connection, locks: Sequence[int] = ()) -> float:
        """Return the database's time in Unix seconds, and do what `ask` does."""
        return self.ask(connection, locks).now()

    def expect(self, connection: Connection) -> float:
        """Return the last offset, without asking if there is one. It is to be confirmed before the commit."""
        return self.offset(connection) if self._offset == -math.inf else self._offset

    def confirm(self, asked: Asked, expected: float) -> None:
        """Raise ClockSetError if an expected offset was wrong."""
        if abs(self.read(asked) - expected) > _DRIFT:
            raise ClockSetError

    def offset(self, connection: Connection, locks: Sequence[int] = ()) -> float:
        """Return the database's time minus the monotonic one, and do what `ask` does."""
        return self.read(self.ask(connection, locks))

    def read(self, asked: Asked) -> float:
        """Return the database's time minus the monotonic one, in seconds.

        It changes only if the clocks have: else a slow answer would change the order of what people did.
        """
        before, now = asked.before, asked.now()
        offset = min(max(self._offset, now - time.monotonic()), now - before)
        step, self._offset = offset - self._offset, offset
        if MOST_ERROR < abs(step) < math.inf:
            self._earlier_offset, self.stepped_at = offset - step, time.monotonic()
            _log.warning("the database's clock was set", extra={"seconds_ahead": round(step)})
        return offset

    def earliest(self, monotonic: float) -> float:
        """Return the earliest time that the database can have shown at a monotonic time."""
        is_before = monotonic <= self.stepped_at
        return monotonic + (min(self._offset, self._earlier_offset) if is_before else self._offset)

    def latest(self, since: float) -> float:
        """Return the latest time of an event since a monotonic time. A row with a later one is from before a step."""
        return math.inf if since <= self.stepped_at else self.estimate() + MOST_ERROR

    def estimate(self) -> float:
        """Return the database's time by the last offset, without asking."""
        return time.monotonic() + self._offset

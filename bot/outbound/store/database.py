"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout."""

import asyncio
import logging
import math
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from glob import escape
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
    StoreNotUsableError,
    StoreUnreachableError,
)
from bot.outbound.store.news import FileNews, News, Notifications
from bot.outbound.store.sqlite import IN_MEMORY, LEAST_LOG, SqliteDriver, file_of, name_of

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
_PATIENCE = 0.01  # seconds that a read waits before another thread helps


@dataclass(eq=False)
class Database:
    """A database for changes and reads.

    Every query can raise StoreUnreachableError, and does until `migrated` is set. Transactions hold `write_lock`. Those
    that are not urgent wait for it one at a time: they hold `turn` meanwhile.
    """

    driver: Driver
    changes: Pool
    reads: Pool
    write_lock: AbstractAsyncContextManager[Any]
    turn: AbstractAsyncContextManager[Any]
    file: Path | None = None
    is_exclusive: bool = False
    """Whether no other bot uses the database. Commands can, beside the bot."""
    migrated: asyncio.Event = field(default_factory=asyncio.Event)
    has_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by each change, for `checkpoint`."""
    news: News = field(default_factory=News)
    errors: int = 0
    """The number of calls that failed."""
    broken: StoreBrokenError | None = None
    """The last error that waiting does not end, until somebody has reported it."""

    def __post_init__(self) -> None:
        self._logged: TTLCache[str, None] = TTLCache(_MOST_KINDS, QUIET, timer=time.monotonic)
        self._cut_at = -math.inf

    async def fetch_one(self, sql: str, **values: object) -> Row | None:
        """Return the first row, if there is any."""
        return next(iter(await self.fetch_all(sql, **values)), None)

    async def fetch_all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows, in one round trip. See `Connection` for the SQL."""
        return await self.read(lambda connection: connection.fetch_all(sql, **values))

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, which only reads, each time what is committed by then."""
        self._check_migrated()
        with self._translate_errors():
            async with asyncio.timeout(TIMEOUT):
                return await self.reads.use(work)

    async def change(self, work: Callable[[Connection], _T], *, within: float = TIMEOUT, is_urgent: bool = False) -> _T:
        """Return the result of `work` in a transaction; an urgent one waits for one other at most.

        `work` runs in another thread. After `within` seconds the transaction is rolled back, unless it is just being
        committed.
        """
        self._check_migrated()
        return await self._change(work, within, nullcontext() if is_urgent else self.turn)

    async def execute(self, sql: str, **values: object) -> int:
        """Execute a statement in a transaction of its own. Return how many rows it changed."""
        return await self.change(lambda connection: connection.execute(sql, **values))

    async def migrate(self, work: Callable[[Connection], None], *, within: float) -> None:
        """Migrate the tables in a transaction. Afterwards they can be used."""
        await self._change(work, within, self.turn)
        self.migrated.set()

    async def inspect(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of a look at the tables, also if they are not migrated."""
        return await self._change(work, TIMEOUT, nullcontext())

    async def checkpoint(self) -> None:
        """Copy the write-ahead log of a SQLite file into the file, and empty it, if it is long or a minute has passed.

        Changes go on meanwhile; they wait only while what they have added is copied. The log is not emptied while
        another program reads what it has. https://www.sqlite.org/wal.html#ckpt
        """
        self.has_changed.clear()
        size, now = self.log_bytes() or 0, time.monotonic()
        if size:
            self.has_changed.set()  # until it is empty
        if size > LEAST_LOG or (size and now >= self._cut_at + CUT_INTERVAL):
            self._cut_at = now
            with suppress(StoreUnreachableError), self._translate_errors():
                found = await self.reads.use(_copy_log)
                if not found.busy and found.log == found.checkpointed:
                    async with asyncio.timeout(TIMEOUT), self.turn, self.write_lock:
                        await self.reads.call(partial(_cut_log, self.driver))

    async def change_copies(self, work: Callable[[Connection], object]) -> None:
        """Do `work` in a transaction in each copy that a migration has left of a SQLite file, whatever its tables are.

        A copy that fails is deleted.
        """
        if self.file is not None:
            await self.reads.call(partial(_change_copies, self.file, work))

    async def _change(
        self, work: Callable[[Connection], _T], within: float, turn: AbstractAsyncContextManager[Any]
    ) -> _T:
        with self._translate_errors():
            async with asyncio.timeout(within), turn, self.write_lock:
                try:
                    return await self.changes.change(work)
                finally:
                    self.has_changed.set()

    def _check_migrated(self) -> None:
        if not self.migrated.is_set():
            raise StoreUnreachableError("its tables are not migrated yet")

    @property
    def is_moved(self) -> bool:
        """Return whether the SQLite file that is open is no longer at its path."""
        return self.driver.is_moved

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


def _copy_log(connection: Connection) -> Row:
    return connection.fetch_one("PRAGMA wal_checkpoint(PASSIVE)")


def _cut_log(driver: Driver) -> None:
    """Empty the write-ahead log, unless somebody uses it: that is not waited for, since changes wait for this."""
    with closing(driver.open()) as own:
        own.execute("PRAGMA busy_timeout = 0")
        own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _change_copies(file: Path, work: Callable[[Connection], object]) -> None:
    for copy in filter(Path.is_file, file.parent.glob(f"{escape(file.name)}-[0-9][0-9][0-9][0-9]")):
        try:
            with closing(Connection(SqliteDriver(copy))) as connection:
                connection.execute(connection.driver.begin)
                work(connection)
                connection.execute("COMMIT")
        except (sqlite3.Error, StoreNotUsableError, StoreUnreachableError) as error:
            with suppress(OSError):
                copy.unlink()
            deleted = {"file": str(copy), "why": name_of(error), "deleted": not copy.exists()}
            _log.warning("copy of the database can't be changed", extra=deleted)


def connect(url: Secret) -> Database:
    """Return the database at `url` without connecting to it. Raises StoreNotUsableError."""
    file = file_of(url)
    if file is not None or url == IN_MEMORY:
        driver = SqliteDriver(file)
        changes = Pool(driver, "sqlite-changes", most=1)
        reads = Pool(driver, "sqlite-reads", most=READERS, patience=_PATIENCE)
        write_lock, turn = asyncio.Lock(), asyncio.Lock()  # fair queues: SQLite's own order is random
        news = News() if file is None else FileNews(file)
        return Database(driver, changes, reads, write_lock, turn, file, is_exclusive=file is None, news=news)
    from bot.outbound.store.postgresql import PostgresqlDriver  # noqa: PLC0415 - the driver takes 9 MB

    server = PostgresqlDriver(url.reveal())
    changes = Pool(server, "postgresql-changes", most=POSTGRESQL_WRITERS)
    reads = Pool(server, "postgresql-reads", most=READERS, patience=_PATIENCE)
    news = Notifications(server)
    return Database(server, changes, reads, nullcontext(), nullcontext(), news=news)


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

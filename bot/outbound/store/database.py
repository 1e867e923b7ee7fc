"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout."""

import asyncio
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cachetools import TTLCache
from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)

from bot.core.fields import Secret
from bot.outbound.store.errors import StoreBrokenError, StoreUnreachableError
from bot.outbound.store.sqlite import IN_MEMORY, file_of, file_url, memory_url
from bot.outbound.store.sqlite_connections import SqliteConnections

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for a read or a change
QUIET = 600.0  # seconds in which an error is not logged again
_MOST_KINDS = 100
_PASSING = (
    *(TimeoutError, OperationalError, InterfaceError),
    InternalError,  # a read-only server
    sqlite3.Error,  # without SQLAlchemy
)


class Connections(Protocol):
    """Connections to a database: some for changes, and others for reads."""

    async def change(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work` in a transaction. It is rolled back if `work` fails or the call is cancelled."""
        ...

    async def read(self, query: Executable, values: Mapping[str, object]) -> list[Row[Any]]:
        """Return all rows, in one round trip."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Database:
    """A database for changes and reads.

    Every query can raise StoreUnreachableError, and does until `migrated` is set. Transactions hold `write_lock`. Those
    that are not urgent wait for it one at a time: they hold `turn` meanwhile.
    """

    def __init__(
        self,
        connections: Connections,
        write_lock: AbstractAsyncContextManager[Any],
        turn: AbstractAsyncContextManager[Any],
        file: Path | None = None,
    ) -> None:
        self.file = file
        self._connections = connections
        self._write_lock = write_lock
        self._turn = turn
        self.migrated = asyncio.Event()
        self.errors = 0
        """The number of calls that failed."""
        self.broken: StoreBrokenError | None = None
        """The last error that waiting does not end, until somebody has reported it."""
        self._logged: TTLCache[str, None] = TTLCache(_MOST_KINDS, QUIET, timer=time.monotonic)
        self.is_exclusive = False
        """Whether no other bot uses the database. Commands can, beside the bot."""

    async def fetch_one(self, query: Executable, **values: object) -> Row[Any] | None:
        """Return the first row, if there is any."""
        return next(iter(await self.fetch_all(query, **values)), None)

    async def fetch_all(self, query: Executable, **values: object) -> list[Row[Any]]:
        """Return all rows in one round trip; retry once if the database has closed the connection.

        `values` are those of the query's parameters. A frequent query is a constant: building it costs more than
        executing it.
        """
        self._check_migrated()
        with self._translate_errors():
            async with asyncio.timeout(TIMEOUT):
                try:
                    return await self._connections.read(query, values)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    return await self._connections.read(query, values)

    async def change(self, work: Callable[[Connection], _T], *, within: float = TIMEOUT, is_urgent: bool = False) -> _T:
        """Return the result of `work` in a transaction; an urgent one waits for one other at most.

        `work` runs in another thread or in a greenlet of the event loop, so it awaits nothing. After `within` seconds
        the transaction is rolled back, unless it is just being committed.
        """
        self._check_migrated()
        return await self._change(work, within, nullcontext() if is_urgent else self._turn)

    async def execute(self, statement: Executable, values: Mapping[str, object] | None = None) -> int:
        """Execute a statement in a transaction of its own. Return how many rows it changed."""
        return await self.change(lambda connection: connection.execute(statement, values).rowcount)

    async def migrate(self, work: Callable[[Connection], None], *, within: float) -> None:
        """Migrate the tables in a transaction. Afterwards they can be used."""
        await self._change(work, within, self._turn)
        self.migrated.set()

    async def inspect(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of a look at the tables, also if they are not migrated."""
        return await self._change(work, TIMEOUT, nullcontext())

    async def _change(
        self, work: Callable[[Connection], _T], within: float, turn: AbstractAsyncContextManager[Any]
    ) -> _T:
        with self._translate_errors():
            async with asyncio.timeout(within), turn, self._write_lock:
                return await self._connections.change(work)

    def _check_migrated(self) -> None:
        if not self.migrated.is_set():
            raise StoreUnreachableError("its tables are not migrated yet")

    @property
    def is_moved(self) -> bool:
        """Return whether the SQLite file that is open is no longer at its path."""
        return isinstance(self._connections, SqliteConnections) and self._connections.is_moved

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # the caller handles a violated constraint
        except StoreUnreachableError as error:
            self._report(error, error)
            raise
        except (TimeoutError, SQLAlchemyError, sqlite3.Error) as error:
            kind = StoreUnreachableError if isinstance(error, _PASSING) else StoreBrokenError
            failure = kind(_explain(error))
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

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()


def _explain(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "the database does not answer in time"
    return name_of(error) if isinstance(error, DBAPIError) else _name_of(error)


def name_of(error: DBAPIError) -> str:
    """Return the name of a database's error. Its text can contain values."""
    return _name_of(error.orig)


def _name_of(error: BaseException | None) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def connect(url: Secret) -> Database:
    """Return the database at `url` without connecting to it. Raises StoreNotUsableError."""
    file = file_of(url)
    if file is not None or url == IN_MEMORY:
        write_lock, turn = asyncio.Lock(), asyncio.Lock()  # fair queues: SQLite's own order is random
        connections = SqliteConnections(*memory_url()) if file is None else SqliteConnections(file_url(file), file=file)
        database = Database(connections, write_lock, turn, file)
        database.is_exclusive = file is None
        return database
    from bot.outbound.store.postgresql import PostgresqlConnections  # noqa: PLC0415 - the driver takes 9 MB

    return Database(PostgresqlConnections(url.reveal()), nullcontext(), nullcontext())

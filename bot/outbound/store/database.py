"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Executable, Row, Table
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.secret import Secret
from bot.outbound.store.sqlite import IN_MEMORY, engine, file_of, file_url, identity_of, memory_url, rewrite
from bot.outbound.workspaces import StoreUnreachableError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_log = logging.getLogger(__name__)

_TIMEOUT = 5.0  # seconds for a read or a change
_UNREACHABLE = (
    *(TimeoutError, OperationalError, InterfaceError),
    InternalError,  # a read-only server
    sqlite3.Error,  # without SQLAlchemy
)
_READING: Mapping[str, Any] = {
    "isolation_level": "AUTOCOMMIT",  # otherwise PostgreSQL gets BEGIN and ROLLBACK with each read
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "max_overflow": 0,  # connections that would be closed after one read
}
"""Options of an engine for reads: each is one round trip, and leaves nothing to clean up."""


class _Inserts(dict[str, Callable[[Table], "sqlite.Insert | postgresql.Insert"]]):
    """The functions by the name of a dialect. Only the dialect that is used is loaded."""

    def __missing__(self, dialect: str) -> "Callable[[Table], sqlite.Insert | postgresql.Insert]":
        self[dialect] = import_module(f"sqlalchemy.dialects.{dialect}").insert
        return self[dialect]


INSERT: Mapping[str, Callable[[Table], "sqlite.Insert | postgresql.Insert"]] = _Inserts()
"""INSERT with an ON CONFLICT clause, by the name of a dialect."""


class Database:
    """A pool of connections for changes and one for reads.

    Every query can raise StoreUnreachableError, and does until `migrated` is set. Transactions hold `write_lock`. Those
    that are not urgent wait for it one at a time: they hold `turn` meanwhile.
    `close_last` is called when all connections are closed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - engines, locks and a file
        self,
        engine: AsyncEngine,
        reading: AsyncEngine,
        write_lock: AbstractAsyncContextManager[Any],
        turn: AbstractAsyncContextManager[Any],
        file: Path | None = None,
        close_last: Callable[[], None] = lambda: None,
    ) -> None:
        self.file = file
        self._engine = engine
        self._write_lock = write_lock
        self._turn = turn
        self._close_last = close_last
        self._reading = reading
        self._identity = identity_of(file) if file else None
        self.migrated = asyncio.Event()
        self.generation = 0
        """The number of times that another file has taken the place of the database."""
        self.errors = 0
        """The number of calls that failed."""
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
            async with asyncio.timeout(_TIMEOUT):
                try:
                    return await self._read(query, values)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    return await self._read(query, values)

    async def _read(self, query: Executable, values: Mapping[str, object]) -> list[Row[Any]]:
        connection = await self._reading.connect()
        try:
            return list((await connection.execute(query, values)).all())
        finally:
            await connection.close()  # `async with` would start a task for it

    @asynccontextmanager
    async def transaction(self, *, within: float = _TIMEOUT, is_urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; an urgent one waits for one other at most."""
        self._check_migrated()
        if self.is_moved:
            raise StoreUnreachableError("its file was deleted or replaced")
        async with self._begin(within, nullcontext() if is_urgent else self._turn) as connection:
            yield connection

    @asynccontextmanager
    async def migration(self, *, within: float) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that migrates the tables. Afterwards they can be used."""
        async with self._begin(within, self._turn) as connection:
            yield connection
        self.migrated.set()

    @asynccontextmanager
    async def inspection(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that looks at the tables, also if they are not migrated."""
        async with self._begin(_TIMEOUT, nullcontext()) as connection:
            yield connection

    @asynccontextmanager
    async def _begin(self, within: float, turn: AbstractAsyncContextManager[Any]) -> AsyncIterator[AsyncConnection]:
        with self._translate_errors():
            async with asyncio.timeout(within), turn, self._write_lock, self._engine.begin() as connection:
                yield connection

    def _check_migrated(self) -> None:
        if not self.migrated.is_set():
            raise StoreUnreachableError("its tables are not migrated yet")

    @property
    def is_moved(self) -> bool:
        """Return whether the SQLite file that is open is no longer at its path."""
        return self.file is not None and identity_of(self.file) != self._identity

    async def reopen(self) -> None:
        """Open the file that is now at the path, to be migrated. Write a deleted one again.

        Raises StoreNotUsableError.
        """
        assert self.file is not None  # noqa: S101 - no other database moves
        async with self._write_lock:
            if identity_of(self.file) is None:
                with self._translate_errors():
                    async with self._engine.connect() as connection:
                        await rewrite(connection, self.file)
            await self._engine.dispose()
            await self._reading.dispose()
            self._identity = identity_of(self.file)
            self.generation += 1
            self.migrated.clear()
        _log.warning("database file was deleted or replaced; opened again", extra={"file": str(self.file)})

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except _UNREACHABLE as error:
            self.errors += 1
            raise StoreUnreachableError(_explain(error)) from None

    def free_bytes(self) -> int | None:
        """Return the free space on the disk of a SQLite file; None for another database."""
        try:
            return None if self.file is None else shutil.disk_usage(self.file.parent).free
        except OSError:  # the directory is gone
            return None

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        await self._reading.dispose()
        self._close_last()


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
        sqlite_url, keeper = memory_url() if file is None else (file_url(file), None)
        write_lock, turn = asyncio.Lock(), asyncio.Lock()  # fair queues: SQLite's own order is random
        close_last = keeper.close if keeper else lambda: None
        database = Database(engine(sqlite_url), engine(sqlite_url, **_READING), write_lock, turn, file, close_last)
        database.is_exclusive = file is None
        return database
    from bot.outbound.store.postgresql import postgresql_engine  # noqa: PLC0415 - the driver takes 9 MB

    text = url.reveal()
    return Database(postgresql_engine(text), postgresql_engine(text, **_READING), nullcontext(), nullcontext())

"""Access SQLite or PostgreSQL: reads in one round trip, changes in one transaction, both with a timeout.

Writers of a SQLite file queue (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html); readers do not wait
(https://www.sqlite.org/wal.html). Only the owner can read the file; SQLite gives its mode to the WAL files.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import URL, Connection, Row, Select, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.secret import Secret
from bot.outbound.workspaces import StoreNotUsableError, StoreUnreachableError

_SQLITE = "sqlite:///"

_TIMEOUT = 5.0  # seconds for a read or a change
_POOL_RECYCLE = 1800  # seconds; firewalls and proxies drop older connections
_BUSY_TIMEOUT_MS = 4_000
_POLL_INTERVAL = 0.02
_READING: Mapping[str, Any] = {
    "isolation_level": "AUTOCOMMIT",  # otherwise PostgreSQL gets BEGIN and ROLLBACK with each read
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "max_overflow": 0,  # connections that would be closed after one read
}
"""Options of an engine for reads: each is one round trip, and leaves nothing to clean up."""

_OWNER_ONLY = 0o600
_BAD_URL = "DATABASE_URL is invalid: use postgresql://user:password@host:5432/name or sqlite:///anchor-bot.db."

INSERT: Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""INSERT with an ON CONFLICT clause, by the name of a dialect."""


class Database:
    """A pool of connections for changes and one for reads; every query can raise StoreUnreachableError.

    Transactions hold `write_lock`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        reading: AsyncEngine,
        write_lock: AbstractAsyncContextManager[Any],
        file: Path | None = None,
    ) -> None:
        self._file = file
        self._engine = engine
        self._reading = reading
        self._write_lock = write_lock

    async def fetch_one(self, query: Select[Any], **values: object) -> Row[Any] | None:
        """Return the first row, if there is any."""
        return next(iter(await self.fetch_all(query, **values)), None)

    async def fetch_all(self, query: Select[Any], **values: object) -> list[Row[Any]]:
        """Return all rows in one round trip; retry once if the database has closed the connection.

        `values` are those of the query's parameters. A frequent query is a constant: building it costs more than
        executing it.
        """
        with _translate_errors():
            async with asyncio.timeout(_TIMEOUT):
                try:
                    return await self._read(query, values)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    return await self._read(query, values)

    async def _read(self, query: Select[Any], values: Mapping[str, object]) -> list[Row[Any]]:
        connection = await self._reading.connect()
        try:
            return list((await connection.execute(query, values)).all())
        finally:
            await connection.close()  # `async with` would start a task for it

    @asynccontextmanager
    async def transaction(self, *, within: float = _TIMEOUT) -> AsyncIterator[AsyncConnection]:
        """Open a transaction."""
        with _translate_errors():
            async with asyncio.timeout(within), self._write_lock, self._engine.begin() as connection:
                yield connection

    def free_bytes(self) -> int | None:
        """Return the free space on the disk of a SQLite file; None for another database."""
        return None if self._file is None else shutil.disk_usage(self._file.parent).free

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        await self._reading.dispose()


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise StoreUnreachableError("the database does not answer in time") from None
    except (OperationalError, InterfaceError, InternalError) as error:  # InternalError: a read-only server
        raise StoreUnreachableError(type(error.orig).__name__) from None  # the text can contain values


def connect(url: Secret) -> Database:
    """Return the database at `url` without connecting to it. Raises StoreNotUsableError."""
    file = file_of(url)
    if file is None:
        text = url.reveal()
        return Database(_postgresql(text), _postgresql(text, **_READING), nullcontext())
    write_lock = asyncio.Lock()  # a fair queue: SQLite's own order is random
    return Database(_sqlite(file), _sqlite(file, **_READING), write_lock, file)


def file_of(url: Secret) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_SQLITE)) if text.startswith(_SQLITE) else None


def _sqlite(path: Path, **options: Any) -> AsyncEngine:  # noqa: ANN401 - those of SQLAlchemy
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
        path.chmod(_OWNER_ONLY)
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: cannot write the file {path} ({error.strerror}).") from None
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True, **options)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    if "isolation_level" not in options:
        event.listen(engine.sync_engine, "begin", _begin_immediately)
    return engine


def _prepare_sqlite(connection: AsyncAdapt_aiosqlite_connection, _: object) -> None:
    connection.isolation_level = None  # no implicit transactions
    connection.run_async(_use_wal)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")  # for ON DELETE CASCADE
    cursor.execute("PRAGMA secure_delete = ON")  # overwrites deleted secrets
    cursor.close()


async def _use_wal(connection: aiosqlite.Connection) -> None:
    """Turn WAL on, with retries: busy_timeout does not apply to this lock."""
    async with asyncio.timeout(_BUSY_TIMEOUT_MS / 1000):
        while True:
            try:
                async with connection.execute("PRAGMA journal_mode = WAL"):
                    return
            except sqlite3.OperationalError:
                await asyncio.sleep(_POLL_INTERVAL)


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(text: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - those of SQLAlchemy
    """Open an engine on https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING."""
    try:
        given = conninfo_to_dict(text)
    except psycopg.Error:
        raise StoreNotUsableError(_BAD_URL) from None
    defaults = {"connect_timeout": "5", "application_name": "anchor-bot"}
    conninfo = make_conninfo(text, **{name: value for name, value in defaults.items() if name not in given})
    open_one = partial(psycopg.AsyncConnection.connect, conninfo, prepare_threshold=None)  # for poolers
    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=open_one,
        hide_parameters=True,
        pool_recycle=_POOL_RECYCLE,
        use_native_hstore=False,
        **options,
    )

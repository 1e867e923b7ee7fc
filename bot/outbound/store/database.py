"""One way to speak to SQLite and to PostgreSQL: reads of one round trip, changes in one transaction, each with an end.

Writers of a SQLite file queue up (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html), readers pass them
(https://www.sqlite.org/wal.html). Nobody but its owner may read the file or those that SQLite puts beside it, which get
the mode of the database itself.
"""

import asyncio
import os
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
from bot.outbound.store.errors import StoreNotUsableError, StoreUnreachableError

_SQLITE = "sqlite:///"

_ANSWERS_WITHIN = 5.0  # seconds for a read or a change
_LONGEST_LIFE = 1800  # seconds; what lies between us and the database forgets connections that are older
_BUSY = 4_000  # milliseconds that SQLite waits for another writer
_LOOK_EVERY = 0.02  # seconds, for what SQLite does not wait for
_AUTOCOMMIT = "AUTOCOMMIT"
_OWNER_ONLY = 0o600
_BAD_URL = (
    "DATABASE_URL can't be read: write it like postgresql://user:password@host:5432/name or sqlite:///anchor-bot.db."
)


INSERT: Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""By the name of a dialect: an INSERT that may say what to do about a row that is there."""


class Database:
    """A pool of connections. What it runs raises StoreUnreachableError where the database does not answer.

    `turn` is held while something is changed.
    """

    def __init__(self, engine: AsyncEngine, turn: AbstractAsyncContextManager[Any]) -> None:
        self._engine = engine
        self._turn = turn
        self._reading = engine.execution_options(isolation_level=_AUTOCOMMIT)

    async def one(self, query: Select[Any]) -> Row[Any] | None:
        """The first row, if there is any."""
        return next(iter(await self.every(query)), None)

    async def every(self, query: Select[Any]) -> list[Row[Any]]:
        """All rows, in one round trip, but for the first time after the database has closed what we held."""
        with _unreachable():
            async with asyncio.timeout(_ANSWERS_WITHIN):
                try:
                    return await self._read(query)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    return await self._read(query)

    async def _read(self, query: Select[Any]) -> list[Row[Any]]:
        async with self._reading.connect() as connection:
            return list((await connection.execute(query)).all())

    @asynccontextmanager
    async def changing(self, *, within: float = _ANSWERS_WITHIN) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of it happens, or nothing."""
        with _unreachable():
            async with asyncio.timeout(within), self._turn, self._engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


@contextmanager
def _unreachable() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise StoreUnreachableError("the database does not answer in time") from None
    except (
        OperationalError,
        InterfaceError,
        InternalError,
    ) as error:  # the last: psycopg's of a server that only reads
        raise StoreUnreachableError(type(error.orig).__name__) from None  # the text may have values in it


def connect(url: Secret) -> Database:
    """The database at `url`, as people write it. Nothing is asked of it yet. Raises StoreNotUsableError."""
    file = file_of(url)
    if file is not None:
        turn = asyncio.Lock()  # SQLite lets one of our own in at random, and some wait for too long
        return Database(_sqlite(file), turn)
    return Database(_postgresql(url.reveal()), nullcontext())


def file_of(url: Secret) -> Path | None:
    """The file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_SQLITE)) if text.startswith(_SQLITE) else None


def _sqlite(path: Path) -> AsyncEngine:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
        path.chmod(_OWNER_ONLY)
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: the file {path} can't be written ({error.strerror}).") from None
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediately)
    return engine


def _prepare_sqlite(connection: AsyncAdapt_aiosqlite_connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    connection.run_async(_use_wal)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY}")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")  # what belongs to a row goes with it
    cursor.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten, not only forgotten
    cursor.close()


async def _use_wal(connection: aiosqlite.Connection) -> None:
    """Turn WAL on, as soon as nobody else is at a new file: for that lock SQLite does not wait by itself."""
    async with asyncio.timeout(_BUSY / 1000):
        while True:
            try:
                async with connection.execute("PRAGMA journal_mode = WAL"):
                    return
            except sqlite3.OperationalError:
                await asyncio.sleep(_LOOK_EVERY)


def _begin_immediately(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != _AUTOCOMMIT:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(text: str) -> AsyncEngine:
    """https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING: libpq reads the URL itself."""
    try:
        asked = conninfo_to_dict(text)
    except psycopg.Error:
        raise StoreNotUsableError(_BAD_URL) from None
    defaults = {"connect_timeout": "5", "application_name": "anchor-bot"}
    conninfo = make_conninfo(text, **{name: value for name, value in defaults.items() if name not in asked})
    open_one = partial(psycopg.AsyncConnection.connect, conninfo, prepare_threshold=None)  # for poolers
    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=open_one,
        hide_parameters=True,
        pool_recycle=_LONGEST_LIFE,
        use_native_hstore=False,
    )

"""Connections to a database of SQLite, in threads.

Writers of a file queue (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html); readers do not wait
(https://www.sqlite.org/wal.html).
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import URL, Connection, Engine, Executable, Row, create_engine, event

from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.reading import READING
from bot.outbound.store.sqlite import identity_of

_T = TypeVar("_T")
MOVED = "its file was deleted or replaced"
_BUSY_TIMEOUT_MS = 4_000
_POLL_INTERVAL = 0.02
_READERS = 4  # threads
_CLOSE_TIMEOUT = 1.0  # seconds; a disk can hang


class SqliteConnections:
    """Connections to a database, in threads: one for changes, which can wait for the disk, and some for reads.

    A whole transaction is one call of its thread. `keeper` is closed last.
    """

    def __init__(self, url: URL, keeper: sqlite3.Connection | None = None, file: Path | None = None) -> None:
        self._keeper = keeper
        self._file, self._identity = file, identity_of(file) if file else None
        self._engine, self._reading = _engine(url), _engine(url, **READING, pool_size=_READERS)
        for engine in (self._engine, self._reading):
            event.listen(engine, "connect", self._check_place)  # none reads another file
        self._writer = ThreadPoolExecutor(1, "sqlite-changes")
        self._readers = ThreadPoolExecutor(_READERS, "sqlite-reads")

    async def change(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work` in a transaction. The next one waits for its end, also after a cancellation."""

        def work_in_place(connection: Connection) -> _T:
            result = work(connection)
            self._check_place()
            return result

        transaction = _Transaction(self._engine, work_in_place)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, transaction.run)
        except asyncio.CancelledError:
            transaction.is_cancelled = True
            raise

    async def read(self, query: Executable, values: Mapping[str, object]) -> list[Row[Any]]:
        """Return all rows."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query, values)

    def _read(self, query: Executable, values: Mapping[str, object]) -> list[Row[Any]]:
        with self._reading.connect() as connection:
            return list(connection.execute(query, values).all())

    @property
    def is_moved(self) -> bool:
        """Return whether the file that is open is no longer at its path."""
        return self._file is not None and identity_of(self._file) != self._identity

    def _check_place(self, *_: object) -> None:
        if self.is_moved:
            raise StoreUnreachableError(MOVED)

    def _dispose(self) -> None:
        self._engine.dispose()
        self._reading.dispose()

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on."""
        closing = asyncio.get_running_loop().run_in_executor(self._writer, self._dispose)
        await asyncio.wait({closing}, timeout=_CLOSE_TIMEOUT)
        self._writer.shutdown(wait=False)  # it still closes the connections
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._keeper is not None:
            self._keeper.close()


class _Transaction(Generic[_T]):
    """A transaction in a thread."""

    def __init__(self, engine: Engine, work: Callable[[Connection], _T]) -> None:
        self._engine = engine
        self._work = work
        self.is_cancelled = False

    def run(self) -> _T:
        """Run the transaction, and commit it unless it was cancelled meanwhile."""
        with self._engine.connect() as connection:
            result = self._work(connection)
            if not self.is_cancelled:
                connection.commit()
            return result


def _engine(url: URL, **reading: Any) -> Engine:  # noqa: ANN401 - those of SQLAlchemy
    """Open an engine for changes, or one for reads if it has options for `reading`."""
    opened = create_engine(url, hide_parameters=True, **reading)
    event.listen(opened, "connect", _prepare)
    if not reading:
        event.listen(opened, "begin", _begin_immediately)
    return opened


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # no implicit transactions
    _use_wal(connection)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")  # for ON DELETE CASCADE
    connection.execute("PRAGMA secure_delete = ON")  # overwrites deleted secrets


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on, with retries: busy_timeout does not apply to this lock. A database in memory has none."""
    ends = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(_POLL_INTERVAL)
        else:
            return


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

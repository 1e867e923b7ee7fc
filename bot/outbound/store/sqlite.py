"""Engines for SQLite: a file, or a database in memory.

Writers of a file queue (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html); readers do not wait
(https://www.sqlite.org/wal.html). Only the owner can read the file; SQLite gives its mode to the WAL files.
"""

import asyncio
import os
import secrets
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.secret import Secret
from bot.outbound.workspaces import StoreNotUsableError

OWNER_ONLY = 0o600

IN_MEMORY = Secret("sqlite://")
"""The URL of a database in memory: a new one for each engine."""

_FILE_URL = "sqlite:///"
_BUSY_TIMEOUT_MS = 4_000
_POLL_INTERVAL = 0.02


def file_of(url: Secret) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_FILE_URL)) if text.startswith(_FILE_URL) else None


def file_url(path: Path) -> URL:
    """Return the URL of a file for `engine`, and make the file if there is none. Raises StoreNotUsableError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        path.chmod(OWNER_ONLY)
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: cannot write the file {path} ({error.strerror}).") from None
    # mode=rw: a connection makes no new file in the place of a deleted one. https://www.sqlite.org/uri.html
    return URL.create("sqlite+aiosqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from others that were at its path, or None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


async def rewrite(connection: AsyncConnection, path: Path) -> None:
    """Write a file that was deleted again: it is still readable by a connection that was open.

    Raises StoreNotUsableError, or sqlite3.Error.
    """
    new = _new_file(path)
    opened: Any = (await connection.get_raw_connection()).driver_connection
    async with opened.execute("VACUUM INTO ?", (str(new),)):
        pass
    _put(new, path)


def _new_file(path: Path) -> Path:
    new = Path(f"{path}-new")
    new.unlink(missing_ok=True)
    file_url(new)
    return new


def _put(new: Path, path: Path) -> None:
    for rest in ("-wal", "-shm"):  # of the deleted file
        Path(f"{path}{rest}").unlink(missing_ok=True)
    new.rename(path)


def memory_url() -> tuple[URL, sqlite3.Connection]:
    """Return the URL of a new database in memory for `engine`, and the connection that keeps it until it is closed.

    https://www.sqlite.org/inmemorydb.html and https://www.sqlite.org/src/file/src/memdb.c: connections share a database
    of the VFS `memdb`, and wait for each other like those of a file.
    """
    name = f"file:/{secrets.token_hex()}"
    keeper = sqlite3.connect(f"{name}?vfs=memdb", uri=True, check_same_thread=False)
    return URL.create("sqlite+aiosqlite", database=name, query={"vfs": "memdb", "uri": "true"}), keeper


def engine(url: URL, **reading: Any) -> AsyncEngine:  # noqa: ANN401 - those of SQLAlchemy
    """Open an engine for changes, or one for reads if it has options for `reading`."""
    opened = create_async_engine(url, hide_parameters=True, **reading)
    event.listen(opened.sync_engine, "connect", _prepare)
    if not reading:
        event.listen(opened.sync_engine, "begin", _begin_immediately)
    return opened


def _prepare(connection: AsyncAdapt_aiosqlite_connection, _: object) -> None:
    connection.isolation_level = None  # no implicit transactions
    connection.run_async(_use_wal)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")  # for ON DELETE CASCADE
    cursor.execute("PRAGMA secure_delete = ON")  # overwrites deleted secrets
    cursor.close()


async def _use_wal(connection: aiosqlite.Connection) -> None:
    """Turn WAL on, with retries: busy_timeout does not apply to this lock. A database in memory has none."""
    async with asyncio.timeout(_BUSY_TIMEOUT_MS / 1000):
        while True:
            try:
                async with connection.execute("PRAGMA journal_mode = WAL"):
                    return
            except sqlite3.OperationalError:
                await asyncio.sleep(_POLL_INTERVAL)


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

"""Databases of SQLite: a file that one bot at a time uses, or one in memory.

Writers of a file queue (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html); readers do not wait
(https://www.sqlite.org/wal.html). Only the owner can read the file; SQLite gives its mode to the WAL files.
"""

import fcntl
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import lru_cache, partial
from pathlib import Path

from bot.core.fields import Secret
from bot.outbound.store.connections import Driver
from bot.outbound.store.errors import StoreDownError, StoreNotUsableError

OWNER_ONLY = 0o600
IN_MEMORY = Secret("sqlite://")  # the URL of a database in memory: each driver has a new one
_FILE_URL = "sqlite:///"
LOOKS_AGAIN_AFTER = 16.0  # seconds after which what was not found is looked for again, also without a change
_LONGEST_COMMIT = 5.0  # seconds from a write of the log until others read what was committed
BUSY_TIMEOUT = 4.0  # seconds for which a connection waits for another one
_IN_USE = "DATABASE_URL: another bot uses the file {file}. Stop it first, or use another file or PostgreSQL."


def file_of(url: Secret) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_FILE_URL)) if text.startswith(_FILE_URL) else None


def driver(file: Path | None) -> Driver:
    """Return that of a file, which a connection makes if there is none, or of a database in memory."""
    # https://www.sqlite.org/inmemorydb.html and https://www.sqlite.org/src/file/src/memdb.c: connections share a
    # database of the VFS `memdb` until the last one is closed, and wait for each other like those of a file
    name = file or f"file:/{secrets.token_hex()}?vfs=memdb"
    connect = partial(
        sqlite3.connect, name, uri=file is None, isolation_level=None, timeout=BUSY_TIMEOUT, check_same_thread=False
    )

    def last_change() -> object:
        """Return when the write-ahead log was written, which is before the commit: soon after it that says nothing."""
        with suppress(OSError):
            written_at = Path(f"{file}-wal").stat().st_mtime
            if time.time() - written_at > _LONGEST_COMMIT:
                return written_at, time.monotonic() // LOOKS_AGAIN_AFTER
        return object()

    def open_() -> tuple[sqlite3.Connection, Callable[[], None]]:
        if file is not None:
            file.touch(OWNER_ONLY)  # it opens no file that exists: see `lock`
        raw = connect()
        try:
            if file is not None:
                file.chmod(OWNER_ONLY)
            prepare(raw)
        except BaseException:
            raw.close()
            raise
        return raw, lambda: None

    return Driver(
        api=sqlite3,
        open=open_,
        translate=_translate,
        begin="BEGIN IMMEDIATE",
        break_off=sqlite3.Connection.interrupt,
        last_change=object if file is None else last_change,
        close=connect().close if file is None else lambda: None,  # until then the database stays
    )


@lru_cache(500)
def _translate(sql: str) -> str:
    return re.sub(r" FOR (UPDATE|KEY SHARE)( SKIP LOCKED)?", "", sql)  # it has one writer


def prepare(raw: sqlite3.Connection) -> None:
    """Let a new connection keep the promises of the store. Raises sqlite3.OperationalError."""
    raw.create_function("unix_now", 0, time.time)
    raw.text_factory = partial(str, encoding="utf-8", errors="replace")  # one odd text lets no others be unreadable
    # the last one overwrites deleted secrets
    raw.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")


def lock(file: Path) -> ExitStack:
    """Return the lock of a SQLite file, held until it is closed.

    It is on a file of its own: to close any descriptor of the database ends the locks that SQLite has on it.
    https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    Raises StoreDownError if another bot has it, or StoreNotUsableError if the file can't be locked.
    """
    path = Path(f"{file}-lock")
    with ExitStack() as stack:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
            stack.callback(os.close, descriptor)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreDownError(_IN_USE.format(file=file)) from None
        except OSError as error:
            raise StoreNotUsableError(f"DATABASE_URL: cannot lock the file {path} ({error.strerror}).") from None
        return stack.pop_all()

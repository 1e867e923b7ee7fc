"""Databases of SQLite: a file that one bot at a time uses, or one in memory.

Writers of a file queue (`BEGIN IMMEDIATE`, https://www.sqlite.org/lang_transaction.html); readers do not wait
(https://www.sqlite.org/wal.html). Only the owner can read the file; SQLite gives its mode to the WAL files.
"""

import asyncio
import fcntl
import logging
import math
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from bot.core.fields import Secret
from bot.outbound.store.errors import StoreInUseError, StoreNotUsableError

_log = logging.getLogger(__name__)

OWNER_ONLY = 0o600
IN_MEMORY = Secret("sqlite://")
"""The URL of a database in memory: a new one for each `SqliteDriver`."""
_FILE_URL = "sqlite:///"
BUSY_TIMEOUT_MS = 4_000
_POLL_INTERVAL = 0.02  # seconds between two attempts to turn WAL on
_LONGEST_PID = 10  # digits
_LOCK_POLL_INTERVAL = 0.1


def file_of(url: Secret) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_FILE_URL)) if text.startswith(_FILE_URL) else None


def name_of(error: Exception) -> str:
    """Return the name of a database's error. Its text can contain values."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


class SqliteDriver:
    """Connections to a file, or to a database in memory."""

    error: type[Exception] = sqlite3.Error
    violation: type[Exception] = sqlite3.IntegrityError
    passing: tuple[type[Exception], ...] = (sqlite3.OperationalError, sqlite3.InterfaceError, sqlite3.InternalError)
    begin = "BEGIN IMMEDIATE"
    # julianday counts days; SQLite has the more convenient unixepoch('subsec') only since 3.42
    clock = "SELECT (julianday('now') - 2440587.5) * 86400.0 AS now"
    catalog = "SELECT 1 FROM sqlite_master WHERE name = :name"
    savepoint: Sequence[str] = ("SAVEPOINT last_part",)
    longest_use = math.inf

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._is_made = False
        self._keeper: sqlite3.Connection | None = None
        if file is not None:
            # mode=rw: a connection makes no new file in the place of a deleted one. https://www.sqlite.org/uri.html
            self._uri = f"file:{quote(str(file))}?mode=rw"
        else:
            # https://www.sqlite.org/inmemorydb.html and https://www.sqlite.org/src/file/src/memdb.c: connections share
            # a database of the VFS `memdb` until the last one is closed, and wait for each other like those of a file
            self._uri = f"file:/{secrets.token_hex()}?vfs=memdb"
            self._keeper = self._connect()

    def open(self) -> sqlite3.Connection:
        """Connect; the first time make the file if there is none. Raises StoreNotUsableError if that fails."""
        if self._file is not None and not self._is_made:
            _make(self._file)
            self._is_made = True
        raw = self._connect()
        try:
            prepare(raw)
        except BaseException:
            raw.close()
            raise
        return raw

    def translate(self, sql: str) -> str:
        """Return a statement without what SQLite does not need: it has one writer."""
        return _translate(sql)

    def pipeline(self, _: sqlite3.Connection) -> AbstractContextManager[None]:
        """Execute one statement after the other: there is no way between."""
        return nullcontext()

    def is_closed(self, _: sqlite3.Connection) -> bool:
        """Return False: a file closes no connection."""
        return False

    def break_off(self, raw: sqlite3.Connection) -> None:
        """Let the statement that another thread executes fail now."""
        raw.interrupt()

    def close(self) -> None:
        """Release a database in memory."""
        if self._keeper is not None:
            self._keeper.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0)


@lru_cache(500)
def _translate(sql: str) -> str:
    return sql.replace(" FOR UPDATE SKIP LOCKED", "").replace(" FOR UPDATE", "")


def _make(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        file.chmod(OWNER_ONLY)
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: cannot write the file {file} ({error.strerror}).") from None


def prepare(raw: sqlite3.Connection) -> None:
    """Let a new connection keep the promises of the store. Raises sqlite3.OperationalError."""
    _use_wal(raw)
    raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA foreign_keys = ON")  # for ON DELETE CASCADE
    raw.execute("PRAGMA secure_delete = ON")  # overwrites deleted secrets


def _use_wal(raw: sqlite3.Connection) -> None:
    """Turn WAL on, with retries: busy_timeout does not apply to this lock. A database in memory has none."""
    ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(_POLL_INTERVAL)
        else:
            return


@asynccontextmanager
async def lock(file: Path, *, within: float) -> AsyncIterator[None]:
    """Hold the lock of a SQLite file, after at most `within` seconds.

    It is on a file of its own: to close any descriptor of the database ends the locks that SQLite has on it.
    https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    Raises StoreInUseError, or StoreNotUsableError if the file can't be locked.
    """
    path = Path(f"{file}-lock")
    with ExitStack() as stack:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
            stack.callback(os.close, descriptor)
            await _acquire(descriptor, file, within)
        except OSError as error:
            raise StoreNotUsableError(f"DATABASE_URL: cannot lock the file {path} ({error.strerror}).") from None
        with suppress(OSError):  # without space on the disk it has no name
            os.pwrite(descriptor, f"{os.getpid():<{_LONGEST_PID}}".encode(), 0)
        yield


async def _acquire(descriptor: int, file: Path, within: float) -> None:
    ends, is_waiting = time.monotonic() + within, False
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: https://docs.python.org/3/library/fcntl.html
            written = os.pread(descriptor, _LONGEST_PID, 0).strip()
        else:
            return
        holder = f"process {written.decode()}" if written.isdigit() else "an unknown process"
        if time.monotonic() >= ends:
            raise StoreInUseError(
                f"DATABASE_URL: another bot ({holder}) uses the file {file}. Stop it first, or use another file or "
                "PostgreSQL."
            )
        if not is_waiting:
            fields = {"file": str(file), "seconds": within, "holder": holder}
            _log.warning("waiting for another bot to stop", extra=fields)
        is_waiting = True
        await asyncio.sleep(_LOCK_POLL_INTERVAL)

"""Databases of SQLite: a file, or one in memory.

Only the owner can read the file; SQLite gives its mode to the WAL files.
"""

import os
import secrets
import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL

from bot.core.fields import Secret
from bot.outbound.store.errors import StoreNotUsableError

OWNER_ONLY = 0o600

IN_MEMORY = Secret("sqlite://")
"""The URL of a database in memory: a new one for each `memory_url`."""

_FILE_URL = "sqlite:///"


def file_of(url: Secret) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    text = url.reveal()
    return Path(text.removeprefix(_FILE_URL)) if text.startswith(_FILE_URL) else None


def file_url(path: Path) -> URL:
    """Return the URL of a file for an engine, and make the file if there is none. Raises StoreNotUsableError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        path.chmod(OWNER_ONLY)
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: cannot write the file {path} ({error.strerror}).") from None
    # mode=rw: a connection makes no new file in the place of a deleted one. https://www.sqlite.org/uri.html
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from others that were at its path, or None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def memory_url() -> tuple[URL, sqlite3.Connection]:
    """Return the URL of a new database in memory for an engine, and the connection that keeps it until it is closed.

    https://www.sqlite.org/inmemorydb.html and https://www.sqlite.org/src/file/src/memdb.c: connections share a database
    of the VFS `memdb`, and wait for each other like those of a file.
    """
    name = f"file:/{secrets.token_hex()}"
    keeper = sqlite3.connect(f"{name}?vfs=memdb", uri=True, check_same_thread=False)
    return URL.create("sqlite", database=name, query={"vfs": "memdb", "uri": "true"}), keeper

"""The lock of a SQLite file: one bot at a time uses it, and others wait."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bot.outbound.store.errors import StoreInUseError, StoreNotUsableError
from bot.outbound.store.sqlite import OWNER_ONLY

_log = logging.getLogger(__name__)

_POLL_INTERVAL = 0.1


@asynccontextmanager
async def lock(file: Path, *, within: float) -> AsyncIterator[None]:
    """Hold the lock of a SQLite file, after at most `within` seconds.

    It is on a file of its own: to close any descriptor of the database ends the locks that SQLite has on it.
    https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    Raises StoreInUseError, or StoreNotUsableError if the file can't be locked.
    """
    path = Path(f"{file}-lock")
    with _name_problems(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        with _name_problems(path):
            is_locked = await _acquire(descriptor, file, within)
        if not is_locked:
            raise StoreInUseError(
                f"DATABASE_URL: another bot uses the file {file}. Stop it first, or use another file or PostgreSQL."
            )
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _name_problems(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreNotUsableError(f"DATABASE_URL: cannot lock the file {path} ({error.strerror}).") from None


async def _acquire(descriptor: int, file: Path, within: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline, is_waiting = loop.time() + within, False
    while not _try(descriptor):
        if loop.time() >= deadline:
            return False
        if not is_waiting:
            _log.warning("waiting for another bot to stop", extra={"file": str(file), "seconds": within})
        is_waiting = True
        await asyncio.sleep(_POLL_INTERVAL)
    return True


def _try(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: https://docs.python.org/3/library/fcntl.html
        return False
    return True

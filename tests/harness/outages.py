"""Faults of a bot's database, each for the time of a context."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from typing import Any

import psycopg

from bot.core.fields import Secret
from bot.outbound.store.schema import VERSION
from bot.outbound.store.sqlite import file_of
from harness.virtual_time import clock

Outage = Callable[[str], AbstractAsyncContextManager[None]]
"""A fault of the database at a URL."""


async def execute(url: str, *statements: str) -> None:
    await asyncio.to_thread(_execute, url, statements)


def _execute(url: str, statements: Sequence[str]) -> None:
    """Do it in a thread: the bot, which can hold the lock of the file, needs the event loop to go on."""
    with closing(_connect(url)) as connection:
        for statement in statements:
            connection.execute(statement)


def _connect(url: str) -> Any:
    if (file := file_of(Secret(url))) is None:
        return psycopg.connect(url, autocommit=True)
    return sqlite3.connect(file, isolation_level=None, timeout=20, check_same_thread=False)


__all__ = ["VERSION"]

OTHER_VERSION = ("CREATE TABLE schema_version (version TEXT)", "INSERT INTO schema_version VALUES ('9999')")
"""What makes an empty database one of another version of the bot."""


@asynccontextmanager
async def without_table(url: str) -> AsyncIterator[None]:
    await execute(url, "ALTER TABLE orders RENAME TO elsewhere")
    yield
    await execute(url, "ALTER TABLE elsewhere RENAME TO orders")


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Another program is in the middle of a change of the file or of the table."""
    with closing(_connect(url)) as connection:
        await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE" if file_of(Secret(url)) else "BEGIN")
        if file_of(Secret(url)) is None:
            connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        clock.is_locked = True
        try:
            yield
        finally:
            clock.is_locked = False
        connection.execute("ROLLBACK")

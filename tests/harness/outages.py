"""Faults of a bot's database, each for the time of a context."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from bot.core.fields import Secret
from bot.outbound.store.schema import VERSION
from bot.outbound.store.sqlite import file_of
from harness.connect_proxy import forward, serving
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


@dataclass(slots=True)
class Network:
    """The way to a database, which can fail so that nobody notices. Connections to `url` use it."""

    url: str
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    loses_commit_of: bytes = b""
    """Part of a statement: the next commit of one gets no answer, and its connection ends."""

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Forward nothing, also over new connections, which are accepted. A file is locked."""
        if file_of(Secret(self.url)) is not None:
            async with locked(self.url):
                yield
            return
        self.goes_on.clear()
        try:
            yield
        finally:
            self.goes_on.set()


@asynccontextmanager
async def network(url: str) -> AsyncIterator[Network]:
    if file_of(Secret(url)) is not None:
        yield Network(url)
        return
    parts = urlsplit(url)
    (socket,) = Path(parse_qs(parts.query)["host"][0]).glob(".s.PGSQL.*[0-9]")  # noqa: ASYNC240 - once

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_of_it = is_lost = False

        async def passes(data: bytes, is_answer: bool) -> bool:
            nonlocal is_of_it, is_lost
            await way.goes_on.wait()
            if is_answer:
                return not is_lost
            is_of_it |= bool(way.loses_commit_of) and way.loses_commit_of in data
            if is_of_it and way.loses_commit_of and b"COMMIT\0" in data:
                is_lost, way.loses_commit_of = True, b""
            return True

        await forward(reader, writer, asyncio.open_unix_connection(str(socket)), passes)

    async with serving(connect) as port:
        way = Network(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="").geturl())
        way.goes_on.set()
        yield way

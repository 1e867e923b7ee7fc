"""News of other processes: hints to look now. A look finds everything also without them, some seconds later."""

import asyncio
import logging
import os
import secrets
import socket
import time
from typing import Any

from bot.outbound.store.connections import Connection, Driver, Pool
from bot.outbound.store.errors import StoreUnreachableError

_log = logging.getLogger(__name__)

CARDS, LEADER = "cards", "leader"  # topics: messages that are due, and that nobody leads
RETRY_DELAY = 5.0  # seconds until another connection is opened
OPEN_TIMEOUT = 10.0  # seconds
_REPEATED = 0.5  # seconds in which a topic is not told again; a process that hears it looks once more after that


class News:
    """The news within a process, and the events that they set. A look finds what commands write to a SQLite file."""

    def __init__(self) -> None:
        self.cards, self.leader = asyncio.Event(), asyncio.Event()

    def tell(self, connection: Connection, topic: str) -> None:
        """Let other processes look when the transaction is committed."""

    async def run(self) -> None:
        """Listen until cancelled."""

    async def close(self) -> None:
        """Close what is open."""


class Notifications(News):
    """The news of PostgreSQL: NOTIFY and LISTEN, over a connection of its own that is opened again if it ends.

    A pooler in transaction mode lets none through. https://www.postgresql.org/docs/current/sql-notify.html
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._pool = Pool(driver, "postgresql-news", most=1)
        self._driver = driver
        self._sender = secrets.token_hex(8)
        self._told: dict[str, float] = {}
        self._events = {CARDS: self.cards, LEADER: self.leader}

    def tell(self, connection: Connection, topic: str) -> None:
        """Let other processes look when the transaction is committed. Others wait for that commit: so it is rare."""
        now = time.monotonic()
        if now >= self._told.get(topic, 0.0) + _REPEATED:
            self._told[topic] = now
            connection.queue("SELECT pg_notify('anchor_bot', :news)", {"news": f"{topic} {self._sender}"})

    async def run(self) -> None:
        """Listen until cancelled. What was told while nothing was heard is looked for."""
        is_heard = True
        while True:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT):
                    raw = await self._pool.use(_listen)
            except (self._driver.api.Error, StoreUnreachableError, TimeoutError) as error:
                if is_heard:
                    _log.warning("no notifications", extra={"why": type(error).__name__})
                is_heard = False
            else:
                is_heard = True
                for event in self._events.values():
                    event.set()
                await self._hear_all(raw)
            await asyncio.sleep(RETRY_DELAY)

    async def close(self) -> None:
        """Close the connection."""
        await self._pool.close()

    async def _hear_all(self, raw: Any) -> None:  # noqa: ANN401 - a connection of the driver
        """Wait until the connection has ended."""
        loop, lost = asyncio.get_running_loop(), asyncio.Event()

        def receive() -> None:
            try:
                raw.pgconn.consume_input()
                while (told := raw.pgconn.notifies()) is not None:
                    self._hear(told.extra.decode())
            except self._driver.api.Error:
                lost.set()

        with socket.socket(fileno=os.dup(raw.fileno())) as own:  # the driver closes its own when it finds the end
            loop.add_reader(own, receive)
            try:
                await lost.wait()
            finally:
                loop.remove_reader(own)

    def _hear(self, news: str) -> None:
        topic, _, sender = news.partition(" ")
        if sender != self._sender and (event := self._events.get(topic)):
            event.set()
            asyncio.get_running_loop().call_later(_REPEATED, event.set)


def _listen(connection: Connection) -> Any:  # noqa: ANN401 - a connection of the driver
    connection.execute("LISTEN anchor_bot")
    return connection.raw

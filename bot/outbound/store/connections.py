"""Connections to a database, each used by one thread at a time, and the threads that use them.

A call in a thread ends with its caller's patience: then its connection is broken off, whatever the database does.
"""

import asyncio
import json
import threading
import time
from collections import namedtuple
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from bot.outbound.store.errors import StoreUnreachableError

_T = TypeVar("_T")

Row = Any  # a row: each column of its statement is an attribute
READERS = 4  # threads and connections
WRITERS = 3  # threads and connections beside that for orders; SQLite has one for all
_GIVEN_UP = "the call was given up"
_CLOSE_TIMEOUT = 1.0  # seconds; a disk can hang


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The differences between the kinds of databases. A thread calls all but `break_off`, since they can wait."""

    api: Any  # the module of the driver, for its errors: https://peps.python.org/pep-0249/#exceptions
    # returns a connection of the driver, which commits each statement on its own, and what lets all be executed
    open: Callable[[], tuple[Any, Callable[[], None]]]
    opened: Callable[["Connection"], None] = lambda _: None  # prepares a new connection
    translate: Callable[[str], str | bytes]  # returns a statement for SQLite as the driver takes it
    begin: str  # begins a transaction
    clock: str = ""  # asks for the time, and takes `locks` until the end of the transaction; "": ours is its clock
    has_ended: Callable[[Any], bool] = lambda _: False  # returns whether the database has closed an idle connection
    break_off: Callable[[Any], None]  # lets the statement that another thread executes fail now
    close: Callable[[], None] = lambda: None  # closes what is left when all connections are closed
    # lets each notification of a process be heard, until it is cancelled
    listen: Callable[[Callable[[str], None]], Coroutine[Any, Any, None]] | None = None
    # returns the rows of a statement with values, of types that JSON has, without a thread; None: ask otherwise
    look: Callable[[str, Mapping[str, object]], Awaitable[list[Row] | None]] | None = None
    last_change: Callable[[], object] = object  # returns what is equal only if the database has not changed

    @property
    def is_shared(self) -> bool:
        """Return whether several bots can use the database. Then it has a clock of its own."""
        return bool(self.clock)


@lru_cache(500)
def _row_type(*names: str) -> Callable[[Sequence[Any]], Any]:
    return namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined,no-any-return]  # noqa: PYI024 - of columns


@dataclass(slots=True, eq=False, repr=False)
class Statement:
    """A statement that is executed for each of some rows of values, at the latest when its result is read."""

    connection: "Connection"
    cursor: Any = None  # None if there are no rows
    found: list[Row] | None = None

    def fetch_all(self) -> list[Row]:
        """Return all rows."""
        if self.cursor is not None and self.found is None:
            self.take()
            if self.found is None:
                self.connection.flush()
                self.take()
        return self.found or []

    def fetch_one(self) -> Row | None:
        """Return the first row, if there is any."""
        return next(iter(self.fetch_all()), None)

    def take(self) -> None:
        """Take the rows, if they have come: SQLite commits nothing while a statement has rows left."""
        if self.found is None and (columns := self.cursor.description):
            self.found = list(map(_row_type(*[column[0] for column in columns]), self.cursor.fetchall()))


class Connection:
    """A connection, opened when it is first used. SQL is written for SQLite; each driver translates what differs.

    Statements are executed in their order; on PostgreSQL, those that are queued in one round trip, as soon as a result
    is read. After a failure, which no work handles, or once its call is given up, it executes nothing any more.

    A parameter is `:name`. A list is a parameter in JSON: `IN (SELECT value FROM json_each(:names))`. `FOR UPDATE`
    locks rows where others can write.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.raw: Any = None
        self.is_given_up = False
        self._sync: Callable[[], None]
        self._in_use = threading.Lock()
        self._is_flushed = True
        self._clock: Statement | None = None
        self._time: tuple[float, float] | None = None  # the database's, and ours, which is later

    def do(self, work: "Callable[[Connection], _T]") -> _T:
        """Return the result of `work`, in a thread. After a failure it is closed."""
        try:
            if self.raw is not None and self.driver.has_ended(self.raw):
                self.close()
            if self.raw is None:
                self.raw, self._sync = self.driver.open()
                self.driver.opened(self)
            result = work(self)
            self.flush()
        except BaseException:
            self.close()
            raise
        return result

    def give_up(self) -> None:
        """Let the statement that another thread executes fail now, and each later one of this work."""
        self.is_given_up = True
        with self._in_use:
            if self.raw is not None:
                self.driver.break_off(self.raw)

    def close(self) -> None:
        """Close it; an open transaction is rolled back."""
        with self._in_use:  # nobody breaks off what has been closed
            raw, self.raw, self._clock, self._is_flushed = self.raw, None, None, True
        if raw is not None:
            with suppress(self.driver.api.Error):
                raw.close()

    def begin(self, locks: Iterable[int], *, lock_timeout: float) -> None:
        """Begin a transaction with the next statement. It waits so long for each lock, and holds it until its end."""
        self._time = self._clock = None
        self.queue(self.driver.begin, {})
        if self.driver.clock:
            values = {"locks": listed(sorted(set(locks))), "lock_timeout": f"{lock_timeout * 1000:.0f}ms"}
            self._clock = self.queue(self.driver.clock, values)

    def now(self) -> float:
        """Return the database's time in Unix seconds, as the transaction asked it when it had its locks."""
        return self._asked()[0]

    def when(self, monotonic: float) -> float:
        """Return the database's time at a monotonic time of this process, never a later one."""
        theirs, ours = self._asked()
        return theirs - (ours - monotonic)

    def _asked(self) -> tuple[float, float]:
        if self._time is None:
            theirs = time.time() if self._clock is None else float(self._clock.fetch_all()[0].now)
            self._time = theirs, time.monotonic()
        return self._time

    def queue(self, sql: str, *rows: Mapping[str, object]) -> Statement:
        """Execute a statement for each of the rows, at the latest when a result is read."""
        statement = Statement(self)
        if not rows:
            return statement
        self._check()
        cursor, translated = self.raw.cursor(), self.driver.translate(sql)
        try:
            # one alone is quicker
            cursor.execute(translated, rows[0]) if len(rows) == 1 else cursor.executemany(translated, rows)
            statement.cursor, self._is_flushed = cursor, False
            statement.take()
        except BaseException:
            cursor.close()  # one that is kept with an error keeps SQLite's lock
            raise
        return statement

    def flush(self) -> None:
        """Execute what is queued."""
        self._check()
        if not self._is_flushed:
            self._is_flushed = True
            self._sync()

    def _check(self) -> None:
        if self.is_given_up:
            raise StoreUnreachableError(_GIVEN_UP)

    def fetch_all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows."""
        return self.queue(sql, values).fetch_all()

    def fetch_each(self, *statements: str, **values: object) -> Iterator[list[Row]]:
        """Yield all rows of each statement, in one round trip for all. The values are for all of them."""
        for statement in [self.queue(sql, values) for sql in statements]:
            yield statement.fetch_all()

    def execute(self, sql: str, **values: object) -> int:
        """Execute a statement. Return how many rows it changed."""
        statement = self.queue(sql, values)
        self.flush()
        return int(statement.cursor.rowcount)


def listed(values: Iterable[object]) -> str:
    """Return the parameter for a list."""
    return json.dumps(list(values))


def storable(value: str | None) -> str | None:
    """Return a text without NUL and halves of surrogate pairs: one refused text would keep others from being stored."""
    return value and value.replace("\0", "").encode(errors="replace").decode()


class Pool:
    """So many threads and connections, for calls in their order. `working` are those of which a thread does a call."""

    def __init__(self, driver: Driver, name: str, *, most: int) -> None:
        self._threads, self._places = ThreadPoolExecutor(most, name), asyncio.Semaphore(most)
        self._free = [Connection(driver) for _ in range(most)]
        self.working: dict[Connection, asyncio.Future[Any]] = {}
        self._is_closed = False

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`. If the call is cancelled, its connection is broken off and closed."""
        await self._places.acquire()
        if self._is_closed:  # it has waited for its place
            self._places.release()
            raise StoreUnreachableError(_GIVEN_UP)
        connection = self._free.pop()
        done = asyncio.wrap_future(self._threads.submit(connection.do, work))
        self.working[connection] = done
        done.add_done_callback(partial(self._take_back, connection))
        try:
            return await asyncio.shield(done)  # the thread ends later
        except asyncio.CancelledError:
            if not done.done():  # else another call can have the connection
                connection.give_up()
            raise

    def _take_back(self, connection: Connection, done: asyncio.Future[Any]) -> None:
        done.exception()  # perhaps nobody waits for it any more
        del self.working[connection]
        connection.is_given_up = False
        self._free.append(connection)
        self._places.release()

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on."""
        self._is_closed = True
        for connection in self.working:
            connection.give_up()
        if self.working:
            await asyncio.wait(self.working.values(), timeout=_CLOSE_TIMEOUT)
        closed = asyncio.get_running_loop().run_in_executor(self._threads, self._close_free)
        if not self.working:  # else no thread may be free for it
            await asyncio.wait({closed}, timeout=_CLOSE_TIMEOUT)
        self._threads.shutdown(wait=False)

    def _close_free(self) -> None:
        for connection in self._free:
            connection.close()

"""Connections to a database, each used by one thread at a time, and the threads that use them.

A call in a thread ends with its caller's patience: then its connection is broken off, whatever the database does.
"""

import asyncio
import json
import math
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from bot.outbound.store.errors import StoreUnreachableError

_T = TypeVar("_T")

Row = Any  # a row: each column of its statement is an attribute
_GIVEN_UP = "the call was given up"
_HAS_FAILED = "an earlier statement of the transaction has failed"
_CLOSE_TIMEOUT = 1.0  # seconds; a disk can hang


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The differences between the kinds of databases. A thread calls all but `break_off`, since they can wait."""

    open: Callable[[], Any]  # returns a connection of the driver, which commits each statement on its own
    error: type[Exception]  # the class of its errors; `passing` are those that can pass
    passing: tuple[type[Exception], ...]
    refusing: tuple[type[Exception], ...]  # those about a value
    translate: Callable[[str], str | bytes]  # returns a statement for SQLite as the driver takes it
    begin: str  # begins a transaction
    clock: str = ""  # asks for the time, and takes `locks` until the end of the transaction; "": ours is its clock
    break_off: Callable[[Any], None]  # lets the statement that another thread executes fail now
    pipeline: Callable[[Any], AbstractContextManager[object]] = nullcontext  # ends when all is executed, or one fails
    has_ended: Callable[[Any], bool] = lambda _: False  # returns whether the database has closed an idle connection
    longest_use: float = math.inf  # seconds after which a connection is replaced
    close: Callable[[], None] = lambda: None  # closes what is left when all connections are closed


@lru_cache(500)
def _row_type(*names: str) -> Callable[[Sequence[Any]], Any]:
    return namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined,no-any-return]  # noqa: PYI024 - of columns


@dataclass(slots=True, eq=False)
class Statement:
    """A statement for each of some rows of values. It is executed when it, or a later one, is read."""

    connection: "Connection"
    sql: str | bytes
    rows: Sequence[Mapping[str, object]]
    cursor: Any = None
    found: list[Row] | None = None

    def fetch_all(self) -> list[Row]:
        """Return all rows."""
        if self.rows and self.found is None:
            self.connection.flush()
        return self.found or []

    def count(self) -> int:
        """Return how many rows it changed."""
        self.connection.flush()
        return int(self.cursor.rowcount) if self.rows else 0

    def start(self) -> None:
        """Execute it; in a pipeline its result comes later."""
        self.cursor = self.connection.raw.cursor()
        is_one = len(self.rows) == 1  # which is quicker alone
        try:
            self.cursor.execute(self.sql, self.rows[0]) if is_one else self.cursor.executemany(self.sql, self.rows)
            self.take()
        except BaseException:
            self.cursor.close()  # one that is kept with an error keeps SQLite's lock
            raise

    def take(self) -> None:
        """Take the rows, if they have come."""
        if self.found is None and (columns := self.cursor.description):
            self.found = list(map(_row_type(*[column[0] for column in columns]), self.cursor.fetchall()))


class Connection:
    """A connection, opened when it is first used. SQL is written for SQLite; each driver translates what differs.

    What is queued is executed in one round trip, in its order, as soon as a result is read; nothing is after a failure,
    or once the call is given up.

    A parameter is `:name`. A list is a parameter in JSON: `IN (SELECT value FROM json_each(:names))`. `FOR UPDATE`
    locks rows where others can write.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.raw: Any = None
        self.is_given_up = self._has_failed = False
        self._opened_at = 0.0
        self._in_use = threading.Lock()
        self._queued: list[Statement] = []
        self._clock: Statement | None = None
        self._time: tuple[float, float] | None = None  # the database's, and ours, which is later

    def do(self, work: "Callable[[Connection], _T]") -> _T:
        """Return the result of `work`, in a thread. After a failure it is closed."""
        try:
            self.open()
            result = work(self)
            self.flush()
        except BaseException:
            self.close()
            raise
        return result

    def open(self) -> None:
        """Connect, also again if the connection has ended or is old."""
        is_old = self._opened_at < time.monotonic() - self.driver.longest_use
        if self.raw is not None and (is_old or self.driver.has_ended(self.raw)):
            self.close()
        if self.raw is None:
            self.raw, self._opened_at, self._has_failed = self.driver.open(), time.monotonic(), False

    def give_up(self) -> None:
        """Let the statement that another thread executes fail now, and each later one of this work."""
        self.is_given_up = True
        with self._in_use:
            if self.raw is not None:
                self.driver.break_off(self.raw)

    def close(self) -> None:
        """Close it; an open transaction is rolled back."""
        with self._in_use:  # nobody breaks off what has been closed
            raw, self.raw, self._queued, self._clock = self.raw, None, [], None  # a cursor would keep SQLite's open
        if raw is not None:
            with suppress(self.driver.error):
                raw.close()

    def begin(self, locks: Iterable[int] = (), *, lock_timeout: float = 4.0) -> None:
        """Begin a transaction with the next statement. It waits so long for each lock, and holds it until its end."""
        self._time = None
        self.queue(self.driver.begin, {})
        self._clock = None
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
            self.flush()
            theirs = time.time() if self._clock is None else float(self._clock.fetch_all()[0].now)
            self._time = theirs, time.monotonic()
        return self._time

    def queue(self, sql: str, *rows: Mapping[str, object]) -> Statement:
        """Let a statement be executed for each of the rows, with the next one that is read."""
        statement = Statement(self, self.driver.translate(sql), rows)
        if rows:
            self._queued.append(statement)
        return statement

    def flush(self) -> None:
        """Execute what is queued."""
        if self.is_given_up or self._has_failed:
            raise StoreUnreachableError(_GIVEN_UP if self.is_given_up else _HAS_FAILED)
        if not self._queued:
            return
        queued, self._queued, self._has_failed = self._queued, [], True
        with self.driver.pipeline(self.raw) if len(queued) > 1 else nullcontext():
            for statement in queued:
                statement.start()
        for statement in queued:
            statement.take()
        self._has_failed = False

    def fetch_all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows."""
        return self.queue(sql, values).fetch_all()

    def fetch_each(self, *statements: str, **values: object) -> Iterator[list[Row]]:
        """Yield all rows of each statement, in one round trip for all. The values are for all of them."""
        for statement in [self.queue(sql, values) for sql in statements]:
            yield statement.fetch_all()

    def fetch_one(self, sql: str, **values: object) -> Row | None:
        """Return the first row, if there is any."""
        return next(iter(self.fetch_all(sql, **values)), None)

    def execute(self, sql: str, **values: object) -> int:
        """Execute a statement. Return how many rows it changed."""
        return self.queue(sql, values).count()


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
        if self._is_closed:
            self._places.release()
            raise StoreUnreachableError(_GIVEN_UP)
        connection = self._free.pop()
        done = asyncio.wrap_future(self._threads.submit(connection.do, work))
        self.working[connection] = done
        done.add_done_callback(partial(self._take_back, connection))
        try:
            return await asyncio.shield(done)  # the thread ends later
        except asyncio.CancelledError:
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

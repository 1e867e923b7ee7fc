"""Connections to a database, each used by one thread at a time, and the threads that use them.

A call in a thread ends with its caller's patience: then its connection is broken off, whatever the database does.
"""

import asyncio
import json
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

from bot.outbound.store.errors import PartError, StoreUnreachableError

_T = TypeVar("_T")

Row = Any
"""A row: each column of its statement is an attribute."""
_GIVEN_UP = "the call was given up"
_HAS_FAILED = "an earlier statement of the transaction has failed"
_CLOSE_TIMEOUT = 1.0  # seconds; a disk can hang


class Driver(Protocol):
    """A kind of database. A thread calls all but `break_off`, since they can wait."""

    error: type[Exception]
    """The class of its errors. `violation` is that of a violated constraint, `passing` are those that can pass."""
    violation: type[Exception]
    passing: tuple[type[Exception], ...]
    begin: str
    """The statement that begins a transaction. That of the `clock` takes `locks` until its end."""
    clock: str
    catalog: str
    """The statement that finds the table `name`."""
    savepoint: Sequence[str]
    """The statements that begin a part of a transaction, in which a lock is waited for half a second, and `locks`."""
    longest_use: float
    """Seconds after which a connection is replaced."""

    def open(self) -> Any:  # noqa: ANN401 - a connection of the driver
        """Return a connection that commits each statement on its own."""
        ...

    def translate(self, sql: str) -> str | bytes:
        """Return a statement as the driver takes it."""
        ...

    def pipeline(self, raw: Any) -> AbstractContextManager[object]:  # noqa: ANN401
        """Return what sends statements without waiting, if it can, and ends when all are executed or one fails."""
        ...

    def is_closed(self, raw: Any) -> bool:  # noqa: ANN401
        """Return whether the database has closed a connection."""
        ...

    def break_off(self, raw: Any) -> None:  # noqa: ANN401
        """Let the statement that another thread executes fail now."""
        ...

    def close(self) -> None:
        """Close what is left when all connections are closed."""
        ...


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
        self.connection.flush()
        return self.found or []

    def count(self) -> int:
        """Return how many rows it changed."""
        self.connection.flush()
        return int(self.cursor.rowcount) if self.rows else 0

    def start(self, raw: Any) -> None:  # noqa: ANN401
        """Execute it; in a pipeline its result comes later."""
        self.cursor = raw.cursor()
        is_one = len(self.rows) == 1  # which is quicker alone
        try:
            self.cursor.execute(self.sql, self.rows[0]) if is_one else self.cursor.executemany(self.sql, self.rows)
            self.take()
        except BaseException:
            self.cursor.close()  # one that is kept with an error keeps SQLite's lock
            raise

    def take(self) -> None:
        """Take the rows, if they have come."""
        if self.found is None and self.cursor and (columns := self.cursor.description):
            self.found = list(map(_row_type(*[column[0] for column in columns]), self.cursor.fetchall()))


class Connection:
    """A connection. SQL is written for SQLite; each driver translates what differs.

    What is queued is executed in one round trip, in its order, as soon as a result is read; nothing is after a failure.
    `has_answered` says whether anything was executed since it was last set to False.

    A parameter is `:name`. A list is a parameter in JSON: `IN (SELECT value FROM json_each(:names))`. `FOR UPDATE`
    locks rows where others can write.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.raw = driver.open()
        self.opened_at = time.monotonic()
        self.has_answered = False
        self._queued: list[Statement] = []
        self._has_failed = False

    def queue(self, sql: str, *rows: Mapping[str, object]) -> Statement:
        """Let a statement be executed for each of the rows, with the next one that is read."""
        statement = Statement(self, self.driver.translate(sql), rows)
        if rows:
            self._queued.append(statement)
        return statement

    def flush(self) -> None:
        """Execute what is queued."""
        if self._has_failed:
            raise StoreUnreachableError(_HAS_FAILED)
        queued, self._queued = self._queued, []
        self._has_failed = bool(queued)
        try:
            with self.driver.pipeline(self.raw) if len(queued) > 1 else nullcontext():
                for statement in queued:
                    statement.start(self.raw)
        finally:
            for statement in queued:
                statement.take()
        if queued:
            self._has_failed, self.has_answered = False, True

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

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Execute a statement for each of the rows. Return how many rows it changed."""
        return self.queue(sql, *rows).count()

    @contextmanager
    def last_part(self, locks: Sequence[int] = ()) -> Iterator[None]:
        """Undo only this part of the transaction if it fails, and raise PartError. Locks end it soon; it takes some."""
        for sql in self.driver.savepoint:
            self.queue(sql, {"locks": listed(locks)})
        try:
            yield
        except self.driver.error as error:
            self._has_failed = False
            try:
                self.execute("ROLLBACK TO last_part")
            except self.driver.error:  # it has not begun: what was queued before has failed
                raise error from None
            raise PartError from error

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of that name."""
        return bool(self.fetch_all(self.driver.catalog, name=name))

    def break_off(self) -> None:
        """Let the statement that another thread executes fail now."""
        self.driver.break_off(self.raw)

    def close(self) -> None:
        """Close it; an open transaction is rolled back."""
        with suppress(self.driver.error):
            self.raw.close()


def listed(values: Iterable[object]) -> str:
    """Return the parameter for a list."""
    return json.dumps(list(values))


def storable(value: str | None) -> str | None:
    """Return a text without what a database refuses: NUL, and halves of surrogate pairs.

    One refused text would keep all other orders from being stored.
    """
    return value and value.replace("\0", "").encode(errors="replace").decode()


@dataclass(eq=False)
class _Call:
    """A call that a thread does or will do, and the connection that it uses now."""

    run: Callable[[], Any] | None = None
    """What the thread is to do; None if nobody waits any more, so that nothing is kept for that."""
    connection: Connection | None = None
    is_given_up: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, connection: Connection | None) -> None:
        """Use a connection from now on, or none. Raises StoreUnreachableError if nobody waits any more."""
        with self.lock:
            if self.is_given_up:
                raise StoreUnreachableError(_GIVEN_UP)
            self.connection = connection

    def leave(self) -> None:
        """Use the connection no longer."""
        with self.lock:
            self.connection = None

    def begin(self) -> object:
        """Do it, in a thread, and return its result. Raises StoreUnreachableError if nobody waits any more."""
        if (run := self.run) is None:
            raise StoreUnreachableError(_GIVEN_UP)
        return run()

    def give_up(self) -> None:
        """Let it end."""
        with self.lock:
            self.is_given_up, self.run = True, None
            if self.connection is not None:
                self.connection.break_off()


class Pool:
    """At most so many threads and connections, for calls in their order. `working` says how many calls there are."""

    def __init__(self, driver: Driver, name: str, *, most: int) -> None:
        self._driver = driver
        self._threads = ThreadPoolExecutor(most, name)
        self._idle: list[Connection] = []
        self._calls: set[_Call] = set()
        self._is_closed = False

    @property
    def working(self) -> int:
        """The number of calls that wait or run, also of those that run and were given up."""
        return len(self._calls)

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, of which each statement is a transaction."""
        return await self._call(work, is_change=False)

    async def change(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work` in a transaction. It is rolled back if `work` fails or the call is cancelled."""
        return await self._call(work, is_change=True)

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on."""
        self._is_closed = True
        for call in list(self._calls):
            call.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._submit(self._close_idle, _Call())
        self._threads.shutdown(wait=False)

    async def _call(self, work: Callable[[Connection], _T], *, is_change: bool) -> _T:
        if self._is_closed:
            raise StoreUnreachableError(_GIVEN_UP)
        call = _Call()
        try:
            return await self._submit(partial(self._use, work, call, is_change=is_change), call)
        except asyncio.CancelledError:
            call.give_up()
            raise

    def _submit(self, work: Callable[[], _T], call: _Call) -> asyncio.Future[_T]:
        self._calls.add(call)
        call.run = work
        submitted = self._threads.submit(call.begin)
        future: asyncio.Future[Any] = asyncio.wrap_future(submitted)
        submitted.add_done_callback(lambda _: self._calls.discard(call))  # after the event loop was told
        return future

    def _use(self, work: Callable[[Connection], _T], call: _Call, *, is_change: bool) -> _T:
        """Do the work with a connection, in a thread.

        One that the database has closed is replaced, unless it has answered: then `work` cannot begin again.
        """
        while True:
            call.use(None)  # nobody connects in vain
            connection, is_new = self._take()
            try:
                call.use(connection)
                connection.has_answered = False
                if is_change:
                    connection.queue(self._driver.begin, {})
                result = work(connection)
                if is_change:
                    call.use(connection)
                    connection.execute("COMMIT")
            except BaseException:
                is_stale = not (is_new or connection.has_answered) and self._driver.is_closed(connection.raw)
                call.leave()
                connection.close()
                if not is_stale:
                    raise
            else:
                call.leave()
                self._idle.append(connection)
                if self._is_closed:
                    self._close_idle()
                return result

    def _take(self) -> tuple[Connection, bool]:
        """Return a connection, and whether it is new."""
        oldest = time.monotonic() - self._driver.longest_use
        while (connection := self._pop()) is not None:
            if connection.opened_at >= oldest:
                return connection, False
            connection.close()
        return Connection(self._driver), True

    def _close_idle(self) -> None:
        while (connection := self._pop()) is not None:
            connection.close()

    def _pop(self) -> Connection | None:
        with suppress(IndexError):  # other threads pop, too
            return self._idle.pop()
        return None

"""Connections to a database, each used by one thread at a time, and the threads that use them.

A call in a thread ends with its caller's patience: then its connection is broken off, whatever the database does.
"""

import asyncio
import json
import queue
import threading
import time
from collections import deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, Protocol, TypeVar

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

    @property
    def is_moved(self) -> bool:
        """Return whether what is committed now would be lost."""
        ...

    def check(self) -> None:
        """Raise StoreUnreachableError if the database is moved."""
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


class _Call(Generic[_T]):
    """A call of a thread, and the connection that it uses now."""

    def __init__(self, work: Callable[["_Call[_T]"], _T], future: asyncio.Future[_T]) -> None:
        self._work = work
        self._future = future
        self._end: Callable[[], object] = future.cancel
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_abandoned = False

    def use(self, connection: Connection) -> None:
        """Use a connection from now on. Raises StoreUnreachableError if nobody waits any more."""
        with self._lock:
            if self._is_abandoned:
                raise StoreUnreachableError(_GIVEN_UP)
            self._connection = connection

    def leave(self) -> None:
        """Use the connection no longer."""
        with self._lock:
            self._connection = None

    def abandon(self) -> None:
        """Let it end."""
        with self._lock:
            self._is_abandoned = True
            if self._connection is not None:
                self._connection.break_off()

    def run(self) -> None:
        """Do the work, in a thread."""
        try:
            self._end = partial(self._future.set_result, self._work(self))
        except BaseException as error:  # noqa: BLE001 - the caller handles it
            self._end = partial(self._future.set_exception, error)

    def deliver(self) -> None:
        """Tell the caller the result, in the event loop."""
        end, self._end = self._end, self._future.cancel  # else the error's traceback would refer to the error
        if not self._future.done():
            end()


class Pool:
    """At most so many threads and connections, for calls in their order.

    A thread does all calls that wait. Another one helps after `patience` seconds: threads that wake each other for each
    short call cost more than the calls. `working` says how many work.
    """

    def __init__(self, driver: Driver, name: str, *, most: int, patience: float = 0.0) -> None:
        self._driver = driver
        self._name = name
        self._most = most
        self._patience = patience
        self.working = self._threads = 0
        self._loops: queue.SimpleQueue[asyncio.AbstractEventLoop | None] = queue.SimpleQueue()
        self._waiting: deque[_Call[Any]] = deque()
        self._ended: deque[Callable[[], None]] = deque()
        self._running: set[_Call[Any]] = set()
        self._idle: list[Connection] = []
        self._help: asyncio.TimerHandle | None = None
        self._is_closed = self._is_told = False

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, of which each statement is a transaction."""
        return await self._run(partial(self._use, work))

    async def change(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work` in a transaction. It is rolled back if `work` fails or the call is cancelled."""
        return await self._run(partial(self._change, work))

    async def call(self, work: Callable[[], _T]) -> _T:
        """Return the result of `work`, which uses no connection of the pool."""
        return await self._run(lambda _: work())

    async def close(self) -> None:
        """Close every connection; if a thread hangs, when it goes on."""
        self._is_closed = True
        for call in self._running:
            call.abandon()
        loop = asyncio.get_running_loop()
        closed: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Call(self._close_idle, closed))
        self._start(loop)
        await asyncio.wait({closed}, timeout=_CLOSE_TIMEOUT)
        for _ in range(self._threads):
            self._loops.put(None)

    async def _run(self, work: Callable[[_Call[_T]], _T]) -> _T:
        if self._is_closed:
            raise StoreUnreachableError(_GIVEN_UP)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        call = _Call(work, future)
        self._running.add(call)
        self._waiting.append(call)
        if not self.working or not self._patience:
            self._start(loop)
        elif self._help is None:
            self._help = loop.call_later(self._patience, self._assist, loop)
        try:
            return await future
        except asyncio.CancelledError:
            call.abandon()
            with suppress(ValueError, IndexError):  # a thread has it, or takes one just now
                self._waiting.remove(call)
            raise
        finally:
            self._running.discard(call)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let one more thread work. One that hangs does not hold up the end of the process."""
        if self.working == self._most:
            return
        self.working += 1
        if self.working > self._threads:
            self._threads += 1
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        self._loops.put(loop)

    def _assist(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let one more thread work if calls still wait."""
        self._help = None
        if self._waiting:
            self._start(loop)
            self._help = loop.call_later(self._patience, self._assist, loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self.working -= 1
        if self._waiting:
            self._start(loop)
        elif self._help is not None:
            self._help.cancel()
            self._help = None

    def _serve(self) -> None:
        """Work for a loop whenever it says so, in a thread."""
        while (loop := self._loops.get()) is not None:
            self._work(loop)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do the calls that wait. The loop is told of one when the next begins, or of the last one with the end."""
        while True:
            try:
                call = self._waiting.popleft()
            except IndexError:  # none is left
                break
            if self._ended:
                self._tell(loop)
            call.run()
            self._ended.append(call.deliver)
            del call
        if self._is_closed:
            self._close_idle()
        self._ended.append(partial(self._stop, loop))
        self._tell(loop)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_told = False  # before the first is taken: threads look at it after they have added one
        while self._ended:
            self._ended.popleft()()

    def _use(self, work: Callable[[Connection], _T], call: _Call[_T]) -> _T:
        connection, result = self._begin(call, work)
        self._give_back(call, connection)
        return result

    def _change(self, work: Callable[[Connection], _T], call: _Call[_T]) -> _T:
        connection, result = self._begin(call, work, self._driver.begin)
        try:
            self._driver.check()
            call.use(connection)
            connection.execute("COMMIT")
        except BaseException:
            self._drop(call, connection)
            raise
        self._give_back(call, connection)
        return result

    def _begin(self, call: _Call[Any], work: Callable[[Connection], _T], *first: str) -> tuple[Connection, _T]:
        """Return a connection, and the result of `work` after the `first` statements.

        A connection that the database has closed is replaced, unless it has answered: then `work` cannot begin again.
        """
        oldest = time.monotonic() - self._driver.longest_use
        while True:
            try:
                connection, is_new = self._idle.pop(), False
            except IndexError:
                connection, is_new = Connection(self._driver), True
            try:
                if not is_new and connection.opened_at < oldest:
                    connection.close()
                    continue
                call.use(connection)
                connection.has_answered = False
                for sql in first:
                    connection.queue(sql, {})
                return connection, work(connection)
            except BaseException:
                is_stale = not (is_new or connection.has_answered) and self._driver.is_closed(connection.raw)
                self._drop(call, connection)
                if not is_stale:
                    raise

    def _give_back(self, call: _Call[Any], connection: Connection) -> None:
        call.leave()
        self._idle.append(connection)

    def _drop(self, call: _Call[Any], connection: Connection) -> None:
        call.leave()
        connection.close()

    def _close_idle(self, _: object = None) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

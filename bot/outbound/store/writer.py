"""Group commit: what comes while a transaction runs is the next transaction. Orders have a lane, and messages another.

Each work can be done again: the answer to a commit can be lost. While the database fails all of them wait.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from bot.core.fairness import fair_batch
from bot.core.requests import Person
from bot.health import Readiness
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import (
    LockedError,
    StoreBrokenError,
    StoreError,
    StoreUnreachableError,
    ValueRefusedError,
)
from bot.outbound.store.leases import LEADER, Lease
from bot.outbound.store.news import News
from bot.runtime import Tasks, happens, let_others_run

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MOST_WAITING = 60_000
"""The most works that wait: twice the capacity for orders. What comes then is not recorded."""

_TURNS = 4  # of the event loop before a transaction begins, so that a new pause is sent to Anchor first
_RETRY_DELAY = 0.5  # seconds after a failed transaction
_LAZY = 2.0  # seconds for which a work waits for others, if it may
_APART_INTERVAL = 1.0  # seconds between two attempts to do what waits for a lock
_LOCK_TIMEOUT, _ALONE = 0.5, 0.02  # seconds, for a lock: many can be held, and what is done alone is tried again
_MOST_TOGETHER = 500  # works in a transaction: others wait for its end
_MOST_OF_PERSON = 100
_MOST_LOCKS = 200  # in a transaction: each takes room in the server's table
_NOT_WRITTEN = "Orders cannot be recorded ({why}). A restart now would lose those in progress."
_FULL = "too many changes wait for it"

Work = Callable[[Connection], Callable[[], _T]]
"""It queues its statements, and returns a function that reads the result after the commit."""


@dataclass(slots=True, eq=False)
class _Waiting:
    work: Work[Any]
    person: Person
    locks: Sequence[int]
    """The first one is that of its session, if it has any."""
    result: asyncio.Future[Any]

    def waits_for(self, locked: set[int]) -> bool:
        """Return whether its session waits for a lock."""
        return bool(self.locks) and self.locks[0] in locked


@dataclass(eq=False)
class Writer:
    """A writer of a process. Nothing is written before `run` starts. A transaction renews the lease if it is due."""

    database: Database
    lease: Lease | None
    """That of the process, which the writer of orders renews."""
    readiness: Readiness
    is_off: bool = False
    """Whether the database can't be used: then nothing waits for it."""
    _waiting: list[_Waiting] = field(default_factory=list)
    _apart: list[_Waiting] = field(default_factory=list)
    """What waits for a lock that another program or a frozen process holds, or for a table, and what follows for its
    sessions."""

    def __post_init__(self) -> None:
        self._wake = asyncio.Event()
        self._tasks = Tasks()
        self._is_stopping = False
        self._why_apart = ""
        self._latest: asyncio.TimerHandle | None = None  # when lazy works are done

    @property
    def is_full(self) -> bool:
        """Return whether no more works are taken."""
        return len(self._waiting) + len(self._apart) >= MOST_WAITING

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits."""
        return not (self._waiting or self._apart)

    @property
    def is_renewal_due(self) -> bool:
        """Return whether it is time to renew the lease."""
        return self.lease is not None and self.lease.is_renewal_due

    def do(self, work: Work[_T], *, person: Person, locks: Sequence[int], is_lazy: bool = False) -> asyncio.Future[_T]:
        """Do some work for a person in the next transaction, which holds these locks, that of its session first.

        A lazy one can wait for others. If its result is cancelled, it is not begun any more. It raises
        StoreUnreachableError if too much waits, and otherwise only what would fail again.
        """
        result = asyncio.get_running_loop().create_future()
        result.add_done_callback(_retrieve)
        if self.is_full or self.is_off:
            result.set_exception(StoreUnreachableError(_FULL))
            return result
        self._waiting.append(_Waiting(work, person, locks, result))
        if not is_lazy or self._is_stopping:
            self._wake.set()
        elif self._latest is None:
            self._latest = asyncio.get_running_loop().call_later(_LAZY, self._wake.set)
        return result

    async def run(self) -> None:
        """Write, and keep the lease, until `stop`; then write what is left, once."""
        if self.lease is not None:
            self._tasks.start(self._hasten(self.lease))
        while not self._is_stopping:
            await happens(self._wake, within=self.lease.due_in() if self.lease else None)
            await let_others_run(_TURNS)
            self._wake.clear()
            if (self._waiting or self.is_renewal_due) and not await self._write_next():
                await asyncio.sleep(_RETRY_DELAY)
                self._wake.set()
        while self._waiting and await self._write_next():
            pass
        await self._tasks.cancel()
        await self._leave()

    def stop(self) -> None:
        """Let `run` end. A transaction is not cancelled: it would be done again."""
        self._is_stopping = True
        self._wake.set()

    async def _hasten(self, lease: Lease) -> None:
        """Renew the lease before its time whenever it is told to."""
        while await lease.wake.wait():
            lease.wake.clear()
            lease.hasten()
            self._wake.set()

    async def _leave(self) -> None:
        if self.lease is not None and not self.lease.is_alone:
            with suppress(StoreError):  # it ends by itself
                await self.database.change(partial(_leave, self.lease, self.database.news))

    async def _write_next(self) -> bool:
        """Write some works. Return whether the database took them; if not, they wait again."""
        left = self._take()
        try:
            await self._write(left, is_apart=False)
        except Exception as error:  # noqa: BLE001 - the next transaction may work
            self._waiting[:0] = left
            if not isinstance(error, StoreUnreachableError):
                _log.exception("orders not written")
            why = str(error) if isinstance(error, StoreUnreachableError) else type(error).__name__
            self._degrade(why)
            return False
        if left and not self._apart:
            self._tasks.start(self._write_apart())
        self._apart += left
        if self._waiting:
            self._wake.set()
        self._report()
        return True

    def _report(self) -> None:
        if self._apart:
            self._degrade(self._why_apart)
        elif self.lease:
            self.readiness.recover("journal")

    def _degrade(self, why: str) -> None:
        if self.lease:  # that orders are not recorded is worse
            self.readiness.degrade("journal", _NOT_WRITTEN.format(why=why))

    def _take(self) -> list[_Waiting]:
        """Return the next works: of each person the first ones, none of a session that waits for a lock."""
        locked = {one.locks[0] for one in self._apart if one.locks}
        waiting = [one for one in self._waiting if not one.result.done()]
        self._apart += [one for one in waiting if one.waits_for(locked)]
        waiting = [one for one in waiting if not one.waits_for(locked)]
        taken, locks = dict[_Waiting, None](), set[int]()
        people = ((one, one.person) for one in waiting)
        for one in fair_batch(people, most=_MOST_TOGETHER, most_each=_MOST_OF_PERSON):
            locks.update(one.locks)
            if len(locks) > _MOST_LOCKS:
                break
            taken[one] = None
        self._waiting = [one for one in waiting if one not in taken]
        if self._latest is not None:
            self._latest.cancel()
            self._latest = None
        return list(taken)

    async def _write(self, left: list[_Waiting], *, is_apart: bool) -> None:
        """Do some works together, or after a failure each alone. Only those that wait for a lock or a table are left.

        Raises what can pass; what else fails is the result of its work.
        """
        try:
            await self._commit(left, is_apart=is_apart)
            left.clear()
        except Exception as error:
            if _can_pass(error) or not left:
                raise
        locked = set[int]()
        for one in list(left):
            try:
                if self.is_renewal_due and not is_apart:
                    await self._commit([], is_apart=False)
                if not one.waits_for(locked):
                    await self._commit([one], is_apart=is_apart, is_alone=True)
                    left.remove(one)
            except Exception as error:
                if _can_pass(error):
                    raise
                if isinstance(error, StoreUnreachableError) and not isinstance(error, ValueRefusedError):
                    locked.update(one.locks[:1])
                    self._why_apart = str(error)
                    continue
                left.remove(one)
                _fail(one.result, error)

    async def _commit(self, works: Sequence[_Waiting], *, is_apart: bool, is_alone: bool = False) -> None:
        lease = self.lease if self.is_renewal_due and not is_apart else None
        began = time.monotonic()

        def write(connection: Connection) -> Callable[[], list[Any]]:
            reads: list[Callable[[], Any]] = [lease.renew(connection)] if lease else []
            reads += [one.work(connection) for one in works]
            return lambda: [read() for read in reads]

        locks = {lock for one in works for lock in one.locks}
        results = await self.database.change_orders(
            write,
            locks=locks,
            is_apart=is_apart or self.lease is None,
            lock_timeout=_ALONE if is_alone else _LOCK_TIMEOUT,
        )
        if lease:
            led = lease.term
            lease.renewed(began, results.pop(0))
            if lease.term not in {led, None}:
                self.database.news.cards.set()
        for one, result in zip(works, results, strict=True):
            if not one.result.done():
                one.result.set_result(result)

    async def _write_apart(self) -> None:
        """Try what waits for a lock beside the lane, until nothing does."""
        while self._apart:
            await asyncio.sleep(_APART_INTERVAL)
            works = [one for one in self._apart if not one.result.done()][:_MOST_TOGETHER]
            left = list(works)
            with suppress(Exception):  # the next attempt may work
                await self._write(left, is_apart=True)
            done = set(works) - set(left)
            self._apart = [one for one in self._apart if one not in done and not one.result.done()]
            self._report()


def _leave(lease: Lease, news: News, connection: Connection) -> None:
    lease.leave(connection)
    news.tell(connection, LEADER)


def _can_pass(error: Exception) -> bool:
    return isinstance(error, StoreUnreachableError) and not isinstance(error, LockedError | StoreBrokenError)


def _fail(result: asyncio.Future[Any], error: Exception) -> None:
    if not isinstance(error, StoreError):
        _log.error("a change was not written", exc_info=error)
        error = StoreBrokenError(type(error).__name__)
    if not result.done():
        result.set_exception(error)


def _retrieve(result: asyncio.Future[Any]) -> None:
    """Mark an exception as retrieved: nobody waits for some results."""
    if not result.cancelled():
        result.exception()

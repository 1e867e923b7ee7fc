"""Group commit: what comes while a transaction runs is the next transaction. Orders have a lane, and messages another.

Each work can be done again: the answer to a commit can be lost. While the database fails all of them wait.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.core.orders import Person
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
from bot.runtime import Readiness, happens

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MOST_WAITING = 60_000
"""The most works that wait: twice the capacity for orders. What comes then is not recorded."""

_TURNS = 4  # of the event loop before a transaction begins, so that a new pause is sent to Anchor first
_RETRY_DELAY = 0.5  # seconds after a failed transaction
_HELD_FOR, _EARLY = 1.0, 0.05  # seconds until what is held up is tried again, and by which a timer can fire early
_LOCK_TIMEOUT, _ALONE = 0.5, 0.02  # seconds, for a lock: what is done alone is tried again
_MOST_TOGETHER = 500  # works in a transaction: others wait for its end
_MOST_OF_PERSON = 100
_MOST_LOCKS = 200  # in a transaction: each takes room in the server's table
_NOT_WRITTEN = "Orders cannot be recorded ({why}). A restart now would lose those in progress."
_FULL = "too many changes wait for it"

Read = Callable[[], _T]
Steps = Generator[None, None, _T]
Work = Callable[[Connection], Read[_T] | Steps[Read[_T]]]
"""It queues its statements, and returns a function that reads the result after the commit. One that needs answers first
is a generator: it yields before it reads them, so that those for other works come in the same round trip."""


@dataclass(slots=True, eq=False, repr=False)
class _Waiting:
    work: Work[Any]
    person: Person
    locks: Sequence[int]
    result: asyncio.Future[Any]

    @property
    def session(self) -> int:
        """Its session, whose lock is the first one; else itself."""
        return self.locks[0] if self.locks else id(self)


@dataclass(eq=False, repr=False)
class Writer:
    """A writer of a process. Nothing is written before `run` starts. A transaction renews the lease if it is due."""

    database: Database
    lease: Lease | None
    """That of the process, which the writer of orders renews."""
    readiness: Readiness
    most_waiting: int = MOST_WAITING  # 0 if the database can't be used
    waiting: list[_Waiting] = field(default_factory=list)
    """The works, in their order, until they are done."""
    _held: dict[int, float] = field(default_factory=dict)
    """The sessions that another program or a frozen process holds up by a lock, and when they are tried again."""

    def __post_init__(self) -> None:
        self._wake = self.lease.wake if self.lease else asyncio.Event()
        self._is_stopping = False
        self._latest: asyncio.TimerHandle | None = None  # when works that wait for others are done

    @property
    def is_full(self) -> bool:
        """Return whether no more works are taken."""
        return len(self.waiting) >= self.most_waiting

    @property
    def is_renewal_due(self) -> bool:
        """Return whether it is time to renew the lease."""
        return self.lease is not None and self.lease.due_in() == 0.0

    def do(self, work: Work[_T], *, person: Person, locks: Sequence[int], within: float = 0.0) -> asyncio.Future[_T]:
        """Do some work for a person in a transaction, which holds these locks, that of its session first.

        It waits for others for so many seconds. If its result is cancelled, it is not begun any more. It raises
        StoreUnreachableError if too much waits, and otherwise only what would fail again.
        """
        loop = asyncio.get_running_loop()
        result = loop.create_future()
        result.add_done_callback(lambda one: one.cancelled() or one.exception())  # nobody waits for some results
        if self.is_full:
            result.set_exception(StoreUnreachableError(_FULL))
            return result
        self.waiting.append(_Waiting(work, person, locks, result))
        if not within or self._is_stopping:
            self._wake.set()
        elif self._latest is None or self._latest.when() > loop.time() + within:
            self._forget_timer()
            self._latest = loop.call_later(within, self._wake.set)
        return result

    async def run(self) -> None:
        """Write, and keep the lease, until `stop`; then write what is left, once."""
        while not self._is_stopping:
            await happens(self._wake, within=self.lease.due_in() if self.lease else None)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self._wake.clear()
            works = self._take()
            if (works or self.is_renewal_due) and not await self._write(works):
                await asyncio.sleep(_RETRY_DELAY)
                self._wake.set()
        while (works := self._take()) and await self._write(works):
            pass
        if self.lease is not None and not self.lease.is_alone:
            with suppress(StoreError):  # it ends by itself
                await self.database.change(self.lease.leave)
                await self.database.tell(LEADER)

    def stop(self) -> None:
        """Let `run` end. A transaction is not cancelled: it would be done again."""
        self._is_stopping = True
        self._wake.set()

    def _take(self) -> list[_Waiting]:
        """Return the next works: of each person the first ones, none of a session that is held up until later."""
        now = time.monotonic()
        self.waiting = [one for one in self.waiting if not one.result.done()]
        if self._held:
            sessions = {one.session for one in self.waiting}
            self._held = {name: until for name, until in self._held.items() if name in sessions}
        ready = [one for one in self.waiting if self._held.get(one.session, now) <= now]
        taken, locks, of_person = list[_Waiting](), set[int](), Counter[Person]()
        for one in ready:
            of_person[one.person] += 1
            if of_person[one.person] <= _MOST_OF_PERSON:
                locks.update(one.locks)
                if len(taken) == _MOST_TOGETHER or (taken and len(locks) > _MOST_LOCKS):
                    break
                taken.append(one)
        self._forget_timer()
        if len(taken) < len(ready):
            self._wake.set()
        return taken

    def _forget_timer(self) -> None:
        if self._latest is not None:
            self._latest.cancel()
            self._latest = None

    async def _write(self, works: list[_Waiting]) -> bool:
        """Do some works together, or after a failure each alone, as those of sessions that were held up.

        Return whether the database could be used.
        """
        alone = [one for one in works if one.session in self._held]
        new = [one for one in works if one.session not in self._held]
        try:
            if new or not alone:
                try:
                    await self._commit(new)
                except Exception:
                    if not new:
                        raise
                    alone = works
            await self._write_each(alone)
        except Exception as error:  # noqa: BLE001 - the next transaction may work
            if not isinstance(error, StoreUnreachableError):
                _log.exception("orders not written")
            self._degrade(error)
            return False
        if self.lease and not self._held:
            self.readiness.recover("journal")
        return True

    async def _write_each(self, works: list[_Waiting]) -> None:
        """Do each work alone. A session whose lock is not granted, or a table, is held up; what else fails is told so.

        Raises what can pass.
        """
        began = time.monotonic()
        for one in works:
            try:
                if self.is_renewal_due:
                    await self._commit([])
                if self._held.get(one.session, 0.0) <= began:
                    await self._commit([one], is_alone=True)
                    self._held.pop(one.session, None)
            except ValueRefusedError as error:
                _fail(one.result, error)
            except (LockedError, StoreBrokenError) as error:
                self._held[one.session] = time.monotonic() + _HELD_FOR
                asyncio.get_running_loop().call_later(_HELD_FOR + _EARLY, self._wake.set)
                self._degrade(error)
            except StoreUnreachableError:
                raise
            except Exception as error:  # noqa: BLE001 - it would fail again
                _fail(one.result, error)

    def _degrade(self, error: Exception) -> None:
        why = str(error) if isinstance(error, StoreUnreachableError) else type(error).__name__
        if self.lease:  # that orders are not recorded is worse
            self.readiness.degrade("journal", _NOT_WRITTEN.format(why=why))

    async def _commit(self, works: Sequence[_Waiting], *, is_alone: bool = False) -> None:
        lease, began = self.lease if self.is_renewal_due else None, time.monotonic()

        def write(connection: Connection) -> Read[list[Any]]:
            reads: list[Read[Any]] = [lease.renew(connection)] if lease else []
            reads += _do_together(works, connection)
            return lambda: [read() for read in reads]

        results = await self.database.change_orders(
            write,
            locks={lock for one in works for lock in one.locks},
            is_apart=self.lease is None,
            lock_timeout=_ALONE if is_alone else _LOCK_TIMEOUT,
        )
        if lease:
            led = lease.term
            lease.renewed(began, results.pop(0))
            if lease.term not in {led, None}:
                self.database.messages_due.set()
        for one, result in zip(works, results, strict=True):
            if not one.result.done():
                one.result.set_result(result)


def _do_together(works: Sequence[_Waiting], connection: Connection) -> list[Read[Any]]:
    """Begin works in their order, and let all that wait for answers go on together.

    One that shares a lock with one that waits begins when all of these have ended, so that it sees what they wrote.
    """
    reads, waiting, held = dict[_Waiting, Read[Any]](), list[Iterator[None]](), set[int]()

    def steps(one: _Waiting) -> Iterator[None]:
        begun = one.work(connection)
        reads[one] = (yield from begun) if isinstance(begun, Generator) else begun

    def finish() -> None:
        while waiting:
            waiting[:] = [one for one in waiting if next(one, True) is None]
        held.clear()

    for one in works:
        if not held.isdisjoint(one.locks):
            finish()
        if next(begun := steps(one), True) is None:
            waiting.append(begun)
            held.update(one.locks)
    finish()
    return [reads[one] for one in works]


def _fail(result: asyncio.Future[Any], error: Exception) -> None:
    if not isinstance(error, StoreError):
        _log.error("a change was not written", exc_info=error)
        error = StoreBrokenError(type(error).__name__)
    if not result.done():
        result.set_exception(error)

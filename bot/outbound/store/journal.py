"""The journal of orders: what was ordered, how far it got, and whether its person was told.

Changes are collected while a transaction runs, and written together in the next one. If the database fails they stay
in memory, and are written when it is back.
"""

import asyncio
import logging
import time
from functools import partial

from bot.concurrency import happens
from bot.core.fair_batch import fair_batch
from bot.core.outcomes import Outcome
from bot.core.recovery import State, Unfinished
from bot.core.requests import Order, ReplyAddress, Verb
from bot.health import Readiness
from bot.outbound.store.journal_entry import JournalEntry, new_future
from bot.outbound.store.order_rows import LEASE, OrderRows
from bot.outbound.workspaces import StoreUnreachableError

_log = logging.getLogger(__name__)

MOST_OPEN = 60_000
"""The most unfinished orders that are kept in memory: twice the capacity for orders, since results wait, too."""

_MOST_WRITTEN = 500  # changes in a transaction: the acks of other orders wait for its end
_MOST_WRITTEN_EACH = 100  # of one person
_RENEW_INTERVAL = LEASE / 3
_RETRY_DELAY = 0.5  # seconds after a failed transaction
_NOT_WRITTEN = "Orders cannot be recorded ({why}). A restart now would lose those in progress."


_Changes = dict[str, tuple[JournalEntry, asyncio.Future[bool]]]
"""Entries to be written, by id, and the future that ends when they are."""


class Journal:
    """The journal of this process. Nothing is written before `run` starts."""

    def __init__(self, rows: OrderRows, readiness: Readiness) -> None:
        self._rows = rows
        self._readiness = readiness
        self._open: dict[str, JournalEntry] = {}
        self._changed: _Changes = {}
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._renewed_at = time.monotonic()
        self._generation = rows.generation

    @property
    def is_full(self) -> bool:
        """Return whether more orders would not be kept."""
        return len(self._open) >= MOST_OPEN

    def begin(self, order: Order, address: ReplyAddress) -> JournalEntry:
        """Record a new order. A pause counts as sent from now on."""
        entry = JournalEntry(order, address, time.monotonic() - order.age, new_future())
        entry.state = State.SENT if order.verb is Verb.PAUSE else State.WAITING
        if not self.is_full:
            self._open[entry.id] = entry
            self._change(entry)
        return entry

    def sending(self, entry: JournalEntry) -> None:
        """Record that an order is about to be sent; wait for `entry.written` before."""
        entry.state = State.SENT
        self._change(entry)

    def settle(self, entry: JournalEntry, outcome: Outcome) -> None:
        """Record an outcome. One that was known before keeps its time."""
        entry.state, entry.outcome, entry.settled_at = State.ACTED, outcome, entry.settled_at or time.monotonic()
        self._change(entry)

    def told(self, entry: JournalEntry, route: str | None) -> None:
        """Record that the outcome was delivered by a route, or that Slack refused it finally (None)."""
        entry.state, entry.delivered_by, entry.told_at = State.TOLD, route, time.monotonic()
        entry.address = ReplyAddress(entry.order.actor, thread_ts=entry.address.thread_ts)  # the rest takes memory
        self._change(entry)

    async def outcome_of(self, trigger_id: str) -> Outcome | None:
        """Return the stored outcome of an order, if it is known. Raises StoreError."""
        return await self._rows.outcome_of(trigger_id)

    async def has_orders_of_others(self) -> bool:
        """Return whether there are unfinished orders of other processes. Raises StoreUnreachableError."""
        return await self._rows.has_orders_of_others()

    async def take_over(self, *, all_leases: bool) -> list[tuple[Unfinished, JournalEntry]]:
        """Take over orders that other processes left unfinished. Raises StoreUnreachableError."""
        return [(one, self._adopt(one)) for one in await self._rows.take_over(all_leases=all_leases)]

    def _adopt(self, unfinished: Unfinished) -> JournalEntry:
        given_at = time.monotonic() - unfinished.age
        entry = JournalEntry(unfinished.order, unfinished.address, given_at, new_future(), id=unfinished.id)
        entry.state, entry.outcome, entry.is_stored = unfinished.state, unfinished.outcome, True
        if unfinished.settled_age is not None:
            entry.settled_at = time.monotonic() - unfinished.settled_age
        entry.written.set_result(True)
        self._open[entry.id] = entry
        return entry

    async def run(self) -> None:
        """Write changes and renew leases until `stop`, and then what is left, once."""
        while not self._is_stopping:
            await happens(self._wake, within=_RENEW_INTERVAL)
            self._wake.clear()
            await self._tick()
        while await self._tick() and self._changed:
            pass

    def stop(self) -> None:
        """Let `run` end. A transaction is not cancelled: SQLAlchemy can then wait for its connection for ever."""
        self._is_stopping = True
        self._wake.set()

    def _change(self, entry: JournalEntry) -> None:
        if entry.id not in self._open:
            return
        if entry.id not in self._changed:
            entry.written = new_future()
            self._changed[entry.id] = entry, entry.written
        self._wake.set()

    async def _tick(self) -> bool:
        """Write a batch, and renew the leases if it is time. Return whether the database took it."""
        try:
            if self._generation != self._rows.generation:
                self._write_again()
            if self._changed:
                await self._write()
            await self._renew()
        except Exception as error:  # noqa: BLE001 - the next transaction may work
            why = str(error)
            if not isinstance(error, StoreUnreachableError):
                if "journal" not in self._readiness.degraded:
                    _log.exception("journal not written")
                why = type(error).__name__
            self._readiness.degrade("journal", _NOT_WRITTEN.format(why=why))
            await asyncio.sleep(_RETRY_DELAY)
            self._wake.set()
            return False
        self._readiness.recover("journal")
        return True

    def _write_again(self) -> None:
        """Write all open orders to the database that has taken the place of another one."""
        self._generation = self._rows.generation
        for entry in self._open.values():
            entry.is_stored = False
            self._change(entry)

    async def _renew(self) -> None:
        """Renew the leases, if it is time."""
        if time.monotonic() < self._renewed_at + _RENEW_INTERVAL:
            return
        if stored := [entry.id for entry in self._open.values() if entry.is_stored]:
            await self._rows.renew(stored)
        self._renewed_at = time.monotonic()

    async def _write(self) -> None:
        """Write a batch of changes in one transaction; on an error they stay."""
        waiting = ((name, entry.order.actor.person) for name, (entry, _) in self._changed.items())
        names = fair_batch(waiting, most=_MOST_WRITTEN, most_each=_MOST_WRITTEN_EACH)
        batch = {name: self._changed.pop(name) for name in names}
        if self._changed:
            self._wake.set()
        new = [entry.row() for entry, _ in batch.values() if not entry.is_stored]
        changed = [entry.row() for entry, _ in batch.values() if entry.is_stored]
        try:
            lost = await self._rows.write(new, changed)
        except BaseException:
            self._put_back(batch)
            raise
        told = {row.id for row in (*new, *changed) if row.state is State.TOLD}
        for entry, written in batch.values():
            entry.is_stored = True
            written.set_result(entry.id not in lost)
            if entry.id in lost | told:
                del self._open[entry.id]
                if entry.id in self._changed:
                    self._changed.pop(entry.id)[1].set_result(entry.id not in lost)

    def _put_back(self, batch: _Changes) -> None:
        for name, (entry, written) in batch.items():
            if name in self._changed:
                later = self._changed[name][1]
                later.add_done_callback(partial(_copy_result, written))
            else:
                self._changed[name] = entry, written


def _copy_result(target: asyncio.Future[bool], source: asyncio.Future[bool]) -> None:
    target.set_result(source.result())

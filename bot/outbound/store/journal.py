"""The journal of orders: what was ordered, how far it got, and whether its person was told.

Changes are collected while a transaction runs, and written together in the next one. If the database fails they stay
in memory, and are written when it is back.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from bot.core.cards import MarkedCards, SessionName
from bot.core.fairness import fair_batch
from bot.core.outcomes import Outcome
from bot.core.recovery import RowFate, State
from bot.core.requests import NO_OPPOSITION, Order, ReplyAddress, Verb
from bot.core.session_ids import SessionId
from bot.health import OFF, Backlog, Metrics, Readiness
from bot.outbound.store.cards import NO_MARKS, Marks
from bot.outbound.store.entries import Entry, new_future
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.orders import OrderRows, Written
from bot.runtime import happens, let_others_run

_log = logging.getLogger(__name__)

MOST_OPEN = 60_000
"""The most unfinished orders that are kept in memory: twice the capacity for orders, since results wait, too."""

_TURNS = 4  # of the event loop before a transaction begins, so that a new pause is sent to Anchor first
_RETRY_DELAY = 0.5  # seconds after a failed transaction
_KNOWN_WITHIN = 0.5  # seconds from the first question until it is known whether another process has a new order
_RENEWED_WITHIN = 6.0  # seconds for the lease of an order that has run out; a transaction is given up after 5
_NOT_WRITTEN = "Orders cannot be recorded ({why}). A restart now would lose those in progress."
_MOST_WRITTEN = 500  # changes in a transaction: the acks of other orders wait for its end
_MOST_WRITTEN_EACH = 100  # of one person
_MOST_UNMARKED = 10_000  # sessions


Batch = dict[str, tuple[Entry, asyncio.Future[bool]]]
"""Entries to be written, by id, and the future that ends when they are."""


class PendingChanges:
    """The entries that were changed, and their futures."""

    def __init__(self) -> None:
        self._changes: Batch = {}

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, entry: Entry) -> None:
        """Write an entry, as it will be then, in the next transaction."""
        if entry.id not in self._changes:
            entry.written = new_future()
            self._changes[entry.id] = entry, entry.written

    def take(self) -> Batch:
        """Return the changes for one transaction; those of a batch are written together."""
        waiting = ((name, entry.order.actor.person) for name, (entry, _) in self._changes.items())
        names = fair_batch(waiting, most=_MOST_WRITTEN, most_each=_MOST_WRITTEN_EACH)
        batches = {self._changes[name][0].order.batch_id for name in names} - {""}
        rest = [name for name, (entry, _) in self._changes.items() if entry.order.batch_id in batches]
        return {name: self._changes.pop(name) for name in dict.fromkeys((*names, *rest))}

    def put_back(self, batch: Batch) -> None:
        """Let the changes of a failed transaction wait again."""
        for name, (entry, written) in batch.items():
            if name in self._changes:
                later = self._changes[name][1]
                later.add_done_callback(partial(_copy_result, written))
            else:
                self._changes[name] = entry, written

    def drop(self, entry: Entry) -> None:
        """Write an entry no more."""
        if entry.id in self._changes:
            self._changes.pop(entry.id)[1].set_result(not entry.is_lost)


def _copy_result(target: asyncio.Future[bool], source: asyncio.Future[bool]) -> None:
    target.set_result(source.result())


@dataclass(eq=False)
class Journal:
    """The journal of this process. Nothing is written before `run` starts.

    `cards_due` is set when cards have been marked.
    """

    rows: OrderRows
    readiness: Readiness
    metrics: Metrics = OFF
    cards_due: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._open: dict[str, Entry] = {}
        self._changed = PendingChanges()
        self._unmarked = NO_MARKS  # the cards' table is locked or damaged
        self._wake = asyncio.Event()
        self._is_stopping = False

    @property
    def is_leased(self) -> bool:
        """Return whether no other process can have taken over orders of this one."""
        return self.rows.is_leased

    @property
    def is_full(self) -> bool:
        """Return whether more orders would not be kept."""
        return len(self._open) >= MOST_OPEN

    def backlog(self) -> Backlog:
        """Return the results that are not delivered yet."""
        now = time.monotonic()
        ages = [now - (entry.settled_at or now) for entry in self._open.values() if entry.state is State.ACTED]
        return Backlog(len(ages), max(ages, default=0.0))

    def begin(self, order: Order, address: ReplyAddress) -> Entry:
        """Record a new order. A pause counts as sent from now on, unless it is one of a batch."""
        entry = Entry(order, address, time.monotonic() - order.age)
        entry.state = State.SENT if order.verb is Verb.PAUSE and not order.batch_id else State.WAITING
        if not self.is_full:
            self._open[entry.id] = entry
            self._change(entry)
            entry.inserted = entry.written
        return entry

    def sending(self, entry: Entry) -> None:
        """Record that an order is about to be sent; wait for `entry.written` before a resume or an end.

        It is not recorded, and `entry.state` is WAITING again, if `entry.opposition` holds it back.
        """
        entry.state = State.SENT
        self._change(entry)

    def settle(self, entry: Entry, outcome: Outcome) -> None:
        """Record an outcome. One that was known before keeps its time."""
        if entry.settled_at is None and not entry.is_lost:
            order, age = entry.order, time.monotonic() - entry.given_at
            self.metrics.settled(order.verb.value, order.source.value, type(outcome).__name__, age)
        entry.state, entry.outcome, entry.settled_at = State.ACTED, outcome, entry.settled_at or time.monotonic()
        entry.shows |= entry.concerns_cards
        self._change(entry)

    def show(self, entry: Entry) -> None:
        """Let the cards of its session show an order as it is now."""
        entry.shows = True
        self._change(entry)

    def told(self, entry: Entry, route: str | None) -> None:
        """Record that the outcome was delivered by a route, or that Slack refused it finally (None)."""
        entry.state, entry.delivered_by, entry.told_at = State.TOLD, route, time.monotonic()
        if not entry.is_lost:
            self.metrics.delivered(entry.order.verb.value, route, entry.told_at - entry.given_at)
        entry.address = ReplyAddress(entry.order.actor, thread_ts=entry.address.result_thread)  # the rest takes memory
        self._change(entry)

    async def is_ours(self, entry: Entry, *, within: float = _KNOWN_WITHIN) -> bool:
        """Return whether no other process is known to have an order. Wait for that, if the database can say it.

        The record of a new order, or of one that is being sent, is waited for so many seconds from the first question.
        If this process was frozen until its lease ran out, another one may have taken the order over. Without the
        database that stays open: an outcome that is told twice is better than one that nobody is told.
        """
        if self.rows.is_shared and entry.id in self._open and "journal" not in self.readiness.degraded:
            if entry.is_stored and not self.is_leased:
                self._change(entry)
                await asyncio.wait({entry.written}, timeout=_RENEWED_WITHIN)
            elif not entry.is_stored or entry.is_being_sent:
                entry.asked_at = entry.asked_at or time.monotonic()
                record, ends = entry.written if entry.is_stored else entry.inserted, entry.asked_at + within
                while not (record.done() or "journal" in self.readiness.degraded) and time.monotonic() < ends:
                    await asyncio.wait({record}, timeout=min(_KNOWN_WITHIN, ends - time.monotonic()))
        return not entry.is_lost

    async def has_unknown(self) -> bool:
        """Return whether other processes have, or have left, unfinished orders. Raises StoreUnreachableError."""
        return await self.rows.has_unfinished(self._open.keys())

    async def take_over(self, *, all_leases: bool) -> list[Entry]:
        """Take over orders that other processes left unfinished. Raises StoreUnreachableError."""
        taken = await self.rows.take_over(all_leases=all_leases, known=self._open.keys())
        for entry in taken:
            if earlier := self._open.get(entry.id):  # another process had it meanwhile, and has ended
                earlier.is_lost = True
                self._close(earlier)
            self._open[entry.id] = entry
            self._wake.set()
        return taken

    async def run(self) -> None:
        """Write changes and renew the lease until `stop`, and then what is left, once."""
        while not self._is_stopping:
            await happens(self._wake, within=self.rows.lease.renew_interval if self._open or self._unmarked else None)
            await let_others_run(_TURNS)
            self._wake.clear()
            await self._tick()
        while await self._tick() and self._changed:
            pass

    def stop(self) -> None:
        """Let `run` end. A transaction is not cancelled: it would be written again."""
        self._is_stopping = True
        self._wake.set()

    def _change(self, entry: Entry) -> None:
        if entry.id in self._open:
            self._changed.add(entry)
            self._wake.set()

    async def _tick(self) -> bool:
        """Write a batch, and renew the lease if it is time. Return whether the database took it."""
        try:
            if self._changed or self._unmarked or (self._open and self.rows.is_renewal_due):
                await self._write()
        except Exception as error:  # noqa: BLE001 - the next transaction may work
            why = str(error)
            if not isinstance(error, StoreUnreachableError):
                if "journal" not in self.readiness.degraded:
                    _log.exception("journal not written")
                why = type(error).__name__
            self.readiness.degrade("journal", _NOT_WRITTEN.format(why=why))
            await asyncio.sleep(_RETRY_DELAY)
            self._wake.set()
            return False
        self.readiness.recover("journal")
        return True

    async def _write(self) -> None:
        """Write a batch of changes in one transaction; on an error they stay."""
        batch = self._changed.take()
        held = [entry for entry in self._open.values() if entry.is_stored] if self.rows.is_renewal_due else None
        if self._changed:
            self._wake.set()
        new = [copy(entry) for entry, _ in batch.values() if not entry.is_stored]
        changed = [copy(entry) for entry, _ in batch.values() if entry.is_stored]
        shown = [entry for entry, _ in batch.values() if entry.shows]
        for entry in shown:
            entry.shows = False
        marks = _marks(self._unmarked, shown)
        try:
            result = await self.rows.write(new, changed, marks, held)
        except BaseException:
            self._changed.put_back(batch)
            for entry in shown:
                entry.shows = True
            raise
        self._read_marks(marks, shown, result.cards)
        self._read_result({row.id: row.state for row in (*new, *changed)}, batch, result)

    def _read_result(self, states: Mapping[str, State], batch: Batch, result: Written) -> None:
        """Record what is stored now, with these `states`, and what is not."""
        forgotten = {name for name, fate in result.fates.items() if fate is RowFate.FORGOTTEN} & self._open.keys()
        forgotten -= {name for name, (entry, _) in batch.items() if entry.is_lost}
        for name, (entry, written) in batch.items():
            if name in forgotten:
                continue
            if not entry.is_stored or (entry.stored is State.WAITING and states[name] is State.SENT):
                entry.opposition = result.opposition.get(name, NO_OPPOSITION)
            entry.stored = State.WAITING if name in result.held_back else states[name]
            entry.has_crossed &= name not in result.crossed
            if name in result.held_back and entry.state is State.SENT:
                entry.state = State.WAITING
            entry.is_lost |= name in result.lost
            written.set_result(not entry.is_lost and name not in result.fates)
            if entry.is_lost or states[name] is State.TOLD:
                self._close(entry)
        for name in result.lost & self._open.keys():
            self._open[name].is_lost = True
            self._close(self._open[name])
        if forgotten:
            self._write_again(forgotten, batch)

    def _write_again(self, forgotten: set[str], batch: Batch) -> None:
        """Let the next transaction insert rows that the database has lost. What was about to be sent waits for it."""
        _log.warning("the database has lost orders; they are written again", extra={"orders": len(forgotten)})
        self._changed.put_back({name: batch[name] for name in forgotten & batch.keys()})
        for name in forgotten:
            entry = self._open[name]
            if entry.state is State.SENT and entry.stored is State.WAITING:
                entry.state = State.WAITING
            entry.stored = None
            self._change(entry)

    def _read_marks(
        self, marks: Marks, shown: Iterable[Entry], cards: Mapping[SessionName, MarkedCards] | None
    ) -> None:
        """Record which `cards` are marked. If none could be, the next transaction repeats the marks."""
        if cards is None:
            if not self._unmarked:
                _log.warning("cards not marked", extra={"sessions": len(marks)})
            self._unmarked = dict(islice(marks.items(), _MOST_UNMARKED))
            return
        self._unmarked = NO_MARKS
        for entry in shown:
            entry.cards, entry.on_card = cards[entry.session].names, cards[entry.session].facts
            entry.has_lost_card |= cards[entry.session].is_one_lost
        if any(one.names for one in cards.values()):
            self.cards_due.set()

    def _close(self, entry: Entry) -> None:
        self._open.pop(entry.id, None)
        self._changed.drop(entry)


def _marks(unmarked: Marks, shown: Iterable[Entry]) -> Marks:
    """Return the sessions whose cards are to be marked."""
    marks = dict(unmarked)
    for entry in shown:
        clicked = entry.address.message_ts
        marks[entry.session] = marks.get(entry.session, frozenset()) | ({clicked} if clicked else frozenset())
        if batch_id := entry.order.batch_id:  # its result is a card, too
            marks[entry.order.actor.team_id, SessionId(batch_id)] = frozenset()
    return marks

"""Read and write the rows of the journal of orders. Every method can raise StoreUnreachableError.

All times are the database's, so that the clocks of its clients do not matter.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from bot.core.outcomes import Outcome
from bot.core.recovery import State, Unfinished
from bot.core.requests import NO_OPPOSITION, Opposition, Order, Source, Verb, made_at
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.order_codec import read_outcome
from bot.outbound.store.order_opposition import (
    CHANGE_SINCE,
    LATER_RESUME,
    OTHER_ORDERS,
    opposition_values,
    read_opposition,
    session_locks,
)
from bot.outbound.store.order_row import OrderColumns, OrderRow, storable
from bot.outbound.store.order_statements import INSERT_ORDERS, UPDATE_ORDERS, unfinished_orders
from bot.outbound.store.schema import UNFINISHED, orders

LEASE = 10.0
"""Seconds after which another process takes over an unfinished order whose process does not renew its lease."""

NO_IDS: frozenset[str] = frozenset()

MOST_TAKEN = 100
"""The most orders that are taken over at a time."""

_c = orders.c


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a transaction, by ids.

    `lost` are the rows that another process has: it has stored a new one with the same trigger, or has taken over a
    changed one. `held_back` are the resumes that are not recorded as sent, because of their `opposition`.
    """

    lost: frozenset[str] = NO_IDS
    held_back: frozenset[str] = NO_IDS
    opposition: Mapping[str, Opposition] = field(default_factory=dict)


class OrderRows:
    """Repository of the journal's rows. `owner` names this process; it changes only its own rows."""

    def __init__(self, database: Database, cipher: FieldCipher, owner: str, *, lease: float = LEASE) -> None:
        self.lease = lease
        self._database = database
        self._owner = owner
        self._columns = OrderColumns(cipher, owner, lease)
        self._clock = DatabaseClock()

    @property
    def is_shared(self) -> bool:
        """Return whether other processes can use the database."""
        return not self._database.is_exclusive

    async def write(self, new: Sequence[OrderRow], changed: Sequence[OrderRow]) -> Written:
        """Insert and update rows in one transaction, in which no other process writes orders for the same sessions.

        A resume is recorded as sent only if no pause is running or was given later.
        """
        return await self._database.change(partial(self._write, new, changed), is_urgent=True)

    def _write(self, new: Sequence[OrderRow], changed: Sequence[OrderRow], connection: Connection) -> Written:
        resumes = [row for row in changed if row.order.verb is Verb.RESUME and row.state is State.SENT]
        offset = self._clock.offset(connection, session_locks(row.order for row in (*new, *resumes)))
        repeated, again = self._insert(connection, new, offset)
        pauses = [row for row in new if row.order.verb is Verb.PAUSE]
        opposition = self._opposition(connection, [row.id for row in (*pauses, *resumes)], offset)
        held_back = frozenset(row.id for row in resumes if opposition.get(row.id, NO_OPPOSITION).holds_back)
        going = [row for row in (*again, *changed) if row.id not in held_back]
        return Written(repeated | self._update(connection, going, offset), held_back, opposition)

    async def find_opposition(self, order_id: str) -> Opposition:
        """Return the opposition of a stored row."""
        now = self._clock.estimate()
        rows = await self._database.fetch_all(OTHER_ORDERS, **opposition_values(self._owner, [order_id], now))
        return read_opposition(rows, now).get(order_id, NO_OPPOSITION)

    async def resumed_after(self, order_id: str) -> str | None:
        """Return who resumed the session of a stored pause after it was given, if anybody did."""
        row = await self._database.fetch_one(LATER_RESUME, id=order_id)
        return None if row is None else str(row.user_id)

    async def change_since(self, order: Order, version: str) -> Row[Any] | None:
        """Return the last pause or resume of an order's session after the order `version`, if there is any."""
        values = {"team_id": order.actor.team_id, "session_id": order.session_id, "made_at": made_at(version)}
        return await self._database.fetch_one(CHANGE_SINCE, version=version, **values)

    def _opposition(self, connection: Connection, ids: Sequence[str], offset: float) -> Mapping[str, Opposition]:
        if not ids:
            return {}
        now = time.monotonic() + offset
        rows = connection.execute(OTHER_ORDERS, opposition_values(self._owner, ids, now))
        return read_opposition(rows, now)

    def _insert(
        self, connection: Connection, new: Sequence[OrderRow], offset: float
    ) -> tuple[frozenset[str], Sequence[OrderRow]]:
        """Insert the rows whose ids and triggers are not stored yet.

        Return the ids of those whose trigger is, and the rows that an earlier call that seemed to fail may have stored.
        """
        if not new:
            return frozenset(), ()
        inserted = connection.execute(INSERT_ORDERS, [self._columns.values(row, offset) for row in new])
        if inserted.rowcount == len(new):
            return frozenset(), ()
        ids = frozenset(row.id for row in new)
        stored = frozenset(connection.execute(select(_c.id).where(_c.id.in_(ids))).scalars())
        return ids - stored, [row for row in new if row.id in stored]

    def _update(self, connection: Connection, changed: Sequence[OrderRow], offset: float) -> frozenset[str]:
        """Update rows of this process. Return the ids of those that are not its own any more."""
        if not changed:
            return frozenset()
        result = connection.execute(UPDATE_ORDERS, [self._columns.changes(row, offset) for row in changed])
        if result.rowcount == len(changed):
            return frozenset()
        return self._lost(connection, frozenset(row.id for row in changed))

    async def has_orders_of_others(self) -> bool:
        """Return whether there are unfinished orders of other processes."""
        unfinished = select(_c.id).where(UNFINISHED, _c.owner != self._owner).limit(1)
        return await self._database.fetch_one(unfinished) is not None

    async def take_over(self, *, all_leases: bool) -> list[Unfinished]:
        """Take over unfinished orders of processes that have ended, and return at most MOST_TAKEN, the oldest first.

        `all_leases` also takes those whose lease still runs, since no other bot can use the database; orders of the
        command line run beside the bot.
        """
        return await self._database.change(partial(self._take_over, all_leases), is_urgent=True)

    def _take_over(self, all_leases: bool, connection: Connection) -> list[Unfinished]:  # noqa: FBT001 - see partial
        now = time.monotonic() + self._clock.offset(connection)
        is_left = [_c.leased_until < now, *([_c.source != Source.COMMAND_LINE] if all_leases else [])]
        free = select(_c.id).where(UNFINISHED, _c.owner != self._owner, or_(*is_left))
        oldest = free.order_by(_c.given_at, _c.id).limit(MOST_TAKEN).with_for_update(skip_locked=True)
        ids = connection.execute(oldest).scalars().all()
        if not ids:
            return []
        lease = {"owner": self._owner, "leased_until": now + self.lease}
        connection.execute(update(orders).where(_c.id.in_(ids)).values(lease))
        return [self._columns.unfinished(row, now) for row in connection.execute(unfinished_orders(ids))]

    async def renew(self, ids: Collection[str]) -> frozenset[str]:
        """Renew the leases of these unfinished rows. Return the ids of those that another process has."""
        return await self._database.change(partial(self._renew, frozenset(ids)), is_urgent=True)

    def _renew(self, ids: frozenset[str], connection: Connection) -> frozenset[str]:
        held = update(orders).where(_c.id.in_(ids), _c.owner == self._owner)
        now = self._clock.now(connection)
        renewed = connection.execute(held.values(leased_until=now + self.lease))
        return NO_IDS if renewed.rowcount == len(ids) else self._lost(connection, ids)

    def _lost(self, connection: Connection, ids: frozenset[str]) -> frozenset[str]:
        """Return those of the ids whose rows are not, or no longer, this process's."""
        own = select(_c.id).where(_c.id.in_(ids), _c.owner == self._owner)
        return ids - frozenset(connection.execute(own).scalars())

    async def outcome_of(self, trigger_id: str) -> Outcome | None:
        """Return the outcome of the order with this trigger, if it is known."""
        row = await self._database.fetch_one(
            select(_c.outcome, _c.outcome_fields).where(_c.trigger_id == storable(trigger_id), _c.outcome.is_not(None))
        )
        return None if row is None else read_outcome(*row)

"""Read and write the rows of the journal of orders. Every method can raise StoreUnreachableError.

All times are the database's, so that the clocks of its clients do not matter.
"""

import dataclasses
import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.outcomes import Outcome
from bot.core.recovery import State, Unfinished
from bot.core.requests import Actor, Order, ReplyAddress, Source, Verb
from bot.core.session_id import SessionId
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.order_codec import read_outcome, read_reply, write_outcome, write_reply
from bot.outbound.store.order_statements import INSERT_ORDERS, UPDATE_ORDERS, unfinished_orders
from bot.outbound.store.schema import orders
from bot.outbound.workspaces import UnreadableError

LEASE = 10.0
"""Seconds after which another process takes over an unfinished order whose process does not renew its lease."""

MOST_TAKEN = 100
"""The most orders that are taken over at a time."""

_c = orders.c


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order as it is to be stored; the times are monotonic, in seconds."""

    id: str
    order: Order
    address: ReplyAddress
    state: State
    outcome: Outcome | None
    delivered_by: str | None
    given_at: float
    settled_at: float | None
    told_at: float | None


class OrderRows:
    """Repository of the journal's rows. `owner` names this process; it changes only its own rows."""

    def __init__(self, database: Database, cipher: FieldCipher, owner: str) -> None:
        self._database = database
        self._cipher = cipher
        self._owner = owner
        self._clock = DatabaseClock()

    @property
    def generation(self) -> int:
        """Return the number of times that the database was replaced; what was stored before may be missing."""
        return self._database.generation

    async def write(self, new: Sequence[OrderRow], changed: Sequence[OrderRow]) -> frozenset[str]:
        """Insert and update rows in one transaction. Return the ids of those that another process has.

        It has stored a new one with the same trigger, or has taken over a changed one.
        """
        async with self._database.transaction() as connection:
            offset = await self._clock.offset(connection)
            repeated, again = await self._insert(connection, new, offset)
            return repeated | await self._update(connection, (*again, *changed), offset)

    async def _insert(
        self, connection: AsyncConnection, new: Sequence[OrderRow], offset: float
    ) -> tuple[frozenset[str], Sequence[OrderRow]]:
        """Insert the rows whose ids and triggers are not stored yet.

        Return the ids of those whose trigger is, and the rows that an earlier call that seemed to fail may have stored.
        """
        if not new:
            return frozenset(), ()
        inserted = await connection.execute(INSERT_ORDERS, [self._values(row, offset) for row in new])
        if inserted.rowcount == len(new):
            return frozenset(), ()
        ids = frozenset(row.id for row in new)
        stored = frozenset((await connection.execute(select(_c.id).where(_c.id.in_(ids)))).scalars())
        return ids - stored, [row for row in new if row.id in stored]

    async def _update(self, connection: AsyncConnection, changed: Sequence[OrderRow], offset: float) -> frozenset[str]:
        """Update rows of this process. Return the ids of those that are not its own any more."""
        if not changed:
            return frozenset()
        result = await connection.execute(UPDATE_ORDERS, [self._changes(row, offset) for row in changed])
        if result.rowcount == len(changed):
            return frozenset()
        ids = frozenset(row.id for row in changed)
        own = select(_c.id).where(_c.id.in_(ids), _c.owner == self._owner)
        return ids - frozenset((await connection.execute(own)).scalars())

    async def has_orders_of_others(self) -> bool:
        """Return whether there are unfinished orders of other processes."""
        unfinished = select(_c.id).where(_c.state != State.TOLD, _c.owner != self._owner).limit(1)
        return await self._database.fetch_one(unfinished) is not None

    async def take_over(self, *, all_leases: bool) -> list[Unfinished]:
        """Take over unfinished orders of processes that have ended, and return at most MOST_TAKEN, the oldest first.

        `all_leases` also takes those whose lease still runs, since no other bot can use the database; orders of the
        command line run beside the bot.
        """
        async with self._database.transaction() as connection:
            now = await self._clock.now(connection)
            is_left = [_c.leased_until < now, *([_c.source != Source.COMMAND_LINE] if all_leases else [])]
            free = select(_c.id).where(_c.state != State.TOLD, _c.owner != self._owner, or_(*is_left))
            oldest = free.order_by(_c.given_at, _c.id).limit(MOST_TAKEN).with_for_update(skip_locked=True)
            ids = (await connection.execute(oldest)).scalars().all()
            if not ids:
                return []
            lease = {"owner": self._owner, "leased_until": now + LEASE}
            await connection.execute(update(orders).where(_c.id.in_(ids)).values(lease))
            return [self._unfinished(row, now) for row in await connection.execute(unfinished_orders(ids))]

    async def renew(self, ids: Collection[str]) -> None:
        """Renew the leases of these rows."""
        async with self._database.transaction() as connection:
            held = update(orders).where(_c.id.in_(ids), _c.owner == self._owner, _c.state != State.TOLD)
            await connection.execute(held.values(leased_until=await self._clock.now(connection) + LEASE))

    async def outcome_of(self, trigger_id: str) -> Outcome | None:
        """Return the outcome of the order with this trigger, if it is known."""
        row = await self._database.fetch_one(
            select(_c.outcome, _c.outcome_fields).where(_c.trigger_id == _storable(trigger_id), _c.outcome.is_not(None))
        )
        return None if row is None else read_outcome(*row)

    def _values(self, row: OrderRow, offset: float) -> dict[str, Any]:
        order, actor = row.order, row.order.actor
        return {
            "id": row.id,
            "trigger_id": _storable(order.trigger_id),
            "team_id": actor.team_id,
            "session_id": order.session_id,
            "verb": order.verb.value,
            "reason": _storable(order.reason),
            "source": order.source.value,
            "user_id": actor.user_id,
            "home_team_id": actor.home_team_id,
            "channel_id": actor.channel_id,
            "thread_ts": _storable(row.address.thread_ts),
            "reply": None if row.state is State.TOLD else write_reply(row.id, row.address, self._cipher),
            "given_at": row.given_at + offset,
            "owner": self._owner,
            "leased_until": time.monotonic() + offset + LEASE,
            **_progress(row, offset),
        }

    def _changes(self, row: OrderRow, offset: float) -> dict[str, Any]:
        return {"of_id": row.id, "of_owner": self._owner, **_progress(row, offset)}

    def _unfinished(self, row: Row[Any], now: float) -> Unfinished:
        actor = Actor(row.team_id, row.channel_id, row.user_id, row.home_team_id)
        order = Order(
            Verb(row.verb), SessionId(row.session_id), actor, row.reason, row.trigger_id, source=Source(row.source)
        )
        address = read_reply(row.id, actor, row.thread_ts, row.reply, self._cipher)
        state, outcome = State(row.state), None
        if row.outcome is not None:
            try:
                outcome = read_outcome(row.outcome, row.outcome_fields)
            except UnreadableError:
                state = State.SENT
        age, settled_age = max(0.0, now - row.given_at), None if outcome is None else now - row.settled_at
        return Unfinished(row.id, order, address, state, outcome, age, row.is_opposed, row.has_company, settled_age)


def _storable(value: str | None) -> str | None:
    """Return a text without what a database refuses: NUL, and halves of surrogate pairs.

    One refused text would keep all other orders from being stored.
    """
    return value and value.replace("\0", "").encode(errors="replace").decode()


def _progress(row: OrderRow, offset: float) -> dict[str, Any]:
    outcome, fields = (None, None) if row.outcome is None else write_outcome(row.outcome)
    return {
        "state": row.state.value,
        "outcome": outcome,
        "outcome_fields": fields,
        "delivered_by": row.delivered_by,
        "settled_at": None if row.settled_at is None else row.settled_at + offset,
        "told_at": None if row.told_at is None else row.told_at + offset,
    }

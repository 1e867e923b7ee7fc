"""Orders in the database: rows as a process of the bot leaves them, and the writer and the orders of a process."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bot.core.audit import ORDER_COLUMNS, row_of_order
from bot.core.fields import Secret
from bot.core.orders import Actor, Order, ReplyAddress, Source, State, Verb
from bot.core.outcomes import Outcome
from bot.core.permissions import EVERYBODY, Policy
from bot.core.session_ids import SessionId
from bot.core.workspace import Workspace
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import session_lock, workspace_lock
from bot.outbound.store.encryption import FieldCipher
from bot.outbound.store.journal import OrderHistory
from bot.outbound.store.leases import LEADER, LEASE, Lease
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.postgresql import driver
from bot.outbound.store.running_orders import HAS_EFFECT, RunningOrder, Settled, write_outcome, write_row
from bot.outbound.store.store import Store
from bot.outbound.store.writer import Writer
from bot.runtime import Readiness
from bot.usecases.batches import Batch
from harness.conversation import Conversation, until
from harness.databases import KEY
from harness.stored import ACME, columns
from harness.texts import SESSION

__all__ = ["EVERYBODY", "LEADER", "LEASE", "Connection", "Lease", "OrderHistory", "Settled"]
__all__ += ["driver", "session_lock", "workspace_lock"]

COLUMNS = columns()["orders"]
RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/secret"
MARK = "INSERT INTO marks (scope, name) VALUES ({}, {})"
"""A statement that writes something small; it fails if the scope is NULL."""
_EFFECT = """CASE WHEN :effect = 1 THEN (SELECT coalesce(max(effect), 0) + 1 FROM orders
    WHERE team_id = CAST(:team_id AS VARCHAR) AND session_id = CAST(:session_id AS VARCHAR)) END"""
_WRITE = """
    INSERT INTO orders ({names}) VALUES ({values})
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, told = excluded.told,
      outcome = excluded.outcome, outcome_fields = excluded.outcome_fields, told_at = excluded.told_at,
      effect = coalesce(orders.effect, excluded.effect), settled_at = coalesce(orders.settled_at, excluded.settled_at),
      delivered_by = excluded.delivered_by
"""


@dataclass(slots=True, eq=False)
class OrderRow(RunningOrder):
    """An order of a process, as its row says."""

    policy: Policy | None = EVERYBODY
    is_told: bool = False


def order_row(
    verb: Verb = Verb.PAUSE,
    state: State = State.SENT,
    *,
    team: str = "T0HOME00001",
    session: str = SESSION,
    trigger: str | None = None,
    user: str = "U0ALICE0001",
    age: float = 0.0,
    version: str | None = None,
    source: Source = Source.COMMAND,
    batch: str = "",
    reason: str = "it loops",
    thread: str | None = None,
) -> OrderRow:
    """Return the row of a command, Alice's by default, given `age` seconds ago."""
    actor = Actor(team, "C0ALERTS001", user, team)
    order = Order(verb, SessionId(session), actor, reason, trigger, 0.0, source, version, batch)
    address = ReplyAddress(actor, Secret(RESPONSE_URL), thread)
    return OrderRow(order, address, time.monotonic() - age, secrets.token_hex(10), state)


def running(verb: Verb = Verb.PAUSE, state: State = State.WAITING, **more: Any) -> OrderRow:
    """Return an order that is to be recorded."""
    return order_row(verb, state, **more)


def settled(before: OrderRow, outcome: Outcome, *, settled_at: float | None = None) -> OrderRow:
    at = before.given_at + 1 if settled_at is None else settled_at
    return replace(before, state=State.SETTLED, outcome=outcome, settled_at=at)


def told(before: OrderRow, outcome: Outcome, *, settled_at: float | None = None) -> OrderRow:
    return replace(settled(before, outcome, settled_at=settled_at), is_told=True)


def batch(at: Conversation, sessions: Sequence[str], *, url: str | None = None, **fields: Any) -> Batch:
    """A batch of Alice's in #alerts."""
    actor = Actor(at.workspace.team_id, fields.pop("channel", at.channel.id), at.person.id, at.workspace.team_id)
    address = ReplyAddress(actor, Secret(url) if url else None)
    return Batch(address=address, session_ids=tuple(map(SessionId, sessions)), **fields)


@dataclass(frozen=True, slots=True)
class OrdersOf:
    """The orders of a process."""

    store: Store
    owner: str
    cipher: FieldCipher

    async def write(self, *rows: OrderRow) -> None:
        """Insert rows, or record how far they got since; those with an outcome get a row in the audit trail."""

        def write(connection: Connection) -> None:
            for row in rows:
                values = self._columns(connection, row)
                names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
                connection.queue(_WRITE.format(names=names, values=marks.replace(":effect", _EFFECT)), values)
                if row.outcome is not None:
                    about = row_of_order(tuple(values[name] for name in ORDER_COLUMNS))
                    AuditTrail(self.store.database, self.cipher).add(connection, about, self.owner)

        await self.store.database.change(write, locks={session_lock(*row.session) for row in rows})

    def _columns(self, connection: Connection, row: OrderRow) -> dict[str, Any]:
        values = write_row(row, self.owner) | {"given_at": connection.when(row.given_at)}
        is_reminded, _ = values.pop("remind_after") is not None, values.pop("is_at_once")
        values |= {"told": int(row.is_told), "remind_at": 1.0 if is_reminded else None}
        if row.outcome is not None and row.settled_at is not None:
            (name, fields), at = write_outcome(row.outcome), connection.when(row.settled_at)
            values |= {"outcome": name, "outcome_fields": fields, "settled_at": at}
            values |= {"effect": int(isinstance(row.outcome, HAS_EFFECT))}
            values |= {"told_at": at, "delivered_by": "ack"} if row.is_told else {}
        return values


def rows_of(store: Store, owner: str = "ours", key: Secret = KEY) -> OrdersOf:
    return OrdersOf(store, owner, FieldCipher([key]))


@asynccontextmanager
async def writing(database: Any, lease: Lease) -> AsyncIterator[Writer]:
    """Run the writer of a process."""
    writer = Writer(database, lease, Readiness())
    run = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        writer.stop()
        await asyncio.wait_for(run, 20)


@asynccontextmanager
async def orders_of(
    store: Store, owner: str = "ours", *, lease: Lease | None = None, database: Any = None
) -> AsyncIterator[OrderRows]:
    """Run a process that records orders of workspaces that are installed."""
    for team_id in (ACME.team_id, "T0OTHER0001"):
        await store.rows.save_ids(Workspace(team_id, ACME.bot_token, None))
    async with writing(database or store.database, lease or Lease(owner)) as writer:
        await until(lambda: holds(writer))
        yield OrderRows(store.database, store.cipher, writer)


def holds(writer: Writer) -> bool:
    return writer.lease is not None and writer.lease.is_held


async def record(rows: OrderRows, *orders: RunningOrder) -> None:
    for one in orders:
        one.recorded = rows.record(one)
        assert await one.recorded

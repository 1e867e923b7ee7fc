"""Rows of orders, which tests put into the database as a process of the bot would."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bot.core.audit import ORDER_COLUMNS, row_of_order
from bot.core.cards import SessionName
from bot.core.fields import Secret
from bot.core.outcomes import Outcome
from bot.core.requests import (
    Actor,
    Order,
    ReplyAddress,
    Source,
    State,
    Verb,
)
from bot.core.session_ids import SessionId
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import session_lock, workspace_lock
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.postgresql import driver
from bot.outbound.store.running_orders import write_outcome
from bot.outbound.store.secrets import FieldCipher, FieldRef
from bot.outbound.store.store import Store
from harness.databases import KEY
from harness.stored import columns
from harness.texts import SESSION

__all__ = ["Connection", "OrderHistory", "session_lock", "workspace_lock"]

COLUMNS = columns()["orders"]
RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/secret"
MARK = "INSERT INTO marks (scope, name) VALUES ({}, {})"
"""A statement that writes something small; it fails if the scope is NULL."""
_WITH_EFFECT = {"Paused", "Resumed", "Ended", "Unconfirmed", "Broken"}
_WRITE = """
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      thread_ts, reply, state, outcome, outcome_fields, effect, told, delivered_by, given_at, settled_at, told_at,
      owner, remind_at, batch_id)
    VALUES (:id, :trigger_id, :team_id, :session_id, :verb, :reason, :source, :user_id, :home_team_id, :channel_id,
      :thread_ts, :reply, :state, :outcome, :outcome_fields, CASE WHEN :has_effect = 1 THEN (
        SELECT coalesce(max(effect), 0) + 1 FROM orders
        WHERE team_id = CAST(:team_id AS VARCHAR) AND session_id = CAST(:session_id AS VARCHAR)) END,
      :told, :delivered_by, :given_at, :settled_at, :told_at, :owner, :remind_at, :batch_id)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, outcome = excluded.outcome, told = excluded.told,
      outcome_fields = excluded.outcome_fields, effect = coalesce(orders.effect, excluded.effect),
      delivered_by = excluded.delivered_by, settled_at = coalesce(orders.settled_at, excluded.settled_at),
      told_at = excluded.told_at, reply = excluded.reply
"""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """The row of an order. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    id: str
    state: State
    outcome: Outcome | None = None
    settled_at: float | None = None
    delivered_by: str | None = None
    told_at: float | None = None

    @property
    def session(self) -> SessionName:
        return self.order.actor.team_id, self.order.session_id

    def values(self, connection: Connection, owner: str, cipher: FieldCipher) -> dict[str, Any]:
        """The columns, as the transaction of `connection` writes them."""
        order, actor = self.order, self.order.actor
        name, fields = (None, None) if self.outcome is None else write_outcome(self.outcome)
        times = {one: getattr(self, one) for one in ("given_at", "settled_at", "told_at")}
        return {
            "id": self.id,
            "trigger_id": order.trigger_id,
            "team_id": actor.team_id,
            "session_id": order.session_id,
            "verb": order.verb.value,
            "reason": order.reason,
            "source": order.source.value,
            "batch_id": order.batch_id or None,
            "user_id": actor.user_id,
            "home_team_id": actor.home_team_id,
            "channel_id": actor.channel_id,
            "thread_ts": self.address.result_thread,
            "reply": None if self.told_at else self._reply(cipher),
            "state": self.state.value,
            "outcome": name,
            "outcome_fields": fields,
            "has_effect": int(name in _WITH_EFFECT),
            "told": int(self.told_at is not None),
            "delivered_by": self.delivered_by,
            "owner": owner,
            "remind_at": 1.0 if order.verb is Verb.PAUSE and order.source is not Source.DRILL else None,
            **{one: None if at is None else connection.when(at) for one, at in times.items()},
        }

    def _reply(self, cipher: FieldCipher) -> str:
        url = self.address.response_url
        reply = url and url.reveal(), self.order.expected_version, self.address.message_url
        return cipher.encrypt(Secret(json.dumps(reply)), FieldRef(self.id, "reply"))


def order_row(
    verb: Verb = Verb.PAUSE,
    state: State = State.SENT,
    *,
    team: str = "T0HOME00001",
    session: str = SESSION,
    trigger: str | None = None,
    user: str = "U0ALICE0001",
    age: float = 0.0,
) -> OrderRow:
    """Return the row of a command, Alice's by default, given `age` seconds ago."""
    actor = Actor(team, "C0ALERTS001", user, team)
    order = Order(verb, SessionId(session), actor, "it loops", trigger)
    address = ReplyAddress(actor, Secret(RESPONSE_URL))
    return OrderRow(order, address, time.monotonic() - age, secrets.token_hex(10), state)


def settled(before: OrderRow, outcome: Outcome, *, settled_at: float | None = None) -> OrderRow:
    at = before.given_at + 1 if settled_at is None else settled_at
    return replace(before, state=State.SETTLED, outcome=outcome, settled_at=at)


def told(before: OrderRow, outcome: Outcome, *, settled_at: float | None = None) -> OrderRow:
    after = settled(before, outcome, settled_at=settled_at)
    return replace(after, delivered_by="ack", told_at=before.given_at + 2)


@dataclass(frozen=True, slots=True)
class OrdersOf:
    """The orders of a process."""

    store: Store
    owner: str
    cipher: FieldCipher

    async def write(self, *rows: OrderRow) -> None:
        """Insert rows, or record how far they got since; those with an outcome get a row in the audit trail."""

        def write(connection: Connection) -> None:
            values = [row.values(connection, self.owner, self.cipher) for row in rows]
            connection.queue(_WRITE, *values)
            trail = AuditTrail(self.store.database, self.cipher)
            for one in values:
                if one["settled_at"] is not None:
                    trail.add(connection, row_of_order(tuple(one[name] for name in ORDER_COLUMNS)), self.owner)

        await self.store.database.change(write, locks={session_lock(*row.session) for row in rows})


def rows_of(store: Store, owner: str = "ours", key: Secret = KEY) -> OrdersOf:
    return OrdersOf(store, owner, FieldCipher([key]))


@contextmanager
def frozen_transaction(url: str, *locks: int) -> Iterator[Connection]:
    """A transaction of another process with these locks, which does not go on."""
    connection = Connection(driver(url))
    try:
        connection.do(lambda one: one.begin(locks))
        connection.now()
        yield connection
    finally:
        connection.close()

"""The rows of the journal of orders, and their columns. All times in columns are the database's."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from bot.core.outcomes import Outcome
from bot.core.recovery import State, Unfinished
from bot.core.requests import Actor, Order, ReplyAddress, Source, Verb
from bot.core.session_ids import SessionId
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.order_codec import read_outcome, read_reply, write_outcome, write_reply


@dataclass(frozen=True, slots=True, kw_only=True)
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


class OrderColumns:
    """The columns of rows of `owner`, which hold for `lease` seconds."""

    def __init__(self, cipher: FieldCipher, owner: str, lease: float) -> None:
        self._cipher = cipher
        self._owner = owner
        self._lease = lease

    def values(self, row: OrderRow, offset: float) -> dict[str, Any]:
        """Return all columns of a row; `offset` is the database's time minus the monotonic one."""
        order, actor = row.order, row.order.actor
        return {
            "id": row.id,
            "trigger_id": storable(order.trigger_id),
            "team_id": actor.team_id,
            "session_id": order.session_id,
            "verb": order.verb.value,
            "reason": storable(order.reason),
            "source": order.source.value,
            "user_id": actor.user_id,
            "home_team_id": actor.home_team_id,
            "channel_id": actor.channel_id,
            "thread_ts": storable(row.address.thread_ts),
            "reply": None
            if row.state is State.TOLD
            else write_reply(row.id, row.address, order.expected_version, self._cipher),
            "given_at": row.given_at + offset,
            "owner": self._owner,
            **self._progress(row, offset),
        }

    def changes(self, row: OrderRow, offset: float) -> dict[str, Any]:
        """Return the parameters of UPDATE_ORDERS."""
        return {"of_id": row.id, "of_owner": self._owner, **self._progress(row, offset)}

    def _progress(self, row: OrderRow, offset: float) -> dict[str, Any]:
        outcome, fields = (None, None) if row.outcome is None else write_outcome(row.outcome)
        return {
            "state": row.state.value,
            "outcome": outcome,
            "outcome_fields": fields,
            "delivered_by": row.delivered_by,
            "settled_at": None if row.settled_at is None else row.settled_at + offset,
            "told_at": None if row.told_at is None else row.told_at + offset,
            "leased_until": time.monotonic() + offset + self._lease,
        }

    def unfinished(self, row: Row[Any], now: float) -> Unfinished:
        """Return what a row of `unfinished_orders` says; `now` is the database's time."""
        actor = Actor(row.team_id, row.channel_id, row.user_id, row.home_team_id)
        address, version = read_reply(row.id, actor, row.thread_ts, row.reply, self._cipher)
        order = Order(
            verb=Verb(row.verb),
            session_id=SessionId(row.session_id),
            actor=actor,
            reason=row.reason,
            trigger_id=row.trigger_id,
            source=Source(row.source),
            expected_version=version,
        )
        state, outcome = State(row.state), None
        if row.outcome is not None:
            try:
                outcome = read_outcome(row.outcome, row.outcome_fields)
            except UnreadableError:
                state = State.SENT
        age, settled_age = max(0.0, now - row.given_at), None if outcome is None else now - row.settled_at
        return Unfinished(row.id, order, address, state, outcome, age, row.is_opposed, row.has_company, settled_age)


def storable(value: str | None) -> str | None:
    """Return a text without what a database refuses: NUL, and halves of surrogate pairs.

    One refused text would keep all other orders from being stored.
    """
    return value and value.replace("\0", "").encode(errors="replace").decode()

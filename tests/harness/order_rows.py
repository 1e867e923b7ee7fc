"""Rows of the journal of orders."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

from hypothesis import strategies as st

from bot.core.fields import Secret
from bot.core.outcomes import Outcome
from bot.core.recovery import State
from bot.core.requests import Actor, ClickedMessage, MessageContent, Order, ReplyAddress, Verb
from bot.core.session_ids import SessionId
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import DatabaseClock
from bot.outbound.store.entries import Entry
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.opposition import CHANGE_SINCE, LATER_RESUME, OTHER_ORDERS, session_locks
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.postgresql import PostgresqlDriver
from bot.outbound.store.secrets import FieldCipher
from bot.outbound.store.store import Store
from harness.databases import KEY
from harness.texts import SESSION

__all__ = ["Connection", "OrderHistory", "session_locks"]

STATEMENTS = (OTHER_ORDERS, LATER_RESUME, CHANGE_SINCE)
RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/secret"


def order_row(
    verb: Verb = Verb.PAUSE,
    state: State = State.SENT,
    outcome: Outcome | None = None,
    *,
    team: str = "T0HOME00001",
    session: str = SESSION,
    trigger: str | None = None,
    user: str = "U0ALICE0001",
    age: float = 0.0,
) -> Entry:
    """Return the row of a command, Alice's by default, given `age` seconds ago."""
    actor = Actor(team, "C0ALERTS001", user, team)
    given_at = time.monotonic() - age
    return Entry(
        id=secrets.token_hex(10),
        order=Order(verb, SessionId(session), actor, "it loops", trigger),
        address=ReplyAddress(actor, Secret(RESPONSE_URL)),
        state=state,
        outcome=outcome,
        delivered_by=None,
        given_at=given_at,
        settled_at=given_at if outcome else None,
        told_at=None,
        written=cast("Any", None),  # no journal has it
    )


Make = Callable[[], Entry]
"""Makes a row whose age counts from the beginning of a test, which can be minutes after the collection of the tests."""


def row(*values: Any, **fields: Any) -> Make:
    return partial(order_row, *values, **fields)


def settled(make: Make, outcome: Outcome, *, age: float = 0.0) -> Make:
    return lambda: acted(make(), outcome, settled_at=time.monotonic() - age)


def acted(before: Entry, outcome: Outcome, *, settled_at: float | None = None) -> Entry:
    at = before.given_at + 1 if settled_at is None else settled_at
    return replace(before, state=State.ACTED, outcome=outcome, settled_at=at)


def told(before: Entry, outcome: Outcome) -> Entry:
    return replace(acted(before, outcome), state=State.TOLD, delivered_by="ack", told_at=before.given_at + 2)


def rows_of(store: Store, owner: str = "ours", key: Secret = KEY) -> OrderRows:
    return OrderRows(store.database, FieldCipher([key]), owner)


async def taken_over(store: Store, owner: str = "theirs", *, all_leases: bool = True) -> list[Entry]:
    return await rows_of(store, owner).take_over(all_leases=all_leases)


@contextmanager
def frozen_transaction(url: str, *locks: int) -> Iterator[Connection]:
    """A transaction of another process with these locks, which does not go on."""
    connection = Connection(PostgresqlDriver(url))
    try:
        connection.execute("BEGIN")
        DatabaseClock().now(connection, locks)
        yield connection
    finally:
        connection.close()


def clicked_messages(texts: st.SearchStrategy[str], objects: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    contents = st.builds(MessageContent, texts, objects)
    return st.builds(ClickedMessage, texts, texts, st.booleans(), st.none() | contents)

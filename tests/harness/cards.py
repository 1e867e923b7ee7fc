"""Messages of the bot in the database, past the outbox."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.core.alerts import Alert, Severity, first
from bot.core.cards import Card, MarkedCards, Part
from bot.core.session_ids import SessionId
from bot.core.sessions import Deadline
from bot.messages.blocks import View
from bot.outbound.store.alerts import Folded, Ignored, IncomingAlert, place
from bot.outbound.store.card_sessions import CardSessions
from bot.outbound.store.leases import Lease
from bot.outbound.store.outbox import MessageRows, ask_for_cards, mark
from bot.outbound.store.store import Store
from bot.outbound.store.writer import Writer
from bot.runtime import Readiness, Tasks
from harness.stored import ACME
from harness.texts import SESSION

__all__ = ["Card", "CardSessions", "Deadline", "Folded", "Ignored", "IncomingAlert", "Lease", "MarkedCards"]
__all__ += ["MessageRows", "Part", "Severity", "View", "ask_for_cards", "first", "mark", "place"]

ALERT = Alert(session_id=SessionId(SESSION), text="it loops")
NAME = (ACME.team_id, SessionId(SESSION))
_numbers = itertools.count()


@asynccontextmanager
async def messages_of(store: Store) -> AsyncIterator[MessageRows]:
    """The messages in a store, with a writer that runs."""
    writer, tasks = Writer(store.database, None, Readiness()), Tasks()
    tasks.start(writer.run())
    try:
        yield MessageRows(store.database, writer)
    finally:
        writer.stop()
        await tasks.settle(within=5.0)


def card(
    channel: str = "C1", *, team: str = ACME.team_id, ts: str | None = "1.1", session: str = SESSION, **more: Any
) -> Card:
    session_id, name = SessionId(session), f"card-{next(_numbers):06}"
    content = first(Alert(session_id, "It spends.", fields=(("model", "large"),)), 0.0)
    return Card(id=name, team_id=team, channel_id=channel, parts=(Part(name, session_id, content),), ts=ts, **more)


def incoming(name: str, *, session: str = SESSION, **alert: Any) -> IncomingAlert:
    return IncomingAlert(name, ACME.team_id, "C1", replace(ALERT, session_id=SessionId(session), **alert))


_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)"
COPIES = (
    f"""
    INSERT INTO parts (id, message_id, team_id, session_id, kind, content, facts, created_at, changed_at)
    {_NUMBERS} SELECT parts.id || n, message_id || n, team_id,
      substr(session_id, 1, 24) || substr(CAST(1000000000000 + n AS TEXT), 2), kind, content, facts, created_at - 60.0,
      changed_at - 60.0
    FROM parts, numbers WHERE team_id = :team_id
    """,  # noqa: S608 - no value
    f"""
    INSERT INTO messages (id, team_id, channel_id, ts, version, shown, due, urgency, created_at, changed_at)
    {_NUMBERS} SELECT messages.id || n, team_id, channel_id || (n % :channels), ts || n, 1, shown, due, urgency,
      created_at - 60.0, changed_at - 60.0
    FROM messages, numbers WHERE team_id = :team_id
    """,  # noqa: S608 - no value
)
"""Copies of the messages of a workspace, and of their parts."""

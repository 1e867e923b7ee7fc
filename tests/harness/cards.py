"""Cards: their rows in the database, and rows that keep what an outbox writes."""

import itertools
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.core.cards import (
    Alert,
    Asked,
    Automatic,
    MarkedCards,
    NewCard,
    Reply,
    ResultContent,
    SessionName,
    Severity,
    Worse,
    first,
    fold,
)
from bot.core.fairness import Tally
from bot.core.retries import LONGEST_ATTEMPT
from bot.core.session_checks import Check
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.slack import client
from bot.outbound.slack.client import Refused
from bot.outbound.store.card_claims import LEASE
from bot.outbound.store.card_values import (
    CardChanges,
    CardPart,
    ClaimedCard,
    Exchanged,
    IncomingAlert,
    Placed,
    SentCard,
)
from bot.outbound.store.cards import CardRows, mark
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import session_lock
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.usecases.cards import Attempt
from harness.stored import ACME
from harness.texts import SESSION

__all__ = [
    "LEASE",
    "LONGEST_ATTEMPT",
    "Check",
    "ClaimedCard",
    "MarkedCards",
    "SentCard",
    "Session",
    "SessionName",
    "Tally",
    "client",
    "first",
    "fold",
]

ALERT = Alert(session_id=SessionId(SESSION), text="it loops")


def claimed_card(name: str = "card", ts: str | None = None, shown: str | None = None, attempts: int = 0) -> ClaimedCard:
    part = CardPart(name, SessionId(SESSION), first(ALERT, 0.0), 0)
    return ClaimedCard(team_id="T1", channel_id="C1", ts=ts, shown=shown, attempts=attempts, parts=(part,))


def incoming_alert(name: str, *, session: int = 0) -> IncomingAlert:
    alert = replace(ALERT, session_id=SessionId(str(uuid.UUID(int=session)))) if session else ALERT
    return IncomingAlert(name, "T1", "C1", alert)


def worse_alert(name: str, *, resolved: bool = False) -> IncomingAlert:
    """A critical alert about the session of `card`."""
    alert = replace(ALERT, severity=Severity.CRITICAL, is_resolved=resolved)
    return IncomingAlert(name, ACME.team_id, "C1", alert)


def pausing_alert(name: str) -> IncomingAlert:
    """An alert about the session of `card`, whose pause has been sent."""
    alert = replace(ALERT, fingerprint="f1", starts_at=1.0, asks=True)
    asked = Asked(Automatic.SENT, None, time.monotonic())
    return IncomingAlert(name, ACME.team_id, "C1", alert, asked=asked)


def placed(name: str) -> Placed:
    return Placed(name, is_new=True)


def posted(card: ClaimedCard) -> Attempt:
    return Attempt(SentCard(card, ts="1.1", shown="digest"))


def urgencies(card: ClaimedCard) -> set[str]:
    return {part.urgency.name for part in card.parts}


def refused(card: ClaimedCard) -> Attempt:
    return Attempt(SentCard(card), Refused("channel_not_found"))


class CardRowsInMemory:
    """Rows that claim each of `cards` once, and keep what they got: the changes, and the most cards to claim."""

    def __init__(self, *cards: ClaimedCard) -> None:
        self.cards = list(cards)
        self.changes: list[CardChanges] = []
        self.most: list[int] = []
        self.fails = False

    async def exchange(self, changes: CardChanges, *, most: int) -> Any:
        self.changes.append(changes)
        self.most.append(most)
        if self.fails:
            raise StoreUnreachableError("gone")
        claimed = [self.cards.pop()] if self.cards and most else ()
        return Exchanged(placed={one.id: placed(one.id) for one in changes.alerts}, claimed=claimed)


NAME = (ACME.team_id, SessionId(SESSION))
_numbers = itertools.count()


def card(channel: str = "C1", *, team: str = ACME.team_id, ts: str | None = "1.1") -> NewCard:
    session_id = SessionId(SESSION)
    content = first(Alert(session_id, "It spends.", fields=(("model", "large"),)), 0.0)
    return NewCard(f"card-{next(_numbers):04}", team, channel, session_id, content, ts)


def got_worse() -> NewCard:
    """A reply about a card that got worse."""
    new = card(ts=None)
    return replace(new, content=replace(first(ALERT, 0.0), reply=Reply("1.1", Worse.MORE_SEVERE)))


def in_group(group: str) -> ResultContent:
    return ResultContent("order-1", "Paused", (), group)


async def exchange(rows: CardRows, *, most: int = 100, **changes: Any) -> Exchanged:
    return await rows.exchange(CardChanges(**changes), most=most)


async def mark_cards(rows: CardRows, *clicked: str) -> Mapping[SessionName, MarkedCards]:
    def work(connection: Connection) -> Mapping[SessionName, MarkedCards]:
        return mark(connection, {NAME: frozenset(clicked)}, connection.now())()

    return await rows.database.change(work, locks=[session_lock(*NAME)])


async def sent(rows: CardRows, claimed: Iterable[ClaimedCard], ts: str = "9.9", shown: str = "digest") -> Exchanged:
    return await exchange(rows, sent=[SentCard(one, one.ts or ts, shown) for one in claimed])


def cards_of(store: Store) -> CardRows:
    return CardRows(store.database, "one")


COPIES = """
    INSERT INTO cards (id, session_id, ts, channel_id, team_id, kind, content, shown, facts, version, attempts,
      not_before, due, created_at, changed_at)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    SELECT id || n, substr(session_id, 1, 24) || substr(CAST(1000000000000 + n AS TEXT), 2),
      CASE WHEN n % 2 = 0 THEN ts || n END, channel_id || (n % :channels), team_id, kind, content, shown, facts, 0, 0,
      created_at - 60.0, created_at - 60.0, created_at - 60.0, created_at - 60.0
    FROM cards, numbers WHERE team_id = :team_id
"""
"""Copies of the cards of a workspace that are due: every second one is posted, and is to be updated."""

"""Rows of cards: what is written into them, and what a process claims of them."""

import itertools
from collections.abc import Iterable
from typing import Any

from bot.core.alert import Alert
from bot.core.alert_fold import first
from bot.core.card import NewCard
from bot.core.session_id import SessionId
from bot.outbound.store.card_changes import CardChanges, ClaimedCard, Exchanged, SentCard
from bot.outbound.store.card_rows import CardRows
from bot.outbound.store.session_check_rows import SessionCheckRows
from bot.outbound.store.store import Store
from harness.stored import ACME
from harness.texts import SESSION

NAME = (ACME.team_id, SESSION)
_numbers = itertools.count()


def card(channel: str = "C1", *, team: str = ACME.team_id, ts: str | None = "1.1") -> NewCard:
    """A card of SESSION."""
    session_id = SessionId(SESSION)
    content = first(Alert(session_id, "It spends.", fields=(("model", "large"),)), 0.0)
    return NewCard(f"card-{next(_numbers):04}", team, channel, session_id, content, ts)


async def exchange(rows: CardRows, *, most: int = 100, **changes: Any) -> Exchanged:
    """Write changes, and claim what is due."""
    return await rows.exchange(CardChanges(**changes), most=most)


async def change(rows: CardRows) -> Exchanged:
    """The state of SESSION has changed."""
    return await exchange(rows, sessions={NAME: []})


async def sent(rows: CardRows, claimed: Iterable[ClaimedCard], ts: str = "9.9", shown: str = "digest") -> Exchanged:
    """Slack has taken the claimed cards."""
    return await exchange(rows, sent=[SentCard(one, one.ts or ts, shown) for one in claimed])


def checks_of(store: Store) -> SessionCheckRows:
    """Which sessions of cards have to be checked."""
    return SessionCheckRows(store.database)


def cards_of(store: Store) -> CardRows:
    return CardRows(store.database, "one")

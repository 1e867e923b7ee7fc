"""Rows of cards: what is written into them, and what a process claims of them."""

import itertools
from collections.abc import Iterable
from typing import Any

from bot.core.alert import Alert
from bot.core.alert_fold import first
from bot.core.card import NewCard, ResultContent
from bot.core.session_id import SessionId
from bot.outbound.store.card_changes import CardChanges, ClaimedCard, Exchanged, IncomingAlert, SentCard
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


def result(text: str) -> NewCard:
    """A card that says how an order ended."""
    content = ResultContent("id", text, ({"type": "divider"},))
    return NewCard("a", ACME.team_id, "C1", SessionId(SESSION), content)


def incoming(session: str = SESSION, *, is_resolved: bool = False) -> IncomingAlert:
    alert = Alert(SessionId(session), "It spends.", is_resolved=is_resolved)
    return IncomingAlert(f"card-{next(_numbers):04}", ACME.team_id, "C1", alert)


async def exchange(rows: CardRows, *, most: int = 100, **changes: Any) -> Exchanged:
    """Write changes, and claim what is due."""
    return await rows.exchange(CardChanges(**changes), most=most)


async def change(rows: CardRows, *clicked: str) -> Exchanged:
    """The state of SESSION has changed; its cards with these `ts` were clicked."""
    return await exchange(rows, sessions={NAME: []}, clicked={(ACME.team_id, "C1", ts) for ts in clicked})


async def sent(rows: CardRows, claimed: Iterable[ClaimedCard], ts: str = "9.9", shown: str = "digest") -> Exchanged:
    """Slack has taken the claimed cards."""
    return await exchange(rows, sent=[SentCard(one, one.ts or ts, shown) for one in claimed])


async def failed(rows: CardRows, claimed: ClaimedCard, **times: float) -> Exchanged:
    """Slack has refused a card, until some time or for ever."""
    return await exchange(rows, sent=[SentCard(claimed, **times)])  # type: ignore[arg-type]


def place(alerts: Iterable[IncomingAlert], *results: Exchanged) -> list[tuple[str, str | None, int, bool]]:
    """Where the alerts were put: the card, its message, which alert of it, and whether it is new."""
    places = {name: one for result in results for name, one in result.placed.items()}
    return [(one.card_id, one.ts, one.count, one.is_new) for one in (places[alert.id] for alert in alerts)]


def checks_of(store: Store) -> SessionCheckRows:
    """Which sessions of cards have to be checked."""
    return SessionCheckRows(store.database)


def cards_of(store: Store) -> CardRows:
    return CardRows(store.database, "one")

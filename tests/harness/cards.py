"""Cards that are claimed from an outbox, and rows that keep what an outbox writes."""

from typing import Any

from bot.core.alert import Alert
from bot.core.alert_fold import first
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.outbound.slack import delivery
from bot.outbound.slack.delivery import Refused
from bot.outbound.store.card_changes import (
    CardChanges,
    CardPart,
    ClaimedCard,
    Exchanged,
    IncomingAlert,
    Placed,
    SentCard,
)
from bot.outbound.store.errors import StoreUnreachableError
from bot.usecases.card_sender import Attempt
from harness.texts import SESSION

__all__ = ["Session", "delivery"]

ALERT = Alert(session_id=SessionId(SESSION), text="it loops")


def claimed_card(name: str = "card", ts: str | None = None, shown: str | None = None, attempts: int = 0) -> ClaimedCard:
    """Return the card of one alert."""
    part = CardPart(name, SessionId(SESSION), first(ALERT, 0.0), 0)
    return ClaimedCard(team_id="T1", channel_id="C1", ts=ts, shown=shown, attempts=attempts, parts=(part,))


def incoming_alert(name: str) -> IncomingAlert:
    """Return an alert for a channel."""
    return IncomingAlert(name, "T1", "C1", ALERT)


def placed(name: str) -> Placed:
    """Return the place of an alert that made a card."""
    return Placed(name, is_new=True)


def posted(card: ClaimedCard) -> Attempt:
    """Let Slack take a card."""
    return Attempt(SentCard(card, ts="1.1", shown="digest"))


def refused(card: ClaimedCard) -> Attempt:
    """Let Slack refuse a card."""
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

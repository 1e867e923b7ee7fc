"""Place alerts on cards: on the open card of their session in the channel, or on a new one."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from bot.core.cards import AlertContent, NewCard, first, fold
from bot.outbound.store.card_changes import IncomingAlert, Placed
from bot.outbound.store.card_codec import read_content, write_content
from bot.outbound.store.card_statements import FOLD, OPEN_ALERTS
from bot.outbound.store.parameter_lists import padded

_Name = tuple[str, str, str]  # workspace, channel and session


class AlertPlaces:
    """The open cards of sessions with alerts, and what new alerts add to them. `now` is the database's time."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._cards: dict[_Name, Placed] = {}
        self._contents: dict[str, AlertContent] = {}
        self._folded: set[str] = set()
        self._new: dict[str, IncomingAlert] = {}

    def read(self, connection: Connection, alerts: Sequence[IncomingAlert]) -> None:
        """Read the open cards of the sessions of alerts."""
        sessions = sorted({(one.team_id, one.alert.session_id) for one in alerts})
        for row in connection.execute(OPEN_ALERTS, {"sessions": padded(sessions)}):
            content = read_content(row.kind, row.content)
            assert isinstance(content, AlertContent)  # noqa: S101 - the query chooses them
            self._cards[row.team_id, row.channel_id, row.session_id] = Placed(row.id, row.ts)
            self._contents[row.id] = content

    def place(self, one: IncomingAlert) -> Placed:
        """Return the place of an alert. A resolved one makes no card."""
        name = (one.team_id, one.channel_id, one.alert.session_id)
        card = self._cards.get(name)
        if card is None and one.alert.is_resolved:
            return Placed("")
        if card is None:
            card = self._cards[name] = Placed(one.id)
            self._contents[one.id], self._new[one.id] = first(one.alert, self._now), one
        else:
            self._contents[card.card_id] = fold(self._contents[card.card_id], one.alert, self._now)
            self._folded.add(card.card_id)
        count = self._contents[card.card_id].count
        return Placed(card.card_id, card.ts, count, is_new=card.card_id == one.id)

    def write(self, connection: Connection) -> list[NewCard]:
        """Update the cards that have more alerts now. Return those to be made."""
        changed: list[dict[str, Any]] = [
            {"of_id": card_id, "of_content": write_content(self._contents[card_id]), "now": self._now}
            for card_id in sorted(self._folded - self._new.keys())
        ]
        if changed:
            connection.execute(FOLD, changed)
        return list(self._made())

    def _made(self) -> Iterator[NewCard]:
        for one in self._new.values():
            content = self._contents[one.id]
            yield NewCard(one.id, one.team_id, one.channel_id, one.alert.session_id, content, facts=one.facts)


def place(
    connection: Connection, alerts: Sequence[IncomingAlert], now: float
) -> tuple[dict[str, Placed], list[NewCard]]:
    """Fold alerts into open cards. Return the place of each by its id, and the cards to be made for the others."""
    if not alerts:
        return {}, []
    places = AlertPlaces(now)
    places.read(connection, alerts)
    placed = {one.id: places.place(one) for one in alerts}
    return placed, places.write(connection)

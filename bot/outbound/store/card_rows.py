"""Read and write the rows of cards. Every method can raise StoreUnreachableError.

A card's row is its own entry in the outbox: `due` says that Slack has to be told of a change. However often the
session changes meanwhile, the message is sent once, as it is then.
"""

import math
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, case, update

from bot.core.cards import CardName, NewCard, SessionName
from bot.outbound.store.card_alerts import place
from bot.outbound.store.card_changes import CardChanges, CardNames, Exchanged, SentCard
from bot.outbound.store.card_claims import claim
from bot.outbound.store.card_codec import kind_of, write_content, write_facts
from bot.outbound.store.card_statements import LOOK, MARK, NEXT
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.parameter_lists import padded
from bot.outbound.store.schema import cards

_LOCK = 1_806_253_974_410_283_911  # any number, the same in every process

_c = cards.c


class CardRows:
    """Repository of cards. `owner` names this process."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._clock = DatabaseClock()

    async def exchange(self, changes: CardChanges, *, most: int) -> Exchanged:
        """Write changes, and claim up to `most` messages that are due, in one transaction.

        Processes do this one after the other, so each knows the pace of the others. There is no transaction if no card
        is affected, and none is due.
        """
        if not (changes.new or changes.alerts or changes.sent):
            is_affected, next_in = await self._look(changes.sessions.keys())
            if not is_affected and not (most and next_in == 0):
                return Exchanged(next_in=next_in if most else None)
        return await self._database.change(partial(self._exchange, changes, most))

    def _exchange(self, changes: CardChanges, most: int, connection: Connection) -> Exchanged:
        now = time.monotonic() + self._clock.offset(connection, [_LOCK])
        for sent in changes.sent:
            self._finish(connection, sent, now)
        placed, new = place(connection, changes.alerts, now)
        _insert(connection, [*changes.new, *new], now)
        open_cards = _mark(connection, changes, now)
        claimed = claim(connection, self._owner, changes.sent, now, most=most)
        next_at = connection.execute(NEXT, {"now": now}).scalar()
        return Exchanged(open_cards, placed, claimed, None if next_at is None else max(0.0, next_at - now))

    async def _look(self, sessions: Collection[SessionName]) -> tuple[bool, float | None]:
        """Return whether sessions have open cards, and in how many seconds any card is due.

        It is due at once if the database's clock is not known yet.
        """
        (row,) = await self._database.fetch_all(LOOK, sessions=padded(sessions), now=self._clock.estimate())
        if row.next_at is None:
            return bool(row.is_affected), None
        now = self._clock.estimate()
        return bool(row.is_affected), 0.0 if now == -math.inf else max(0.0, row.next_at - now)

    def _finish(self, connection: Connection, sent: SentCard, now: float) -> None:
        """Record the end of an attempt, unless another process has made one since.

        What changed meanwhile stays due, also on a card that would be closed.
        """
        for part in sent.card.parts:
            is_current = _c.version == part.version
            attempts, delay = sent.card.attempts + 1, sent.retry_after or 0.0
            values: dict[str, Any] = {"attempts": attempts, "not_before": now + delay}
            if sent.ts is not None:
                due = case((is_current, None), else_=_c.due)
                values |= {"attempts": 0, "ts": sent.ts, "shown": sent.shown, "due": due}
            elif sent.retry_after is None:
                values |= {"due": case((is_current, None), else_=_c.due), "closed_at": case((is_current, now))}
            is_ours = (_c.id == part.id, _c.owner == self._owner)
            connection.execute(update(cards).where(*is_ours).values(values))


def _insert(connection: Connection, new: Sequence[NewCard], now: float) -> None:
    """Insert cards. An earlier transaction without an answer can have done it."""
    if new:
        insert = INSERT[connection.dialect.name](cards).on_conflict_do_nothing()
        connection.execute(insert, [_values(card, now) for card in new])


def _mark(connection: Connection, changes: CardChanges, now: float) -> dict[SessionName, CardNames]:
    """Mark the open cards of sessions as due. Return their names."""
    found: dict[SessionName, set[CardName]] = {name: set() for name in changes.sessions}
    if not found:
        return {}
    values = {"sessions": padded(found), "clicked": padded(ts for _, _, ts in changes.clicked), "now": now}
    for row in connection.execute(MARK, values):
        found[row.team_id, row.session_id].add((row.team_id, row.channel_id, row.ts or ""))
    return {name: frozenset(names) for name, names in found.items()}


def _values(card: NewCard, now: float) -> dict[str, Any]:
    return {
        "id": card.id,
        "team_id": card.team_id,
        "channel_id": card.channel_id,
        "ts": card.ts,
        "session_id": card.session_id,
        "kind": kind_of(card.content),
        "content": write_content(card.content),
        "shown": card.shown,
        "facts": None if card.facts is None else write_facts(card.facts),
        "version": 0,
        "due": now,
        "not_before": now,
        "attempts": 0,
        "created_at": now,
        "changed_at": now,
    }

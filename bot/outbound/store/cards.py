"""The rows of cards, and the sessions on them. Every method can raise StoreUnreachableError.

A row is its own entry in the outbox: `due` says that Slack has to be told of a change. However often the session
changes meanwhile, the message is sent once, as it is then.
"""

import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, func, or_, select, update

from bot.core.cards import AlertContent, CardName, NewCard, SessionName, first, fold
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.card_claims import (
    ALERT,
    FOLD,
    IS_LIVE,
    IS_OPEN,
    LOOK,
    MARK,
    NEXT,
    OPEN_ALERTS,
    CardChanges,
    CardNames,
    Exchanged,
    IncomingAlert,
    Placed,
    SentCard,
    claim,
    kind_of,
    read_content,
    read_facts,
    write_content,
    write_facts,
)
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.parameter_lists import padded
from bot.outbound.store.schema import cards, orders, session_checks

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


_IS_LIVE_ALERT = (*IS_LIVE, _c.kind == ALERT)
_SHOWN = select(_c.session_id, _c.facts).where(_c.team_id == bindparam("team_id"), *_IS_LIVE_ALERT).distinct()
_RECORD = (
    update(cards)
    .where(
        _c.team_id == bindparam("of_team"),
        _c.session_id == bindparam("of_session"),
        *_IS_LIVE_ALERT,
        or_(_c.facts.is_(None), _c.facts != bindparam("new_facts")),
    )
    .values(facts=bindparam("new_facts"), version=_c.version + 1, due=func.coalesce(_c.due, bindparam("now")))
)


class CardFactRows:
    """Repository of the facts on open cards of alerts; a result has its facts in its text."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = DatabaseClock()

    async def shown(self, team_id: str) -> list[tuple[SessionId, Session | None]]:
        """Return the sessions of a workspace's cards, each with the facts that a card shows."""
        rows = await self._database.fetch_all(_SHOWN, team_id=team_id)
        return [(SessionId(row.session_id), read_facts(row.session_id, row.facts)) for row in rows]

    async def record(self, team_id: str, facts: Mapping[SessionId, Session]) -> None:
        """Record facts of sessions, and mark the cards as due that show others."""
        rows = [
            {"of_team": team_id, "of_session": session_id, "new_facts": write_facts(session)}
            for session_id, session in sorted(facts.items())
        ]

        def write(connection: Connection) -> None:
            now = time.monotonic() + self._clock.offset(connection)
            connection.execute(_RECORD, [row | {"now": now} for row in rows])

        await self._database.change(write)


_TEAMS = select(_c.team_id, func.min(_c.created_at).label("since")).where(*IS_LIVE).group_by(_c.team_id)
_SESSIONS = select(_c.session_id).where(_c.team_id == bindparam("team_id"), *IS_LIVE).distinct()
_UNTOLD = (
    select(_c.team_id, _c.session_id)
    .where(
        IS_OPEN,
        _c.due.is_(None),
        exists().where(
            orders.c.team_id == _c.team_id,
            orders.c.session_id == _c.session_id,
            orders.c.settled_at >= _c.changed_at,
        ),
    )
    .distinct()
)
_END = (
    update(cards)
    .where(_c.team_id == bindparam("of_team"), _c.session_id == bindparam("of_session"), *IS_LIVE)
    .values(
        ended_status=bindparam("status"),
        ended_at=bindparam("now"),
        changed_at=bindparam("now"),
        version=_c.version + 1,
        due=func.coalesce(_c.due, bindparam("now")),
    )
)


class SessionCheckRows:
    """Repository of the checks of sessions that have open cards."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = DatabaseClock()

    async def untold(self) -> frozenset[SessionName]:
        """Return the sessions with an outcome that their cards were not told: its process was killed before that."""
        return frozenset((row.team_id, row.session_id) for row in await self._database.fetch_all(_UNTOLD))

    async def claim(self, interval: float) -> dict[str, float]:
        """Return the workspaces that this process has to check, and since when they have open cards (Unix seconds).

        Others that have been checked within `interval` seconds, or have no older card, are left out. No other process
        checks these within that time.
        """
        if not await self._database.fetch_all(_TEAMS):
            return {}

        def claim(connection: Connection) -> dict[str, float]:
            now = time.monotonic() + self._clock.offset(connection)
            insert = INSERT[connection.dialect.name](session_checks)
            upsert = insert.on_conflict_do_update(
                index_elements=["team_id"],
                set_={"not_before": insert.excluded.not_before},
                where=session_checks.c.not_before <= now,
            ).returning(session_checks.c.team_id)
            teams = connection.execute(_TEAMS).all()  # an uninstallation can have deleted some meanwhile
            old = sorted((row.team_id, row.since) for row in teams if row.since <= now - interval)
            next_time = {"not_before": now + interval}
            return {
                team: since for team, since in old if connection.execute(upsert, {"team_id": team} | next_time).scalar()
            }

        return await self._database.change(claim)

    async def sessions(self, team_id: str) -> frozenset[str]:
        """Return the sessions with open cards."""
        return frozenset(row.session_id for row in await self._database.fetch_all(_SESSIONS, team_id=team_id))

    async def postpone(self, team_id: str, seconds: float) -> None:
        """Check a workspace no earlier than in so many seconds."""
        later = update(session_checks).where(session_checks.c.team_id == team_id)

        def write(connection: Connection) -> None:
            now = time.monotonic() + self._clock.offset(connection)
            connection.execute(later.values(not_before=now + seconds))

        await self._database.change(write)

    async def end(self, team_id: str, statuses: Mapping[str, str]) -> None:
        """Record that sessions have ended, with Anchor's word for each, and mark their cards as due."""
        ended = [
            {"of_team": team_id, "of_session": session_id, "status": status}
            for session_id, status in sorted(statuses.items())
        ]

        def write(connection: Connection) -> None:
            now = time.monotonic() + self._clock.offset(connection)
            connection.execute(_END, [row | {"now": now} for row in ended])

        await self._database.change(write)

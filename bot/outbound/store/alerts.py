"""Alerts on cards: one is folded into the open card of its session in the channel, or makes one."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.cards import (
    MOST_REPLIES_KEPT,
    MOST_WAITING,
    Alert,
    AlertContent,
    Asked,
    Automatic,
    Card,
    CardName,
    Part,
    Reply,
    SessionName,
    Urgency,
    Worse,
    first,
    fold,
    worse,
)
from bot.core.outcomes import Ended
from bot.core.session_ids import SessionId
from bot.core.sessions import Session, SessionState
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import session_lock
from bot.outbound.store.history import states_now
from bot.outbound.store.marks import firing_name
from bot.outbound.store.message_values import ALERT, REPLY, read_content, read_facts, readable, write_content
from bot.outbound.store.messages import ARE_OF_SESSIONS, CHANGE, MessageRows, add_cards

_OPEN = f"""
    SELECT parts.*, channel_id, ts FROM messages JOIN parts ON message_id = messages.id
    WHERE {ARE_OF_SESSIONS.replace("(team", "(parts.team")} AND closed_at IS NULL AND kind IN ('{ALERT}', '{REPLY}')
    ORDER BY parts.id
"""
_FOLD = "UPDATE parts SET content = :content, changed_at = :now WHERE id = :id"
_CHANGED = f"{CHANGE} id = :message_id"
_ENDED = f"""
    SELECT team_id, session_id FROM parts WHERE {ARE_OF_SESSIONS} AND ended_at IS NOT NULL UNION
    SELECT team_id, session_id FROM orders WHERE {ARE_OF_SESSIONS} AND outcome = '{Ended.__name__}'
"""
_WAITING = f"""
    SELECT count(*) AS number FROM (SELECT 1 FROM messages WHERE team_id = :team_id AND ts IS NULL AND due IS NOT NULL
      AND urgency = {Urgency.NEW_ALERT} LIMIT {MOST_WAITING}) AS few
"""
_COUNT = f"""
    UPDATE messages SET version = version + 1, due = 0, changed_at = :now, more = more + 1 WHERE id = (
      SELECT id FROM messages WHERE team_id = :team_id AND channel_id = :channel_id AND ts IS NULL AND due IS NOT NULL
        AND urgency = {Urgency.NEW_ALERT} ORDER BY id DESC LIMIT 1)
    RETURNING id, more
"""
_DELETE = (
    "DELETE FROM parts WHERE id = :id",
    "DELETE FROM messages WHERE id = :message_id AND NOT EXISTS (SELECT 1 FROM parts WHERE message_id = messages.id)",
)
_CLOSE = "UPDATE messages SET closed_at = :now, due = NULL WHERE id = :message_id"
_FORGET_ONE = "DELETE FROM marks WHERE scope = :scope AND name = :name"
_FORGET_OF_SENDER = """
    DELETE FROM marks WHERE scope = :scope AND name > :first AND name < :last AND json_extract(value, '$[1]') = :sender
"""


@dataclass(frozen=True, slots=True)
class IncomingAlert:
    """An alert for a channel; `id` is that of its card, if it becomes one. `facts` are known of its session.

    What became of the pause that it `asked` for is known, if it did.
    """

    id: str
    team_id: str
    channel_id: str
    alert: Alert
    facts: Session | None = None
    asked: Asked | None = None

    @property
    def automatic(self) -> Automatic | None:
        """Return what it did."""
        return None if self.asked is None else self.asked.automatic

    def at(self, now: float) -> float:
        """Return the time of the alert, which is before that of its pause; `now` is the database's time."""
        return now if self.asked is None else now - max(0.0, time.monotonic() - self.asked.came_at)


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of an alert: the card, which is posted as `ts`, and how many alerts its session has there.

    It `is_new` if this alert made it. A resolved alert without a card has none: "", and one of a session that
    `has_ended`. If a message only counts its session, that has `total` of them.
    """

    card_id: str
    ts: str | None = None
    count: int = 0
    is_new: bool = False
    total: int = 0
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class _OnCard:
    """The alerts of a session on an open message, which is posted as `ts`."""

    id: str
    message_id: str
    name: CardName  # team, channel and session
    ts: str | None
    content: AlertContent
    part: Part


def place(rows: MessageRows, alerts: Sequence[IncomingAlert]) -> asyncio.Future[dict[str, Placed]]:
    """Fold alerts of a workspace into open cards, or add cards, also replies. The result is their places by id.

    The work can be done again after a commit whose answer was lost: a card then has one alert more.
    """
    locks = [session_lock(*name) for name in sorted({(one.team_id, one.alert.session_id) for one in alerts})]
    return rows.do(alerts[0].team_id, partial(_place_all, alerts), locks)


def _place_all(alerts: Sequence[IncomingAlert], connection: Connection) -> Callable[[], dict[str, Placed]]:
    sessions = {(one.team_id, SessionId(one.alert.session_id)) for one in alerts}
    found, ended_rows, waiting = connection.fetch_each(
        _OPEN, _ENDED, _WAITING, sessions=listed(sorted(sessions)), team_id=alerts[0].team_id
    )
    on_cards = [one for _, one in readable(found, _read)]
    placing = _Placing(
        connection,
        connection.now(),
        {one.name: one for one in on_cards if one.content.reply is None},
        {(row.team_id, row.session_id) for row in ended_rows},
        waiting[0].number,
    )
    placing.states = states_now(connection, sessions) if on_cards else {}
    placed = {one.id: placing.place(one) for one in alerts}
    placing.write([one for one in on_cards if one.content.reply])
    return lambda: placed


def _read(row: Row) -> _OnCard:
    content = read_content(row.kind, row.content)
    assert isinstance(content, AlertContent)  # noqa: S101 - the query chooses them
    session_id = SessionId(row.session_id)
    part = Part(row.id, session_id, content, read_facts(session_id, row.facts))
    return _OnCard(row.id, row.message_id, (row.team_id, row.channel_id, session_id), row.ts, content, part)


class _Placing:
    """Alerts that are being placed beside the open cards of their sessions."""

    def __init__(
        self,
        connection: Connection,
        now: float,
        cards: Mapping[CardName, _OnCard],
        ended: set[tuple[str, str]],
        waiting: int,
    ) -> None:
        self.connection, self.now, self.ended, self.waiting = connection, now, ended, waiting
        self.states = dict[SessionName, SessionState]()
        self.before, self.cards = dict(cards), dict(cards)
        self.new, self.replies = dict[str, Card](), dict[CardName, Card]()

    def place(self, one: IncomingAlert) -> Placed:
        """Place an alert."""
        name = (one.team_id, one.channel_id, one.alert.session_id)
        has_ended = (one.team_id, one.alert.session_id) in self.ended
        if one.alert.is_resolved:
            self._forget_firing(one)
            if not has_ended:
                self._resolve_elsewhere(one)
        card = self.cards.get(name)
        if has_ended or (card is None and one.alert.is_resolved):  # it makes no card
            return Placed("", has_ended=has_ended)
        if card is not None:
            content = card.content if card.id == one.id else self._fold(card, one)  # it has been placed before
            return Placed(card.message_id, card.ts, content.count, is_new=card.id == one.id)
        if self.waiting >= MOST_WAITING and (counted := self._count(one)):
            return counted
        content = first(one.alert, one.at(self.now))
        part = Part(one.id, SessionId(one.alert.session_id), content, one.facts)
        self.new[one.id] = Card(id=one.id, team_id=one.team_id, channel_id=one.channel_id, parts=(part,))
        self.cards[name] = _OnCard(one.id, one.id, name, None, content, part)
        self.waiting += 1
        return Placed(one.id, None, 1, is_new=True)

    def _count(self, one: IncomingAlert) -> Placed | None:
        """Let the last message of the channel that waits count an alert for which there is no room."""
        where = {"team_id": one.team_id, "channel_id": one.channel_id}
        row = self.connection.fetch_one(_COUNT, **where, now=self.now)
        return None if row is None else Placed(row.id, total=row.more)

    def _fold(self, card: _OnCard, one: IncomingAlert) -> AlertContent:
        state = self.states.get((card.name[0], card.part.session_id))
        why = worse(card.content, one.alert, state, one.automatic) if card.ts else None
        if card.ts and why:
            content = replace(first(one.alert, one.at(self.now)), reply=Reply(card.ts, why))
            part = replace(card.part, id=one.id, content=content)
            self.replies[card.name] = Card(id=one.id, team_id=one.team_id, channel_id=one.channel_id, parts=(part,))
        is_news = why or one.automatic is not Automatic.REPEATED or card.content.resolved_at is not None
        after = fold(card.content, one.alert, one.at(self.now)) if is_news else card.content
        self._put(card, after)
        return after

    def _put(self, card: _OnCard, content: AlertContent) -> None:
        self.cards[card.name] = replace(card, content=content)
        if new := self.new.get(card.id):
            self.new[card.id] = replace(new, parts=(replace(new.parts[0], content=content),))

    def _resolve_elsewhere(self, one: IncomingAlert) -> None:
        """Resolve its own sender's alert on cards in other channels, too: it can have named one, or admins."""
        for card in list(self.cards.values()):
            is_same = card.name[::2] == (one.team_id, one.alert.session_id) and card.name[1] != one.channel_id
            if is_same and any(map(one.alert.resolves, card.content.firing)):
                self._put(card, fold(card.content, one.alert, self.now))

    def _forget_firing(self, one: IncomingAlert) -> None:
        """Let the next alert of its sender begin to fire. A resolved one without a fingerprint ends all of them."""
        alert, scope, name = one.alert, one.team_id, firing_name(one.alert)
        if alert.fingerprint:
            self.connection.queue(_FORGET_ONE, {"scope": scope, "name": name})
        else:
            begin = " ".join([*name.split()[:2], ""])
            values = {"scope": scope, "first": begin, "last": f"{begin[:-1]}~", "sender": alert.sender}
            self.connection.queue(_FORGET_OF_SENDER, values)

    def write(self, replies: Sequence[_OnCard]) -> None:
        """Write what has changed, and add what is new; `replies` are those about the cards before."""
        changed = [card for name, card in self.cards.items() if name in self.before and card != self.before[name]]
        resolved = {
            card.name: card.content.resolved_at
            for card in changed
            if card.content.resolved_at != self.before[card.name].content.resolved_at
        }
        changed += self._let_replies_follow(replies, resolved)
        changed += self._add_replies(replies)
        for card in sorted(changed, key=lambda one: one.message_id):
            values = {"id": card.id, "message_id": card.message_id, "now": self.now}
            self.connection.queue(_FOLD, values | {"content": write_content(card.content)})
            self.connection.queue(_CHANGED, values)
        add_cards([*self.new.values(), *self.replies.values()], self.connection)

    def _let_replies_follow(
        self, replies: Sequence[_OnCard], resolved: Mapping[CardName, float | None]
    ) -> list[_OnCard]:
        """Return the replies that say since when alerts are resolved. One not posted is deleted, if of no pause."""
        changed = list[_OnCard]()
        for one in replies:
            if one.name not in resolved or one.content.resolved_at == resolved[one.name]:
                continue
            is_of_pause = one.content.reply is not None and one.content.reply.why == Worse.PAUSED_BY_IT
            if one.ts is None and resolved[one.name] is not None and not is_of_pause:
                for sql in _DELETE:
                    self.connection.queue(sql, {"id": one.id, "message_id": one.message_id})
            else:
                changed.append(replace(one, content=replace(one.content, resolved_at=resolved[one.name])))
        return changed

    def _add_replies(self, replies: Sequence[_OnCard]) -> list[_OnCard]:
        """Return those not posted that a newer one replaces. Of posted ones the newest are kept up to date."""
        replaced, of_card = list[_OnCard](), defaultdict[CardName, list[_OnCard]](list)
        for one in replies:
            of_card[one.name].append(one)
        for name, new in list(self.replies.items()):
            pending = next((one for one in of_card[name] if one.ts is None), None)
            if self.cards[name].content.resolved_at is not None or pending is not None:
                del self.replies[name]
            else:
                old = of_card[name][: max(0, len(of_card[name]) + 1 - MOST_REPLIES_KEPT)]
                closing = [{"message_id": one.message_id, "now": self.now} for one in old]
                self.connection.queue(_CLOSE, *closing)
            if pending is not None and self.cards[name].content.resolved_at is None:
                content = new.content
                assert isinstance(content, AlertContent)  # noqa: S101 - made above
                replaced.append(replace(pending, content=content))
        return replaced

"""Alerts on cards: one is folded into the open card of its session in the channel, or makes one."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.alerts import (
    MOST_IN_SUMMARY,
    MOST_OLDER,
    MOST_SINGLE,
    MOST_WAITING,
    Alert,
    AlertContent,
    Asked,
    Automatic,
    first,
    fold,
    is_repeated,
    is_worse,
)
from bot.core.cards import Card, CardName, Part, SessionName, Urgency
from bot.core.outcomes import NOT_AUTOMATIC, Ended, name_of
from bot.core.session_ids import SessionId
from bot.core.sessions import Session, SessionState
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database, session_lock
from bot.outbound.store.outbox import (
    ALERT,
    ARE_OF_SESSIONS,
    CHANGE,
    MessageRows,
    add_cards,
    channel_lock,
    read_content,
    read_facts,
    readable,
    write_content,
)
from bot.outbound.store.session_states import states_now
from bot.outbound.store.writer import Read

LONGEST_JOINED = 60.0  # seconds for which a message waits, and others join it
_OPEN = f"""
    SELECT parts.*, coalesce(meant_for, channel_id) AS channel_id, ts
    FROM messages JOIN parts ON message_id = messages.id
    WHERE {ARE_OF_SESSIONS.replace("(team", "(parts.team")} AND closed_at IS NULL AND kind = '{ALERT}'
    ORDER BY parts.id
"""
_FOLD = """
    UPDATE parts SET content = :content, changed_at = CASE WHEN :is_newest = 1 THEN :now ELSE changed_at END
    WHERE id = :id
"""
"""On an older card an alert is no news: one that was deleted in Slack is not posted again beside the newest."""
_CHANGED = f"{CHANGE} id = :message_id"
_ENDED = f"""
    SELECT team_id, session_id FROM parts WHERE {ARE_OF_SESSIONS} AND ended_at IS NOT NULL UNION
    SELECT team_id, session_id FROM orders WHERE {ARE_OF_SESSIONS} AND outcome = '{Ended.__name__}'
"""
_WAITING = f"""
    SELECT channel_id, id, created_at, (SELECT count(*) FROM parts WHERE message_id = messages.id) AS size
    FROM messages
    WHERE team_id = :team_id AND channel_id IN (SELECT value FROM json_each(:channels)) AND ts IS NULL
      AND due IS NOT NULL AND meant_for IS NULL AND urgency = {Urgency.NEW_ALERT} ORDER BY id
"""
_COUNT = "UPDATE messages SET more = more + 1, version = version + 1, changed_at = :now, due = 0 WHERE id = :id"

_FIRES = f"""
    SELECT 1 FROM parts JOIN messages ON messages.id = message_id WHERE parts.team_id = :team_id AND kind = '{ALERT}'
      AND closed_at IS NULL AND ended_at IS NULL AND content LIKE '%"resolved_at": null%' LIMIT 1
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

    def at(self, now: float) -> float:
        """Return the time of the alert, which is before that of its pause; `now` is the database's time."""
        return now if self.asked is None else now - max(0.0, time.monotonic() - self.asked.came_at)


@dataclass(frozen=True, slots=True)
class Folded:
    """The alert is on a card with so many alerts, which is posted as `ts`, or will be. If it made the card, its id.

    With a count of 0 it has none: too many messages of the channel wait, and the last one counts it.
    """

    ts: str | None
    count: int
    card_id: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The alert is resolved, and has no card; or its session `has_ended`."""

    has_ended: bool = False


Place = Folded | Ignored


@dataclass(frozen=True, slots=True)
class _OnCard:
    """The alerts of a session on an open message, which is posted as `ts`."""

    id: str
    message_id: str
    name: CardName  # team, channel and session
    ts: str | None
    content: AlertContent
    facts: Session | None


async def fires(database: Database, team_id: str) -> bool:
    """Return whether an alert fires whose session has not ended. Raises StoreUnreachableError."""
    return await database.fetch_one(_FIRES, team_id=team_id) is not None


def place(rows: MessageRows, alerts: Sequence[IncomingAlert]) -> asyncio.Future[list[Place]]:
    """Fold alerts of a workspace into open cards, or add cards.

    The work can be done again after a commit whose answer was lost: a card, or a message, then has one alert more.
    """
    locks = [session_lock(*name) for name in sorted({(one.team_id, one.alert.session_id) for one in alerts})]
    locks += {channel_lock(one.team_id, one.channel_id) for one in alerts}
    return rows.do(alerts[0].team_id, partial(_place_all, alerts), locks)


def _place_all(alerts: Sequence[IncomingAlert], connection: Connection) -> Read[list[Place]]:
    sessions = {(one.team_id, SessionId(one.alert.session_id)) for one in alerts}
    about = {"team_id": alerts[0].team_id, "channels": listed({one.channel_id for one in alerts})}
    found, ended_rows, waiting = connection.fetch_each(
        _OPEN, _ENDED, _WAITING, sessions=listed(sorted(sessions)), **about
    )
    ended = {(row.team_id, row.session_id) for row in ended_rows}
    placing = _Placing(
        connection, [one for _, one in readable(found, _read) if not one.content.is_replaced], ended, waiting
    )
    placing.states = states_now(connection, sessions) if placing.cards else {}
    placed = [placing.place(one) for one in alerts]
    placing.write()
    return lambda: placed


def _read(row: Row) -> _OnCard:
    content = read_content(row.kind, row.content)
    assert isinstance(content, AlertContent)  # noqa: S101 - the query chooses them
    name = row.team_id, row.channel_id, row.session_id
    return _OnCard(row.id, row.message_id, name, row.ts, content, read_facts(row.session_id, row.facts))


class _Placing:
    """Alerts that are being placed on the open cards of their sessions."""

    def __init__(
        self, connection: Connection, found: Sequence[_OnCard], ended: set[tuple[str, str]], waiting: Sequence[Row]
    ) -> None:
        self.connection, self.now, self.ended = connection, connection.now(), ended
        self.states = dict[SessionName, SessionState]()
        self.before = {one.id: one for one in found}
        self.cards = {one.name: one for one in found}  # the newest of each
        self.older = defaultdict[CardName, list[_OnCard]](list)  # the oldest first
        for one in found:
            if one is not self.cards[one.name]:
                self.older[one.name].append(one)
        self.waiting = defaultdict[str, dict[str, int]](dict)  # how many sessions are on each message of a channel
        for row in waiting:
            self.waiting[row.channel_id][row.id] = row.size
        self.replaced = list[_OnCard]()
        self.counting = list[str]()  # messages, once for each alert
        self.old = {row.id for row in waiting if row.created_at < self.now - LONGEST_JOINED}

    def place(self, one: IncomingAlert) -> Place:
        """Place an alert."""
        name = (one.team_id, one.channel_id, one.alert.session_id)
        has_ended = (one.team_id, one.alert.session_id) in self.ended
        if one.alert.is_resolved and not has_ended:
            self._resolve_elsewhere(one)
        card = self.cards.get(name)
        if has_ended or (card is None and one.alert.is_resolved):  # it makes no card
            return Ignored(has_ended)
        if card is None:
            if self._is_full(one):
                self.counting.append(max(self.waiting[one.channel_id]))
                return Folded(None, 0)
            self.cards[name] = self._new(one, first(one.alert, self._told_at(one)), one.facts)
        elif card.id != one.id:  # else it has been placed before
            self.cards[name] = self._fold(card, one)
        now = self.cards[name]
        return Folded(now.ts, now.content.count, one.id if now.id == one.id else "")

    def _told_at(self, one: IncomingAlert) -> float:
        """Return when people were told of an alert: one that has a card in another channel is no news here."""
        is_known = one.asked is not None and one.asked.automatic is Automatic.REPEATED
        others = [card.content for card in self.cards.values() if card.name[::2] == (one.team_id, one.alert.session_id)]
        told = [other.last_at for other in others if is_known or is_repeated(other, one.alert)]
        return min([one.at(self.now), *told])

    def _is_full(self, one: IncomingAlert) -> bool:
        """Return whether no message that waits has room for an alert, and not only its card tells its pause."""
        waiting, asked = self.waiting[one.channel_id], one.asked
        is_told = asked is None or (asked.refusal is not None and name_of(asked.refusal) in NOT_AUTOMATIC)
        return is_told and len(waiting) >= MOST_WAITING and not self._with_room(waiting)

    def _new(self, one: IncomingAlert, content: AlertContent, facts: Session | None) -> _OnCard:
        """Return a new card, on a message of its own, or if many wait in its channel, on one of these with room."""
        waiting, name = self.waiting[one.channel_id], (one.team_id, one.channel_id, one.alert.session_id)
        room = self._with_room(waiting) if len(waiting) >= MOST_SINGLE else []
        message_id = room[-1] if room else one.id
        waiting[message_id] = waiting.get(message_id, 0) + 1
        return _OnCard(one.id, message_id, name, None, content, facts)

    def _with_room(self, waiting: Mapping[str, int]) -> list[str]:
        """Return the messages with room for a further session, but for the first one, which is being sent.

        One that Slack did not take for long is sent again rarely: it has room only if too many wait.
        """
        closed = self.old if len(waiting) < MOST_WAITING else ()
        return [one for one in sorted(waiting)[1:] if waiting[one] < MOST_IN_SUMMARY and one not in closed]

    def _fold(self, card: _OnCard, one: IncomingAlert) -> _OnCard:
        """Return the card with an alert; if that makes it worse, a new card, which notifies people."""
        state = self.states.get((card.name[0], SessionId(card.name[2])))
        automatic = None if one.asked is None else one.asked.automatic
        is_new = card.ts is not None and is_worse(card.content, one.alert, state, automatic)
        is_news = is_new or automatic is not Automatic.REPEATED or card.content.resolved_at is not None
        content = fold(card.content, one.alert, one.at(self.now)) if is_news else card.content
        if not is_new:
            return replace(card, content=content)
        is_called = one.alert.is_called or one.alert.severity is not content.alert.severity
        content = replace(content, alert=replace(content.alert, is_called=is_called))
        older = self.older[card.name]
        older.append(card)
        while len(older) > MOST_OLDER:
            oldest = older.pop(0)  # it counts as no alert that fires
            self.replaced.append(replace(oldest, content=replace(oldest.content, firing=(), is_replaced=True)))
        return self._new(one, content, card.facts)

    def _resolve_elsewhere(self, one: IncomingAlert) -> None:
        """Resolve its own sender's alert on cards in other channels, too: it can have named one, or admins."""
        for card in list(self.cards.values()):
            if card.name[::2] == (one.team_id, one.alert.session_id) and card.name[1] != one.channel_id:
                self.cards[card.name] = replace(card, content=fold(card.content, one.alert, self.now))

    def write(self) -> None:
        """Write what has changed, and add what is new. Older cards show the alerts of the newest one."""
        after = [*self.cards.values(), *self.replaced]
        for name, older in self.older.items():
            after += [replace(one, content=self.cards[name].content) for one in older]
        new = [one for one in after if one.id not in self.before]
        add_cards([_card(one) for one in new], self.connection)
        changed = [one for one in after if self.before.get(one.id, one) != one]
        changed += [one for one in new if one.message_id != one.id]
        for card in sorted(changed, key=lambda one: one.message_id):
            values = {"id": card.id, "message_id": card.message_id, "now": self.now}
            told = {"content": write_content(card.content), "is_newest": int(card is self.cards[card.name])}
            self.connection.queue(_FOLD, values | told)
            self.connection.queue(_CHANGED, values)
        self.connection.queue(_COUNT, *({"id": one, "now": self.now} for one in sorted(self.counting)))


def _card(one: _OnCard) -> Card:
    part = Part(one.id, SessionId(one.name[2]), one.content, one.facts)
    return Card(id=one.message_id, team_id=one.name[0], channel_id=one.name[1], parts=(part,))

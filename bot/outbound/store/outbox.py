"""The messages of the bot that are to be posted, or kept up to date: a row each, and one for each session on it.

Any process changes a message, with `version + 1` and `due = 0`. The leader takes what is due of no or an earlier term
into memory (`due = term`), and sends the newest state, however often it changed. `due` is null once Slack has the
version that the row has. So nothing has to be put back when the leader changes. All times are the database's.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from bot.core import alerts, cards
from bot.core.cards import Card, MarkedCards, SessionName, Urgency
from bot.core.fields import known_fields
from bot.core.mentions import MENTION_INTERVAL
from bot.core.orders import Verb
from bot.core.retries import DELETED
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, state_at_anchor
from bot.outbound.store.connections import Connection, Row, Statement, listed, storable
from bot.outbound.store.database import Database, session_lock
from bot.outbound.store.leases import LEADS
from bot.outbound.store.writer import Read, Steps, Work, Writer

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

Marks = Mapping[SessionName, frozenset[str]]
"""The sessions whose cards are to show a change, each with the `ts` of clicked messages, whose updates are urgent."""

ALERT, RESULT, HELD, BATCH = "alert", "result", "held", "batch"
"""The kinds of parts."""
_KINDS = {cards.ResultContent: RESULT, cards.HeldContent: HELD, cards.BatchContent: BATCH}

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""The exceptions of a row that cannot be decoded: a newer version of the bot can have written it."""


MOST_TAKEN = 500
_LONGEST_CODE = 80

ARE_OF_SESSIONS = """
    (team_id, session_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:sessions))
"""
IS_OPEN = "message_id IN (SELECT id FROM messages WHERE closed_at IS NULL)"
"""The condition that a part is on a message that the bot keeps up to date."""
_ADD_PART = """
    INSERT INTO parts (id, message_id, team_id, session_id, kind, content, facts, created_at, changed_at)
    SELECT :id, :message_id, :team_id, :session_id, :kind, :content, :facts, :now, :now
    WHERE NOT EXISTS (SELECT 1 FROM parts JOIN messages ON messages.id = message_id
      WHERE parts.team_id = CAST(:team_id AS VARCHAR) AND session_id = CAST(:session_id AS VARCHAR)
        AND channel_id = CAST(:channel_id AS VARCHAR) AND closed_at IS NULL
        AND ts = CAST(:ts AS VARCHAR))
    ON CONFLICT DO NOTHING
"""
"""A message has one open row for a session, also if its order was delivered twice."""
_ADD = """
    INSERT INTO messages (id, team_id, channel_id, ts, version, shown, due, urgency, created_at, changed_at,
      mentioned_at, sender)
    SELECT :id, :team_id, :channel_id, :ts, 1, :shown, 0, :urgency, :now, :now,
      CAST(:mentioned_at AS DOUBLE PRECISION), :sender
    WHERE EXISTS (SELECT 1 FROM parts WHERE message_id = CAST(:id AS VARCHAR)) ON CONFLICT DO NOTHING
"""
CHANGE = f"""
    UPDATE messages SET version = version + 1, changed_at = :now, due = 0,
      urgency = CASE WHEN ts IS NULL THEN urgency ELSE {Urgency.UPDATE} END
    WHERE closed_at IS NULL AND
"""
"""Let open messages be sent again; the condition follows."""
OF_PARTS = "id IN (SELECT message_id FROM parts WHERE {})"

_IS_COMPLETE = f"""
    EXISTS (SELECT 1 FROM parts WHERE message_id = messages.id AND kind = '{BATCH}' AND NOT EXISTS (
      SELECT 1 FROM orders WHERE batch_id = parts.session_id AND outcome IS NULL))
"""
"""It is the result of a batch whose orders have all ended: people wait for it."""
_MARKED = f"""
    SELECT parts.team_id, parts.session_id, messages.id, channel_id, ts, facts
    FROM parts JOIN messages ON messages.id = message_id WHERE {ARE_OF_SESSIONS.replace("(team", "(parts.team")}
      AND closed_at IS NULL
"""
_MARK = f"""
    UPDATE messages SET version = version + 1, changed_at = unix_now(), failure = NULL,
      due = CASE WHEN due IS NULL AND ts IN (SELECT value FROM json_each(:replaced)) THEN NULL ELSE 0 END,
      urgency = CASE WHEN ts IN (SELECT value FROM json_each(:clicked)) OR {_IS_COMPLETE} THEN {Urgency.CLICKED}
        WHEN ts IS NULL THEN urgency ELSE {Urgency.UPDATE} END
    WHERE id IN (SELECT id FROM messages
      WHERE {OF_PARTS.format(ARE_OF_SESSIONS)} AND closed_at IS NULL ORDER BY id FOR UPDATE)
"""
"""A message that is going to be replaced by its click is not due, unless it was. All lock them in one sequence."""
_TAKE = f"""
    UPDATE messages SET due = :term WHERE due < :term AND id IN (
      SELECT id FROM messages WHERE due < :term AND urgency <= :urgency
      ORDER BY due, urgency, id LIMIT {MOST_TAKEN} FOR UPDATE SKIP LOCKED)
      AND {LEADS}
    RETURNING id, team_id, channel_id, urgency, CASE WHEN ts IS NULL THEN 1 ELSE 0 END AS is_post
"""
_RESET = "UPDATE messages SET due = 0 WHERE due > 0"
_LOOK = "SELECT 1 FROM messages WHERE due < :term AND urgency <= :urgency LIMIT 1"
_CARD = "SELECT messages.*, unix_now() AS now FROM messages WHERE id = :id AND closed_at IS NULL"
_PARTS = "SELECT * FROM parts WHERE message_id = :id ORDER BY id"
_MENTION = f"""
    UPDATE messages SET mentioned_at = unix_now() WHERE id = :id AND mentioned_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM messages WHERE team_id = :team_id AND channel_id = :channel_id AND id <> :id
        AND EXISTS (SELECT 1 FROM parts WHERE message_id = messages.id AND kind = '{ALERT}')
        AND mentioned_at > unix_now() - {MENTION_INTERVAL} AND (ts IS NOT NULL OR closed_at IS NULL))
"""
"""Of the critical alerts in a channel one mentions people at a time, unless Slack has refused that."""
_SENT = f"""
    UPDATE messages SET ts = coalesce(ts, :ts), channel_id = CASE WHEN ts IS NULL THEN :channel_id ELSE channel_id END,
      shown = CASE WHEN ts IS NULL OR (coalesce(due, 0) = :term AND ts = :ts) THEN :shown END,
      due = CASE WHEN closed_at IS NOT NULL
          OR (coalesce(due, 0) = :term AND version = :version AND coalesce(ts, :ts) = :ts)
        THEN NULL ELSE 0 END,
      urgency = CASE WHEN urgency = {Urgency.CLICKED} AND version <> :version THEN urgency ELSE {Urgency.UPDATE} END
    WHERE id = :id RETURNING ts
"""
"""It stays due if it has changed meanwhile, or if another leader has sent it, too: the newest state comes last. If two
have posted it, the first one that is recorded is kept."""
_CLOSE = """
    UPDATE messages SET closed_at = CASE WHEN version = :version THEN unix_now() END,
      failure = CASE WHEN version = :version THEN CAST(:code AS VARCHAR) END,
      due = CASE WHEN version = :version THEN NULL ELSE 0 END
    WHERE id = :id AND closed_at IS NULL RETURNING closed_at
"""
_MOVE = """
    UPDATE messages SET meant_for = channel_id, channel_id = :to, version = version + 1, changed_at = unix_now(),
      due = 0, mentioned_at = CASE WHEN :is_critical = 0 THEN mentioned_at END
    WHERE id = :id AND ts IS NULL AND closed_at IS NULL
"""
"""A critical alert mentions people in a channel only if no other one did."""
_SEND_AGAIN = "UPDATE messages SET shown = NULL, due = 0 WHERE id = :id AND closed_at IS NULL"


@dataclass(eq=False, repr=False)
class MessageRows:
    """Repository of messages. Each of its reads, and `take`, can raise StoreUnreachableError.

    What else it writes waits while the database fails, in memory.
    """

    database: Database
    writer: Writer

    def do(self, team_id: str, work: Work[_T], locks: Sequence[int] = ()) -> asyncio.Future[_T]:
        """Do some work on messages of a workspace with the next ones, and let the outbox look then."""
        done = self.writer.do(work, person=(team_id, ""), locks=locks)
        done.add_done_callback(lambda _: self.database.messages_due.set())
        return done

    def add(self, added: Sequence[Card]) -> asyncio.Future[None]:
        """Add cards of a workspace, unless they are stored already."""
        return self.do(added[0].team_id, partial(add_cards, added), locks_of(added))

    async def begin(self) -> None:
        """Let all that is due be taken, also what an earlier run of a bot that is alone had in memory."""
        await self.database.execute(_RESET)

    async def take(self, leading: Mapping[str, object], *, urgency: int) -> list[Row]:
        """Return the messages that are due, at most MOST_TAKEN up to an urgency.

        From now on the process that leads, with these values of its lease, has them.
        """
        if not await self.database.look(_LOOK, term=leading["term"], urgency=urgency):
            return []
        values = {**leading, "urgency": urgency}
        return await self.database.change(lambda connection: connection.fetch_all(_TAKE, **values))

    async def card(self, message_id: str) -> Card | None:
        """Return a message as it is; None if it is closed or deleted, or a part can't be decoded, which is logged."""
        return await self.database.read(partial(read_message, message_id=message_id))

    async def mention(self, card: Card) -> bool:
        """Return whether a card mentions people: if no other one of its channel did so in MENTION_INTERVAL."""
        where = {"id": card.id, "team_id": card.team_id, "channel_id": card.channel_id}
        return card.mentions or await self.database.execute(_MENTION, **where) > 0

    def sent(self, card: Card, posted: tuple[str, str], shown: str, term: int = 0) -> asyncio.Future[str | None]:
        """Record that Slack has a card in this channel as this `ts`, with a digest. Return the `ts` that is kept.

        The `term` is that of the leader that has sent it, 0 for another process that a click came to.
        """
        channel_id, ts = posted
        values = {"id": card.id, "ts": ts, "channel_id": channel_id, "shown": shown, "version": card.version}

        def work(connection: Connection) -> Read[str | None]:
            sent = connection.queue(_SENT, values | {"term": term})
            return lambda: next((row.ts for row in sent.fetch_all()), None)

        return self.do(card.team_id, work)

    def close(self, card: Card, code: str, instead: Sequence[Card] = ()) -> asyncio.Future[None]:
        """Leave a card as it is, since Slack refuses it with this code, unless it has changed. Add others `instead`."""
        told = code[:_LONGEST_CODE] if code not in {"", DELETED} else None

        def close(connection: Connection) -> Steps[Read[None]]:
            closed = connection.queue(_CLOSE, {"id": card.id, "version": card.version, "code": told})
            yield
            row = closed.fetch_one()
            return add_cards(instead if row is not None and row.closed_at else (), connection)

        locks = [channel_lock(card.team_id, card.channel_id), *locks_of(instead)]  # no alert joins it meanwhile
        return self.do(card.team_id, close, locks)

    def move(self, card: Card, to: str) -> asyncio.Future[list[Row]]:
        """Let a card be posted in another channel than the one for which Slack refuses it."""
        values, locks = {"id": card.id, "to": to, "is_critical": int(card.is_critical)}, [card.channel_id, to]
        held = [channel_lock(card.team_id, one) for one in locks]  # no alert joins it meanwhile
        return self.do(card.team_id, lambda connection: connection.queue(_MOVE, values).fetch_all, held)

    def send_again(self, card: Card) -> asyncio.Future[list[Row]]:
        """Let a card be sent again, since nobody knows which state of it Slack has."""
        return self.do(card.team_id, lambda connection: connection.queue(_SEND_AGAIN, {"id": card.id}).fetch_all)


def read_message(connection: Connection, message_id: str) -> Card | None:
    """Return a message as it is; None if it is closed or deleted, or a part can't be decoded, which is logged."""
    messages, parts = connection.fetch_each(_CARD, _PARTS, id=message_id)
    try:
        return read_card(messages[0], parts, messages[0].now) if messages and parts else None
    except UNREADABLE as error:
        _log.error("message left as it is: it cannot be decoded", extra={"card": message_id, "why": repr(error)[:100]})
        return None


def channel_lock(team_id: str, channel_id: str) -> int:
    """Return the number of the lock of the messages about alerts that wait in a channel."""
    return session_lock(team_id, channel_id)


def locks_of(added: Iterable[Card]) -> list[int]:
    """Return the locks of the sessions of cards, which `add_cards` needs."""
    return sorted({session_lock(card.team_id, part.session_id) for card in added for part in card.parts})


def add_cards(added: Iterable[Card], connection: Connection) -> Read[None]:
    """Add cards in a transaction that holds the locks of their sessions, perhaps as a work of its writer.

    Else it could commit just before one that marks, and has not seen, these cards; they would show what was before.
    """
    for card in added:
        now = connection.now()
        row = {name: getattr(card, name) for name in ("id", "team_id", "channel_id", "ts", "shown")}
        row |= {"urgency": card.urgency.value, "now": now}
        row |= {"mentioned_at": now if card.mentions else None, "sender": card.sender or None}
        connection.queue(_ADD_PART, *[part_values(part, card) | {"now": now} for part in card.parts])
        connection.queue(_ADD, row)
    return lambda: None


def ask_for_cards(connection: Connection, marks: Marks) -> Statement:
    """Queue the question which cards `mark` marks."""
    return connection.queue(_MARKED, *([{"sessions": listed(sorted(marks))}] if marks else ()))


def mark(
    connection: Connection, marks: Marks, asked: Statement, replaced: Iterable[str] = ()
) -> dict[SessionName, MarkedCards]:
    """Let the next statement that is read mark the open cards of sessions as due, those that are clicked first.

    Those that are `replaced` through their click are not due by that. The transaction holds the locks of the sessions.
    Return the cards by session.
    """
    found = {session: MarkedCards() for session in marks}
    for row in asked.fetch_all():
        before = found[row.team_id, row.session_id]
        ids = {**before.ids, (row.team_id, row.channel_id, row.ts or ""): row.id}
        facts = before.facts or next((one for _, one in readable([row], facts_of)), None)
        found[row.team_id, row.session_id] = MarkedCards(ids, facts)
    if any(one != MarkedCards() for one in found.values()):
        clicked = listed(ts for messages in marks.values() for ts in messages)
        values = {"sessions": listed(sorted(marks)), "clicked": clicked, "replaced": listed(replaced)}
        connection.queue(_MARK, values)
    return found


def facts_of(row: Row) -> Session | None:
    """Return what is known of the session of a row. Raises one of UNREADABLE."""
    return read_facts(row.session_id, row.facts)


def write_content(content: cards.CardContent) -> str:
    """Return the content as JSON, without what a database refuses."""
    return storable(json.dumps(asdict(content))) or ""


def readable(rows: Iterable[Row], read: Callable[[Row], _T]) -> Iterator[tuple[Row, _T]]:
    """Yield the rows that can be decoded, each with what is read."""
    for row in rows:
        with suppress(*UNREADABLE):
            yield row, read(row)


def read_content(kind: str, text: str) -> cards.CardContent:
    """Decode a content. Raises one of UNREADABLE."""
    fields = json.loads(text)
    if kind == BATCH:
        return cards.BatchContent(**known_fields(cards.BatchContent, fields | {"verb": Verb(fields["verb"])}))
    if kind == RESULT:
        return cards.ResultContent(**known_fields(cards.ResultContent, fields | {"blocks": tuple(fields["blocks"])}))
    if kind == HELD:
        return cards.HeldContent(**known_fields(cards.HeldContent, fields))
    if kind != ALERT:
        raise ValueError(f"unknown kind {kind}")
    read = {"alert": _read_alert(fields["alert"]), "firing": tuple(alerts.Firing(*one) for one in fields["firing"])}
    return alerts.AlertContent(**known_fields(alerts.AlertContent, fields | read))


def _read_alert(fields: dict[str, Any]) -> alerts.Alert:
    read = {
        "session_id": SessionId(fields["session_id"]),
        "severity": alerts.Severity(fields["severity"]),
        "fields": tuple((name, value) for name, value in fields["fields"]),
        "warnings": tuple(fields["warnings"]),
    }
    return alerts.Alert(**known_fields(alerts.Alert, fields | read))


def write_facts(session: Session | None) -> str | None:
    """Return what is known of a session as JSON, without its id."""
    return None if session is None else json.dumps(session.stated())


def read_facts(session_id: str, text: str | None) -> Session | None:
    """Decode what is known of a session. Raises one of UNREADABLE."""
    if text is None:
        return None
    fields: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Session(id=SessionId(session_id), **known_fields(Session, fields | lists))


def part_values(part: cards.Part, card: cards.Card) -> dict[str, Any]:
    """Return the columns of a new part of a card."""
    return {
        "id": part.id,
        "message_id": card.id,
        "team_id": card.team_id,
        "channel_id": card.channel_id,
        "session_id": part.session_id,
        "kind": _KINDS.get(type(part.content), ALERT),
        "content": write_content(part.content),
        "facts": write_facts(part.facts),
        "ts": card.ts,
    }


def read_part(row: Row, message_changed_at: float) -> cards.Part:
    """Return the part of a row. Raises one of UNREADABLE."""
    session_id = SessionId(row.session_id)
    content, facts = read_content(row.kind, row.content), read_facts(session_id, row.facts)
    seen = state_at_anchor(Phase(row.missing), row.checked_at) if row.missing else None
    if row.ended_at is not None:
        seen = state_at_anchor(Phase.ENDED, row.ended_at, status=row.ended_status)
    return cards.Part(row.id, session_id, content, facts, seen, is_news=row.changed_at >= message_changed_at)


def read_card(row: Row, parts: Sequence[Row], now: float) -> cards.Card:
    """Return the card of the row of a message, and of those of its parts. Raises one of UNREADABLE."""
    same = {name: getattr(row, name) for name in ("id", "team_id", "channel_id", "ts", "shown", "version", "more")}
    read = tuple(read_part(part, row.changed_at) for part in parts)
    same |= {"sender": row.sender or "", "meant_for": row.meant_for or ""}
    return cards.Card(**same, parts=read, mentions=row.mentioned_at is not None, age=now - row.created_at)

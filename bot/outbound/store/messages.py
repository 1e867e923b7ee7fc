"""The messages of the bot that are to be posted, or kept up to date: a row each, and one for each session on it.

Any process changes a message, with `version + 1` and `due = 0`. The leader takes what is due of no or an earlier term
into memory (`due = term`), and sends the newest state, however often it changed. `due` is null once Slack has the
version that the row has. So nothing has to be put back when the leader changes. All times are the database's.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bot.core.cards import Card, CardName, MarkedCards, SessionName, Urgency
from bot.core.retries import DELETED, MENTION_INTERVAL
from bot.core.sessions import Session
from bot.outbound.store.connections import Connection, Row, Statement, listed
from bot.outbound.store.database import Database, session_lock
from bot.outbound.store.leases import LEADS
from bot.outbound.store.message_values import BATCH, UNREADABLE, part_values, read_card, read_facts, readable
from bot.outbound.store.news import CARDS
from bot.outbound.store.writer import Work, Writer

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

Marks = Mapping[SessionName, frozenset[str]]
"""The sessions whose cards are to show a change, each with the `ts` of clicked messages, whose updates are urgent."""

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
    SELECT parts.team_id, parts.session_id, channel_id, ts, closed_at, facts
    FROM parts JOIN messages ON messages.id = message_id WHERE {ARE_OF_SESSIONS.replace("(team", "(parts.team")}
      AND (closed_at IS NULL OR failure IS NOT NULL AND ts IS NOT NULL)
"""
_MARK = f"""
    UPDATE messages SET version = version + 1, changed_at = unix_now(), failure = NULL,
      due = CASE WHEN closed_at IS NOT NULL OR (due IS NULL AND ts IN (SELECT value FROM json_each(:replaced)))
        THEN NULL ELSE 0 END,
      urgency = CASE WHEN ts IN (SELECT value FROM json_each(:clicked)) OR {_IS_COMPLETE} THEN {Urgency.CLICKED}
        WHEN ts IS NULL THEN urgency ELSE {Urgency.UPDATE} END
    WHERE id IN (SELECT id FROM messages
      WHERE {OF_PARTS.format(ARE_OF_SESSIONS)} AND (closed_at IS NULL OR failure IS NOT NULL) ORDER BY id FOR UPDATE)
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
_NAMED = """
    SELECT id FROM messages
    WHERE team_id = :team_id AND channel_id = :channel_id AND ts = :ts AND closed_at IS NULL LIMIT 1
"""
_MENTION = f"""
    UPDATE messages SET mentioned_at = unix_now() WHERE id = :id AND mentioned_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM messages WHERE team_id = :team_id AND channel_id = :channel_id AND id <> :id AND sender IS NULL
        AND mentioned_at > unix_now() - {MENTION_INTERVAL} AND (ts IS NOT NULL OR closed_at IS NULL))
"""
"""Of the critical alerts in a channel one mentions people at a time, unless Slack has refused that."""
_SENT = f"""
    UPDATE messages SET ts = coalesce(ts, :ts), channel_id = CASE WHEN ts IS NULL THEN :channel_id ELSE channel_id END,
      shown = CASE WHEN ts IS NULL OR (due = :term AND ts = :ts) THEN :shown END,
      due = CASE WHEN closed_at IS NOT NULL OR (due = :term AND version = :version AND coalesce(ts, :ts) = :ts)
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
_SHOWN = """
    UPDATE messages SET shown = CASE WHEN version = :version AND due IS NULL THEN :shown END,
      due = CASE WHEN version <> :version OR :shown IS NULL THEN 0 ELSE due END
    WHERE id = :id AND closed_at IS NULL
"""
"""It is not known what came last if it has changed meanwhile, or the leader sends it, too."""
_POSTED = """
    SELECT channel_id, ts, failure, closed_at FROM messages
    WHERE id = (SELECT message_id FROM parts WHERE id = :part_id)
"""


@dataclass(eq=False)
class MessageRows:
    """Repository of messages. Each of its reads, and `take`, can raise StoreUnreachableError.

    What else it writes waits while the database fails, in memory.
    """

    database: Database
    writer: Writer

    def do(self, team_id: str, work: Work[_T], locks: Sequence[int] = ()) -> asyncio.Future[_T]:
        """Do some work on messages of a workspace with the next ones, and let the leader look then."""

        def tell(connection: Connection) -> Callable[[], _T]:
            read = work(connection)
            self.database.news.tell(connection, CARDS)
            return read

        done = self.writer.do(tell, person=(team_id, ""), locks=locks)
        done.add_done_callback(lambda _: self.database.news.cards.set())
        return done

    def add(self, cards: Sequence[Card]) -> asyncio.Future[None]:
        """Add cards of a workspace, unless they are stored already."""
        return self.do(cards[0].team_id, partial(_then_nothing, partial(add_cards, cards)), locks_of(cards))

    async def begin(self) -> None:
        """Let all that is due be taken, also what an earlier run of a bot that is alone had in memory."""
        await self.database.execute(_RESET)

    async def take(self, leading: Mapping[str, object], *, urgency: int) -> list[Row]:
        """Return the messages that are due, at most MOST_TAKEN up to an urgency.

        From now on the process that leads, with these values of its lease, has them.
        """
        if await self.database.fetch_one(_LOOK, term=leading["term"], urgency=urgency) is None:
            return []
        values = {**leading, "urgency": urgency}
        return await self.database.change(lambda connection: connection.fetch_all(_TAKE, **values))

    async def card(self, message_id: str) -> Card | None:
        """Return a message as it is; None if it is closed or deleted, or a part can't be decoded, which is logged."""

        def read(connection: Connection) -> Card | None:
            return read_message(connection, message_id)

        return await self.database.read(read)

    async def named(self, name: CardName) -> Card | None:
        """Return the card with a `ts`; None if there is none."""

        def read(connection: Connection) -> Card | None:
            values = dict(zip(("team_id", "channel_id", "ts"), name, strict=True))
            row = connection.fetch_one(_NAMED, **values)
            return None if row is None else read_message(connection, row.id)

        return await self.database.read(read)

    async def mention(self, card: Card) -> bool:
        """Return whether a card mentions people: if no other one of its channel did so in MENTION_INTERVAL."""
        where = {"id": card.id, "team_id": card.team_id, "channel_id": card.channel_id}
        return card.mentions or await self.database.execute(_MENTION, **where) > 0

    def sent(self, card: Card, posted: tuple[str, str], shown: str, term: int) -> asyncio.Future[str | None]:
        """Record that Slack has a card in this channel as this `ts`, with a digest. Return the `ts` that is kept."""
        channel_id, ts = posted
        values = {"id": card.id, "ts": ts, "channel_id": channel_id, "shown": shown, "version": card.version}

        def work(connection: Connection) -> Callable[[], str | None]:
            kept = connection.queue(_SENT, values | {"term": term})
            return lambda: next((row.ts for row in kept.fetch_all()), None)

        return self.do(card.team_id, work)

    def close(self, card: Card, code: str, instead: Sequence[Card] = ()) -> asyncio.Future[None]:
        """Leave a card as it is, since Slack refuses it with this code, unless it has changed. Add others `instead`."""
        told = code[:_LONGEST_CODE] if code not in {"", DELETED} else None

        def close(connection: Connection) -> None:
            row = connection.fetch_one(_CLOSE, id=card.id, version=card.version, code=told)
            if row is not None and row.closed_at:
                add_cards(instead, connection)

        locks = [channel_lock(card.team_id, card.channel_id), *locks_of(instead)]  # no alert joins it meanwhile
        return self.do(card.team_id, partial(_then_nothing, close), locks)

    def shown(self, card: Card, shown: str | None) -> asyncio.Future[None]:
        """Record the digest of what a click has made of a card, None if that is not known: then it is sent again."""
        values = {"id": card.id, "version": card.version, "shown": shown}

        return self.do(card.team_id, partial(_then_nothing, lambda connection: connection.queue(_SHOWN, values)))

    async def posted(self, part_id: str) -> Row | None:
        """Return channel_id, ts, failure and closed_at of the message with a part."""
        return await self.database.fetch_one(_POSTED, part_id=part_id)


def _then_nothing(work: Callable[[Connection], object], connection: Connection) -> Callable[[], None]:
    work(connection)
    return lambda: None


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


def locks_of(cards: Iterable[Card]) -> list[int]:
    """Return the locks of the sessions of cards, which `add_cards` needs."""
    return sorted({session_lock(card.team_id, part.session_id) for card in cards for part in card.parts})


def add_cards(cards: Iterable[Card], connection: Connection) -> None:
    """Add cards in a transaction that holds the locks of their sessions.

    Else it could commit just before one that marks, and has not seen, these cards; they would show what was before.
    """
    for card in cards:
        now = connection.now()
        row = {name: getattr(card, name) for name in ("id", "team_id", "channel_id", "ts", "shown")}
        row |= {"urgency": card.urgency.value, "now": now}
        row |= {"mentioned_at": now if card.mentions else None, "sender": card.sender or None}
        connection.queue(_ADD_PART, *[part_values(part, card) | {"now": now} for part in card.parts])
        connection.queue(_ADD, row)


def ask_for_cards(connection: Connection, marks: Marks) -> Statement:
    """Queue the question which cards `mark` marks, so that it costs no round trip of its own."""
    return connection.queue(_MARKED, *([{"sessions": listed(sorted(marks))}] if marks else ()))


def mark(
    connection: Connection, marks: Marks, replaced: Iterable[str] = (), asked: Statement | None = None
) -> dict[SessionName, MarkedCards]:
    """Let the next statement that is read mark the open cards of sessions as due, those that are clicked first.

    Those that are `replaced` through their click are not due by that. The transaction holds the locks of the sessions.
    Return the cards by session; one that is lost only once.
    """
    found = {session: MarkedCards() for session in marks}
    for row in (asked or ask_for_cards(connection, marks)).fetch_all():
        before, is_lost = found[row.team_id, row.session_id], row.closed_at is not None
        names = before.names | (set() if is_lost else {(row.team_id, row.channel_id, row.ts or "")})
        facts = before.facts or next((one for _, one in readable([row], facts_of)), None)
        found[row.team_id, row.session_id] = MarkedCards(names, before.is_one_lost or is_lost, facts)
    if any(cards != MarkedCards() for cards in found.values()):
        clicked = listed(ts for messages in marks.values() for ts in messages)
        values = {"sessions": listed(sorted(marks)), "clicked": clicked, "replaced": listed(replaced)}
        connection.queue(_MARK, values)
    return found


def facts_of(row: Row) -> Session | None:
    """Return what is known of the session of a row. Raises one of UNREADABLE."""
    return read_facts(row.session_id, row.facts)

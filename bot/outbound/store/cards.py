"""The rows of cards, and the sessions on them. Every method can raise StoreUnreachableError.

A row is its own entry in the outbox: `due` says that Slack has to be told of a change. However often the session
changes meanwhile, the message is sent once, as it is then. All times are the database's.
"""

import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cachetools import TTLCache

from bot.core.cards import MarkedCards, SessionName
from bot.core.retries import DELETED
from bot.core.session_checks import CHECKED_INTERVAL, Check, reads_left
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, Phase, Session
from bot.core.workspace import AutoPause
from bot.outbound.store.alerts import ARE_OF_SESSIONS, place
from bot.outbound.store.card_claims import (
    CLICKED,
    CLOSE_OLDEST,
    IS_OPEN,
    LANES,
    NEXT,
    Turn,
    claim,
    first_of,
    is_free,
    read_message,
)
from bot.outbound.store.card_values import (
    ALERT,
    BATCH,
    IS_ALERT,
    RESULT,
    CardChanges,
    CardPart,
    ClaimedCard,
    Exchanged,
    SentCard,
    read_facts,
    readable,
    row_values,
    write_facts,
)
from bot.outbound.store.connections import Connection, Row, listed, storable
from bot.outbound.store.database import TIMEOUT, Database, session_lock
from bot.outbound.store.errors import PartError, StoreError
from bot.outbound.store.marks import CHECK, KEY_CHECK, READS
from bot.outbound.store.news import CARDS

_log = logging.getLogger(__name__)

Marks = Mapping[SessionName, frozenset[str]]
"""The sessions whose cards are to show a change, each with the `ts` of clicked messages, whose updates are urgent."""
NO_MARKS: Marks = {}

LOCK = -(2**63)  # the lowest number: nobody who waits for it has locks of sessions yet
_LONGEST_STATUS = 100
REFUSED_FOR = 2.0  # seconds for which a process remembers that a workspace has no more requests to Anchor left
_COUNT_TIMEOUT = 0.5  # seconds for the database to count a request; a result can wait for what is read

_IS_LIVE = f"{IS_OPEN} AND ended_at IS NULL AND kind <> '{BATCH}'"
"""Its session has not ended, either, as far as the bot knows."""
INSERT_CARD = f"""
    INSERT INTO cards (id, team_id, channel_id, ts, session_id, kind, content, shown, facts, version, due, not_before,
      attempts, created_at, changed_at)
    SELECT :id, :team_id, :channel_id, :ts, :session_id, :kind, :content, :shown, :facts, 0, :now, :now, 0, :now, :now
    WHERE NOT EXISTS (SELECT 1 FROM cards
      WHERE team_id = CAST(:team_id AS VARCHAR) AND channel_id = CAST(:channel_id AS VARCHAR)
        AND (ts = CAST(:ts AS VARCHAR) OR :is_spare = 1) AND session_id = CAST(:session_id AS VARCHAR) AND {IS_OPEN})
    ON CONFLICT DO NOTHING
"""
"""A message has one open row for a session, also if its order was delivered twice."""
_IS_COMPLETE = f"""
    kind = '{BATCH}' AND NOT EXISTS (SELECT 1 FROM orders WHERE batch_id = cards.session_id AND outcome IS NULL)
"""
"""It is the result of a batch whose orders have all ended: people wait for it."""
_MARK = f"""
    UPDATE cards SET version = version + 1, changed_at = :now, due = CASE WHEN closed_at IS NOT NULL THEN NULL
      WHEN ts IN (SELECT value FROM json_each(:clicked)) OR {_IS_COMPLETE} THEN {CLICKED} ELSE coalesce(due, :now) END,
      not_before = CASE WHEN failure IS NULL AND {_IS_COMPLETE} THEN :now ELSE not_before END,
      failure = CASE WHEN {IS_OPEN} THEN failure END
    WHERE {ARE_OF_SESSIONS} AND ({IS_OPEN} OR (failure IS NOT NULL AND failure <> '{DELETED}'
      AND ts IS NOT NULL AND ts NOT IN (SELECT value FROM json_each(:clicked))))
    RETURNING team_id, session_id, channel_id, ts, closed_at, facts
"""
_FINISH = f"""
    UPDATE cards SET attempts = :attempts, not_before = CASE WHEN kind = '{BATCH}' AND due = {CLICKED}
        AND version <> :sent AND :is_over = 1 THEN :now ELSE :not_before END, ts = coalesce(:ts, ts),
      shown = coalesce(:shown, shown), failure = :failure,
      channel_id = CASE WHEN kind IN ('{RESULT}', '{BATCH}') THEN coalesce(:channel_id, channel_id) ELSE channel_id END,
      due = CASE WHEN version = :sent AND :is_over = 1 THEN NULL ELSE due END,
      closed_at = CASE WHEN version = :sent AND :is_refused = 1 THEN :now ELSE closed_at END
    WHERE id = :id AND owner = :owner
"""
_WRITE_AGAIN = f"""
    UPDATE cards SET version = version + 1, due = coalesce(due, :now), shown = NULL
    WHERE team_id = :team_id AND channel_id = :channel_id AND ts = :ts AND {IS_OPEN}
"""
_JOIN = f"""
    UPDATE cards SET ts = :ts WHERE team_id = :team_id AND channel_id = :channel_id AND ts IS NULL AND {IS_OPEN}
      AND kind <> '{ALERT}' AND content LIKE '%"group": "' || :group || '"%'
"""
"""What came for a message after its post was claimed is a part of it."""
_FACTS = f"""
    SELECT DISTINCT session_id, facts FROM cards WHERE team_id = :team_id AND {IS_ALERT} AND {_IS_LIVE}
"""
_SET_FACTS = f"""
    UPDATE cards SET version = version + 1, due = coalesce(due, :now), facts = :facts
    WHERE team_id = :team_id AND session_id = :session_id AND {IS_ALERT} AND {_IS_LIVE}
      AND (facts IS NULL OR facts <> :facts)
"""
_TEAMS = f"""
    SELECT team_id, min(created_at) AS since FROM cards WHERE {_IS_LIVE} GROUP BY team_id ORDER BY team_id
"""
_ALERTS_PAUSE = f"""
    SELECT team_id FROM workspaces WHERE auto_pause <> '{AutoPause.OFF}' UNION
    SELECT team_id FROM workspaces WHERE team_id = :pausing
"""
"""The workspaces in which alerts can pause; :pausing is that of the settings, or ""."""
_IS_CHECK_DUE = f"""
    SELECT team_id FROM cards WHERE {_IS_LIVE} GROUP BY team_id HAVING min(created_at) <= :since
      AND NOT EXISTS (SELECT 1 FROM marks WHERE scope = cards.team_id AND name = '{CHECK}' AND until > :now)
    UNION ALL SELECT team_id FROM ({_ALERTS_PAUSE}) AS pausing
      WHERE NOT EXISTS (SELECT 1 FROM marks WHERE scope = pausing.team_id AND name = '{KEY_CHECK}' AND until > :now)
    LIMIT 1
"""
_CLAIM_CHECKS = f"""
    INSERT INTO marks (scope, name, until)
    SELECT team_id, '{CHECK}', :until FROM cards WHERE {_IS_LIVE} GROUP BY team_id HAVING min(created_at) <= :since
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until WHERE marks.until <= :now
    RETURNING scope
"""
_CLAIM_KEY_CHECKS = f"""
    INSERT INTO marks (scope, name, until)
    SELECT team_id, '{KEY_CHECK}', :until FROM ({_ALERTS_PAUSE}) AS pausing WHERE true
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until WHERE marks.until <= :now
    RETURNING scope
"""
_END_CHECK = f"UPDATE marks SET until = :now + :seconds WHERE scope = :team_id AND name = '{CHECK}'"
_READ_TIMES = f"SELECT value FROM marks WHERE scope = :team_id AND name = '{READS}'"
_WRITE_TIMES = f"""
    INSERT INTO marks (scope, name, value) SELECT team_id, '{READS}', :times FROM workspaces WHERE team_id = :team_id
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value
"""
_SESSIONS = f"""
    SELECT session_id FROM cards
    WHERE team_id = :team_id AND {_IS_LIVE} AND (missing IS NULL OR read_at <= :now - {CHECKED_INTERVAL})
    GROUP BY session_id ORDER BY min(coalesce(read_at, 0.0)), session_id
"""
_READ = f"""
    UPDATE cards SET read_at = :now,
      read_by = CASE WHEN session_id IN (SELECT value FROM json_each(:found)) THEN :key ELSE read_by END
    WHERE team_id = :team_id AND session_id IN (SELECT value FROM json_each(:asked)) AND {_IS_LIVE}
"""
_FIND = f"""
    UPDATE cards SET version = version + 1, due = coalesce(due, :now), missing = NULL, checked_at = NULL
    WHERE team_id = :team_id AND session_id IN (SELECT value FROM json_each(:found)) AND {_IS_LIVE}
      AND missing IS NOT NULL
"""
_MISS = f"""
    UPDATE cards SET version = version + 1, due = coalesce(due, :now), checked_at = :now, missing =
      CASE WHEN EXISTS (SELECT 1 FROM cards AS others WHERE others.team_id = cards.team_id
        AND others.session_id = cards.session_id AND others.read_by = :key)
      THEN '{Phase.GONE}' ELSE '{Phase.NOT_FOUND}' END
    WHERE team_id = :team_id AND session_id IN (SELECT value FROM json_each(:unknown)) AND {_IS_LIVE}
"""
_END = f"""
    UPDATE cards SET version = version + 1, changed_at = :now, due = coalesce(due, :now), ended_status = :status,
      ended_at = :now
    WHERE team_id = :team_id AND session_id = :session_id AND {_IS_LIVE}
"""


@dataclass(eq=False)
class CardRows:
    """Repository of cards. `owner` names this process, which looks for due cards in turns."""

    database: Database
    owner: str
    turn: Turn = field(default_factory=Turn)
    refused: TTLCache[Any, list[float]] = field(default_factory=lambda: TTLCache(1_000, REFUSED_FOR, time.monotonic))

    async def message(self, team_id: str, channel_id: str, ts: str) -> ClaimedCard | None:
        """Return a message that is kept up to date as it is stored, which claims nothing; None if it is none."""
        return await self.database.read(lambda connection: read_message(connection, team_id, channel_id, ts))

    async def exchange(self, changes: CardChanges, *, most: int) -> Exchanged:
        """Write changes, and claim up to `most` messages that are due, in one transaction.

        Processes do this one after the other, so each knows the pace of the others. There is no transaction if there
        are no changes, and no card is due.
        """
        if not changes:
            next_in = await self.database.read(self._next_in) if most else None
            if next_in != 0:
                return Exchanged(next_in=next_in)
        names = [(card.team_id, card.session_id) for card in changes.new]
        names += [(one.team_id, one.alert.session_id) for one in changes.alerts]
        return await self.database.change(partial(self._exchange, changes, most), locks=insert_locks(names))

    def _exchange(self, changes: CardChanges, most: int, connection: Connection) -> Exchanged:
        now = connection.now()
        ends = [self._end_of(sent, part, now) for sent in changes.sent for part in sent.card.parts]
        connection.execute_many(_FINISH, ends)
        for card, ts in ((one.card, one.ts) for one in changes.sent if one.ts and one.card.group):
            connection.execute(_JOIN, ts=ts, team_id=card.team_id, channel_id=card.channel_id, group=card.group)
        placed, new = place(connection, changes.alerts, now)
        # an earlier transaction without an answer can have inserted some
        connection.execute_many(INSERT_CARD, [row_values(card, now) for card in (*changes.new, *new)])
        claimed, self.turn = claim(connection, self.owner, changes.sent, self.turn, now, most=most)
        if len(claimed) == most:  # more can be due
            self.database.news.tell(connection, CARDS)
        waits = connection.fetch_all(NEXT, since=self.turn.since, now=now)
        return Exchanged(placed, claimed, first_of(waits, now) if self.turn.is_over else 0.0)

    def _next_in(self, connection: Connection) -> float | None:
        if not self.turn.is_over:
            return 0.0
        now = connection.ask_now()
        lanes, waits = connection.fetch_each(LANES, NEXT, last="", since=now, now=now, unread=listed(self.turn.unread))
        return 0.0 if is_free(lanes) else first_of(waits, now)

    def _end_of(self, sent: SentCard, part: CardPart, now: float) -> dict[str, Any]:
        """Return what is recorded of an attempt. What changed meanwhile stays due, also on a card that ends."""
        is_sent, is_refused = sent.ts is not None, sent.ts is None and sent.retry_after is None
        failure = "" if is_sent else sent.failure or sent.card.failure
        attempts = 0 if is_sent else sent.card.failures_with(sent.failure)
        row = {"id": part.id, "owner": self.owner, "sent": part.version, "ts": sent.ts, "failure": failure or None}
        after = {"attempts": attempts, "not_before": now + (sent.retry_after or 0.0), "now": now}
        end = {"is_over": int(is_sent or is_refused), "is_refused": int(is_refused)}
        return {**row, **after, **end, "shown": sent.shown if is_sent else None, "channel_id": sent.channel_id}

    async def shown_facts(self, team_id: str) -> list[tuple[SessionId, Session | None]]:
        """Return the sessions on cards of alerts, each with the facts that a card shows."""
        rows = await self.database.fetch_all(_FACTS, team_id=team_id)
        found = readable(rows, _facts_of)
        return [(SessionId(row.session_id), facts) for row, facts in found]

    async def record_facts(self, team_id: str, facts: Mapping[SessionId, Session]) -> None:
        """Record facts of sessions, and mark the cards as due that show others."""
        known = sorted(facts.items())
        rows = [{"team_id": team_id, "session_id": one, "facts": write_facts(session)} for one, session in known]
        await self._change((_SET_FACTS, rows))

    async def write_again(self, team_id: str, channel_id: str, ts: str) -> None:
        """Mark a message as due, although it was shown: something else may have written it since."""
        await self._change((_WRITE_AGAIN, [{"team_id": team_id, "channel_id": channel_id, "ts": ts}]))

    async def claim_checks(
        self, interval: float, key_interval: float = math.inf, pausing: str = ""
    ) -> tuple[dict[str, float], list[str]]:
        """Return the workspaces that this process has to check, and those whose key it has to try.

        The former have open cards, given with the time of the oldest (Unix seconds). Those that were checked within
        `interval` seconds, or have no older card, are left out. In the latter alerts can pause; that of the settings is
        `pausing`, or "". No other process does the same within so many seconds.
        """
        now = time.time()  # the claims are by the database's
        if await self.database.fetch_one(_IS_CHECK_DUE, since=now - interval, now=now, pausing=pausing) is None:
            return {}, []

        def claim_all(connection: Connection) -> tuple[dict[str, float], list[str]]:
            now = connection.now()
            since, until = now - interval, now + interval
            claimed = {row.scope for row in connection.fetch_all(_CLAIM_CHECKS, since=since, until=until, now=now)}
            teams = {row.team_id: row.since for row in connection.fetch_all(_TEAMS) if row.team_id in claimed}
            keys = connection.fetch_all(_CLAIM_KEY_CHECKS, until=now + key_interval, now=now, pausing=pausing)
            return teams, [row.scope for row in keys]

        return await self.database.change(claim_all)

    async def open_sessions(self, team_id: str) -> list[SessionId]:
        """Return the sessions with open cards, of which the one that was not read for the longest time is first.

        One that Anchor did not know is left out for 15 minutes.
        """
        rows = await self.database.fetch_all(_SESSIONS, team_id=team_id, now=time.time())
        return [SessionId(row.session_id) for row in rows]

    async def take_reads(
        self, team_id: str, most: int, *, least: int = 0, kept: int = 0, within: float = TIMEOUT
    ) -> list[float]:
        """Take up to `most` of the requests to Anchor that a workspace has left, but for `kept`; return their times.

        Take at `least` so many or none. They count for all processes, until a check gives back what it has not used.
        A refusal is remembered for REFUSED_FOR seconds.
        """

        def take(connection: Connection) -> list[float]:
            now = connection.now()
            times, left = reads_left(_read_times(connection, team_id), now)
            count = min(most, left - kept)
            taken = [now] * (count if count >= least else 0)
            if taken:
                _write_times(connection, team_id, [*times, *taken])
            return taken

        asked = team_id, kept + max(least, 1)
        taken = [] if asked in self.refused else await self.database.change(take, locks=[LOCK], within=within)
        return taken or self.refused.setdefault(asked, taken)

    async def allows_reads(self, team_id: str, count: int, *, kept: int = 0) -> bool:
        """Return whether a workspace has so many requests left, and take them. A database that fails counts none."""
        with suppress(StoreError):
            return bool(await self.take_reads(team_id, count, least=count, kept=kept, within=_COUNT_TIMEOUT))
        return True

    async def end_check(self, team_id: str, taken: Sequence[float], used: int, *, next_in: float) -> None:
        """Check a workspace no earlier than in so many seconds. Its used requests count from now. Close old cards."""

        def end(connection: Connection) -> int:
            now = connection.now()
            others = Counter(_read_times(connection, team_id)) - Counter(taken)
            _write_times(connection, team_id, [*others.elements(), *[now] * used])
            connection.execute(_END_CHECK, team_id=team_id, seconds=next_in, now=now)
            return connection.execute(CLOSE_OLDEST, team_id=team_id, now=now)

        if closed := await self.database.change(end, locks=[LOCK]):
            _log.info("oldest of very many cards closed", extra={"team": team_id, "cards": closed})

    async def record_reads(self, team_id: str, check: Check, *, key: str) -> None:
        """Record what was read with the key of a digest, and mark the cards as due that show something else."""
        ended = [
            {"team_id": team_id, "session_id": one.id, "status": (storable(one.status) or "")[:_LONGEST_STATUS]}
            for one in sorted(check.found.values(), key=lambda session: session.id)
            if one.life is Life.ENDED
        ]
        read = {"team_id": team_id, "key": key, "found": listed(check.found)}
        read |= {"asked": listed({*check.found, *check.asked}), "unknown": listed(check.unknown)}
        await self._change((_END, ended), *[(sql, [read]) for sql in (_READ, _FIND, _MISS)])

    async def _change(self, *statements: tuple[str, Sequence[dict[str, Any]]]) -> None:
        def change(connection: Connection) -> None:
            for sql, rows in statements:
                connection.execute_many(sql, [row | {"now": connection.now()} for row in rows])

        await self.database.change(change, locks=[LOCK])


def _facts_of(row: Row) -> Session | None:
    return read_facts(row.session_id, row.facts)


def _read_times(connection: Connection, team_id: str) -> list[float]:
    row = connection.fetch_one(_READ_TIMES, team_id=team_id)
    return [] if row is None else json.loads(row.value)


def _write_times(connection: Connection, team_id: str, times: Sequence[float]) -> None:
    connection.execute(_WRITE_TIMES, team_id=team_id, times=json.dumps(times))


def insert_locks(sessions: Iterable[SessionName]) -> list[int]:
    """Return the locks of a transaction that inserts cards of sessions: LOCK, and those of the sessions.

    Else it could commit just before one that marks, and has not seen, these cards; they would show what was before.
    """
    return [LOCK, *(session_lock(*one) for one in sessions)]


def mark(connection: Connection, marks: Marks, now: float) -> Callable[[], dict[SessionName, MarkedCards]]:
    """Let the next statement that is read mark the open cards of sessions as due, those that are clicked first.

    The transaction holds the locks of the sessions. Return a function that reads the cards by session, also after the
    commit; one that is lost only once.
    """
    clicked = listed(ts for messages in marks.values() for ts in messages)
    values = {"sessions": listed(sorted(marks)), "clicked": clicked, "now": now}
    marked = connection.queue(_MARK, *([values] if marks else ()))

    def read() -> dict[SessionName, MarkedCards]:
        found = {session: MarkedCards() for session in marks}
        for row in marked.fetch_all():
            before, is_lost = found[row.team_id, row.session_id], row.closed_at is not None
            names = before.names | (set() if is_lost else {(row.team_id, row.channel_id, row.ts or "")})
            facts = before.facts or next((one for _, one in readable([row], _facts_of)), None)
            found[row.team_id, row.session_id] = MarkedCards(names, before.is_one_lost or is_lost, facts)
        return found

    return read


def mark_apart(connection: Connection, marks: Marks, now: float) -> dict[SessionName, MarkedCards] | None:
    """Do the same at once, as the last part of a transaction. Return None if the table is locked or damaged."""
    try:
        with connection.last_part():
            return mark(connection, marks, now)()
    except PartError:
        return None

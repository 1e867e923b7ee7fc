"""The sessions on cards, and what Anchor says of them. Every method can raise StoreUnreachableError."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.reminders import remind_at
from bot.core.session_checks import CHECKED_INTERVAL, Check
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, Phase, Session, deadline_of
from bot.outbound.store.connections import Connection, listed, storable
from bot.outbound.store.database import Database
from bot.outbound.store.outbox import ALERT, BATCH, CHANGE, HELD, IS_OPEN, OF_PARTS, facts_of, readable, write_facts

_LONGEST_STATUS = 100
_IS_LIVE = f"{IS_OPEN} AND ended_at IS NULL AND kind NOT IN ('{BATCH}', '{HELD}')"
"""The session of a part has not ended, either, as far as the bot knows."""
_FACTS = f"SELECT DISTINCT session_id, facts FROM parts WHERE team_id = :team_id AND kind = '{ALERT}' AND {_IS_LIVE}"
_HAS_OTHER_FACTS = f"""
    team_id = :team_id AND session_id = :session_id AND kind = '{ALERT}' AND {_IS_LIVE}
      AND (facts IS NULL OR facts <> :facts)
"""
_IS_PAUSED = "outcome = 'Paused' AND remind_at IS NOT NULL"
"""The condition of an order of whose end people are to be told. It repeats that of the index."""
_TEAMS = f"""
    SELECT team_id, min(since) AS since FROM (
      SELECT team_id, min(created_at) AS since FROM parts WHERE {_IS_LIVE} GROUP BY team_id
      UNION ALL SELECT team_id, min(given_at) FROM orders WHERE {_IS_PAUSED} GROUP BY team_id) AS found
    GROUP BY team_id ORDER BY team_id
"""
_SESSIONS = f"""
    SELECT session_id, (SELECT count(*) FROM orders WHERE orders.team_id = :team_id
      AND orders.session_id = found.session_id AND {_IS_PAUSED} AND ends_by_default IS NULL) AS is_ending
    FROM (
      SELECT session_id, coalesce(read_at, 0.0) AS at FROM parts
      WHERE team_id = :team_id AND {_IS_LIVE} AND (missing IS NULL OR read_at <= unix_now() - {CHECKED_INTERVAL})
      UNION ALL SELECT session_id, settled_at FROM orders WHERE team_id = :team_id AND {_IS_PAUSED}
        AND NOT EXISTS (SELECT 1 FROM parts WHERE parts.team_id = orders.team_id
          AND parts.session_id = orders.session_id AND {_IS_LIVE})) AS found
    GROUP BY session_id ORDER BY min(at), session_id
"""
_SET_ENDS = f"""
    UPDATE orders SET ends_at = CAST(:ends_at AS DOUBLE PRECISION), ends_by_default = :ends_by_default,
      remind_at = coalesce(CAST(:remind_at AS DOUBLE PRECISION), remind_at)
    WHERE team_id = :team_id AND session_id = :session_id AND {_IS_PAUSED}
"""
_IS_FOUND = f"""
    team_id = :team_id AND session_id IN (SELECT value FROM json_each(:found)) AND {_IS_LIVE} AND missing IS NOT NULL
"""
_IS_UNKNOWN = f"team_id = :team_id AND session_id IN (SELECT value FROM json_each(:unknown)) AND {_IS_LIVE}"
_HAS_ENDED = f"team_id = :team_id AND session_id = :session_id AND {_IS_LIVE}"
_READ = f"""
    UPDATE parts SET read_at = unix_now()
    WHERE team_id = :team_id AND session_id IN (SELECT value FROM json_each(:asked)) AND {_IS_LIVE}
"""


def _change(condition: str, assignment: str) -> tuple[str, str]:
    """Return the statements that change parts, and let their messages be sent again."""
    return f"{CHANGE} {OF_PARTS.format(condition)}", f"UPDATE parts SET {assignment} WHERE {condition}"


_SET_FACTS = _change(_HAS_OTHER_FACTS, "facts = :facts")
_FIND = _change(_IS_FOUND, "missing = NULL, checked_at = NULL")
_MISSING = _change(_IS_UNKNOWN, f"checked_at = unix_now(), missing = '{Phase.NOT_FOUND}'")
_END = _change(_HAS_ENDED, "ended_status = :status, ended_at = unix_now()")


@dataclass(frozen=True, slots=True)
class CardSessions:
    """Repository of the sessions on cards. People are reminded so many seconds `before` a paused one ends."""

    database: Database
    before: float

    async def shown_facts(self, team_id: str) -> list[tuple[SessionId, Session | None]]:
        """Return the sessions on cards of alerts, each with the facts that a card shows."""
        rows = await self.database.fetch_all(_FACTS, team_id=team_id)
        return [(SessionId(row.session_id), facts) for row, facts in readable(rows, facts_of)]

    async def record_facts(self, team_id: str, facts: Mapping[SessionId, Session]) -> None:
        """Record facts of sessions, and let the cards be sent that show others."""
        rows = [{"team_id": team_id, "session_id": one, "facts": write_facts(facts[one])} for one in sorted(facts)]
        await self._write([(sql, rows) for sql in _SET_FACTS])

    async def teams(self) -> dict[str, float]:
        """Return the workspaces with open cards or paused sessions, each with the time of the oldest (Unix seconds)."""
        return {row.team_id: row.since for row in await self.database.look(_TEAMS)}

    async def open_sessions(self, team_id: str) -> dict[SessionId, bool]:
        """Return the sessions with open cards, or that are paused. The one not read alone for the longest is first.

        The value says whether one is paused, and it is not known when it ends. One that Anchor did not know is left out
        for 15 minutes.
        """
        rows = await self.database.fetch_all(_SESSIONS, team_id=team_id)
        return {SessionId(row.session_id): bool(row.is_ending) for row in rows}

    async def record_reads(self, team_id: str, check: Check) -> None:
        """Record what was read, and let the cards be sent that show something else."""
        ended = [
            {"team_id": team_id, "session_id": one.id, "status": (storable(one.status) or "")[:_LONGEST_STATUS]}
            for one in sorted(check.found.values(), key=lambda session: session.id)
            if one.life is Life.ENDED
        ]
        read = {name: listed(getattr(check, name)) for name in ("found", "unknown", "asked")} | {"team_id": team_id}
        changes = [(sql, [read]) for sql in (_READ, *_FIND, *_MISSING)]
        ends = [{"team_id": team_id, "session_id": one.id, **self._ends_of(one)} for one in check.ends]
        await self._write([*[(sql, ended) for sql in _END], *changes, (_SET_ENDS, ends)])

    def _ends_of(self, session: Session) -> dict[str, Any]:
        """Return the columns of the pause of a session that was read."""
        now = time.time()
        deadline = deadline_of(session, now)
        ends = {
            "ends_at": deadline and deadline.at,
            "ends_by_default": int(deadline is not None and deadline.is_default),
        }
        return ends | {"remind_at": remind_at(deadline, self.before, now)}

    async def _write(self, statements: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
        def write(connection: Connection) -> None:
            now = {"now": connection.now()}
            for sql, rows in statements:
                connection.queue(sql, *[{**row, **now} for row in rows])

        await self.database.change(write)
        self.database.messages_due.set()

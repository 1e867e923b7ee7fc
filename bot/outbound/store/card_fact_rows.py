"""Read and write what is known of the sessions of cards. Every method can raise StoreUnreachableError."""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, func, or_, select, update

from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.card_codec import ALERT, read_facts, write_facts
from bot.outbound.store.card_statements import IS_LIVE
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.schema import cards

_c = cards.c
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

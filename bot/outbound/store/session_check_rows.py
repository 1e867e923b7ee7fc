"""Read and write which sessions of cards have to be checked. Every method can raise StoreUnreachableError."""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, exists, func, select, update

from bot.core.cards import SessionName
from bot.outbound.store.card_statements import IS_LIVE, IS_OPEN
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import cards, orders, session_checks

_c = cards.c
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

"""Table of the admins who have opened Home."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.schema import admins

_RECORD_INTERVAL = 86_400  # seconds between two updates of a row


class Admins:
    """Repository of admins. Both methods can raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, team_id: str, user_id: str, now: float) -> None:
        """Record that a user is an admin. Do nothing if the workspace does not exist."""
        row = {"team_id": team_id, "user_id": user_id, "seen_at": int(now)}
        try:
            async with self._database.transaction() as connection:
                insert = INSERT[connection.dialect.name](admins).values(row)
                upsert = insert.on_conflict_do_update(
                    index_elements=["team_id", "user_id"],
                    set_={"seen_at": insert.excluded.seen_at},
                    where=admins.c.seen_at <= insert.excluded.seen_at - _RECORD_INTERVAL,
                )
                await connection.execute(upsert)
        except IntegrityError:
            return

    async def of(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins, the most recently recorded first."""
        query = select(admins.c.user_id).where(admins.c.team_id == team_id)
        rows = await self._database.fetch_all(query.order_by(admins.c.seen_at.desc(), "user_id"))
        return [row.user_id for row in rows]

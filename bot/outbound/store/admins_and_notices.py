"""Tables of a workspace's admins and notices. Each method can raise StoreUnreachableError; `now`: Unix seconds."""

from contextlib import suppress

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from bot.outbound.store.database import Database
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import admins, notices

_RECORD_INTERVAL = 86_400  # seconds between two updates of an admin's row


class Admins:
    """Repository of the admins who have opened Home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, team_id: str, user_id: str, now: float) -> None:
        """Record that a user is an admin. Do nothing if the workspace does not exist."""
        row = {"team_id": team_id, "user_id": user_id, "seen_at": int(now)}

        def upsert(connection: Connection) -> None:
            insert = INSERT[connection.dialect.name](admins).values(row)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["team_id", "user_id"],
                    set_={"seen_at": insert.excluded.seen_at},
                    where=admins.c.seen_at <= insert.excluded.seen_at - _RECORD_INTERVAL,
                )
            )

        with suppress(IntegrityError):
            await self._database.change(upsert)

    async def of(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins, the most recently recorded first."""
        query = select(admins.c.user_id).where(admins.c.team_id == team_id)
        rows = await self._database.fetch_all(query.order_by(admins.c.seen_at.desc(), "user_id"))
        return [row.user_id for row in rows]


class Notices:
    """Repository of the notices that a workspace gets once, from one of all replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, team_id: str, name: str, now: float) -> bool:
        """Return whether this is the first claim: for one caller only, and never if the workspace does not exist."""
        row = {"team_id": team_id, "name": name, "told_at": int(now)}

        def insert(connection: Connection) -> bool:
            insert = INSERT[connection.dialect.name](notices).values(row).on_conflict_do_nothing()
            return connection.execute(insert.returning(notices.c.name)).first() is not None

        try:
            return await self._database.change(insert)
        except IntegrityError:
            return False

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        await self._database.execute(delete(notices).where(notices.c.team_id == team_id, notices.c.name == name))

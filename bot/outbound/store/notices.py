"""Table of notices that a workspace gets once, from one of all replicas."""

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.schema import notices


class Notices:
    """Repository of notices. Both methods can raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, team_id: str, name: str, now: float) -> bool:
        """Return whether this is the first claim: for one caller only, and never if the workspace does not exist."""
        row = {"team_id": team_id, "name": name, "told_at": int(now)}
        try:
            async with self._database.transaction() as connection:
                insert = INSERT[connection.dialect.name](notices).values(row).on_conflict_do_nothing()
                return (await connection.execute(insert.returning(notices.c.name))).first() is not None
        except IntegrityError:
            return False

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(notices).where(notices.c.team_id == team_id, notices.c.name == name))

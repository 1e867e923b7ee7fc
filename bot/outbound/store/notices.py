"""What a workspace is told once, whichever of several bots gets to it."""

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.schema import notices


class Notices:
    """May raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, team_id: str, name: str, now: float) -> bool:
        """Whether this is the first time, which it is for one who asks; False where the workspace is gone."""
        row = {"team_id": team_id, "name": name, "told_at": int(now)}
        try:
            async with self._database.changing() as connection:
                insert = INSERT[connection.dialect.name](notices).values(row).on_conflict_do_nothing()
                return (await connection.execute(insert.returning(notices.c.name))).first() is not None
        except IntegrityError:
            return False

    async def take_back(self, team_id: str, name: str) -> None:
        """Let the next one who asks be the first again."""
        its = (notices.c.team_id == team_id, notices.c.name == name)
        async with self._database.changing() as connection:
            await connection.execute(delete(notices).where(*its))

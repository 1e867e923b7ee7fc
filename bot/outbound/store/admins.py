"""The admins of each workspace, as far as the bot has met them."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.schema import admins

_AGAIN = 86_400  # seconds after which somebody who is met again is noted again


class Admins:
    """Both methods may raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, team_id: str, user_id: str, now: float) -> None:
        """Somebody was met who is an admin of that workspace. Of a workspace that is not there nothing is kept."""
        row = {"team_id": team_id, "user_id": user_id, "seen_at": int(now)}
        try:
            async with self._database.changing() as connection:
                insert = INSERT[connection.dialect.name](admins).values(row)
                upsert = insert.on_conflict_do_update(
                    index_elements=["team_id", "user_id"],
                    set_={"seen_at": insert.excluded.seen_at},
                    where=admins.c.seen_at <= insert.excluded.seen_at - _AGAIN,
                )
                await connection.execute(upsert)
        except IntegrityError:
            return

    async def of(self, team_id: str) -> list[str]:
        """Their user ids, those who were noted last first."""
        its = select(admins.c.user_id).where(admins.c.team_id == team_id)
        return [row.user_id for row in await self._database.every(its.order_by(admins.c.seen_at.desc(), "user_id"))]

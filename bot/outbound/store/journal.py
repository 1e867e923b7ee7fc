"""Read the journal: past orders, and changes of settings. Reads can raise StoreUnreachableError."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from bot.core.journal import CHANGE, PastOrder
from bot.core.orders import State
from bot.outbound.store.database import Database
from bot.outbound.store.errors import or_default

_COLUMNS = ", ".join(field.name for field in fields(PastOrder))
_CHANGES = f"""
    (SELECT audit.id, audit.team_id, '' AS session_id, '{CHANGE}' AS verb, what || ': ' || content AS reason,
      'settings' AS source, coalesce(people.user_id, audit.user_id) AS user_id, audit.team_id AS home_team_id,
      '' AS channel_id, CAST(NULL AS TEXT) AS thread_ts, '{State.SETTLED}' AS state, 'Changed' AS outcome,
      CAST(NULL AS TEXT) AS outcome_fields, CAST(NULL AS TEXT) AS delivered_by, at AS given_at, at AS settled_at,
      at AS told_at, CAST(NULL AS TEXT) AS batch_id
      FROM audit LEFT JOIN audit_people AS people ON people.team_id = audit.team_id AND people.person = audit.person
      WHERE about = '') AS entries
"""
"""Changes of settings in the form of orders. A person who was forgotten has no user id."""


@dataclass(eq=False, repr=False)
class OrderHistory:
    """Repository of past orders."""

    database: Database
    timeout: float = 1.0  # seconds for which a window waits for them; its trigger lasts 3

    async def newest(self, *, most: int, **where: object) -> list[PastOrder] | None:
        """Return the newest orders and changes of settings that meet the conditions, the last one first.

        Return None if that takes over a second, or fails: then a window is shown without them.
        """
        found = self._fetch(where, order="given_at DESC, id DESC LIMIT :most", most=most)
        return await or_default(found, None, within=self.timeout)

    async def next_page(self, after: PastOrder | None, *, most: int, **where: object) -> list[PastOrder]:
        """Return the orders and changes that follow `after`, or the first ones, in the sequence of their times."""
        is_later = ["given_at >= :after AND (given_at > :after OR id > :after_id)"] if after else []
        values = {"after": after.given_at, "after_id": after.id} if after else {}
        return await self._fetch(where, *is_later, order="given_at, id LIMIT :most", most=most, **values)

    async def _fetch(
        self, where: Mapping[str, object], *conditions: str, order: str, **values: object
    ) -> list[PastOrder]:
        """Return orders and changes in one sequence; each table is read by its own index."""
        given = {name: value for name, value in where.items() if value is not None}
        own = ["given_at >= :since" if name == "since" else f"{name} = :{name}" for name in given]
        condition = " AND ".join((*own, *conditions)) or "1 = 1"
        parts = [f"SELECT {_COLUMNS} FROM {table} WHERE {condition} ORDER BY {order}" for table in ("orders", _CHANGES)]
        sql = f"{' UNION ALL '.join(f'SELECT * FROM ({part}) AS part' for part in parts)} ORDER BY {order}"
        rows = await self.database.fetch_all(sql, **given, **values)
        return [PastOrder(**row._asdict()) for row in rows]

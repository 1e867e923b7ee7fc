"""The retention of rows: how long they are kept, and the deletion of old orders, messages and leases.

The days of the journal, and of what belongs to it, are the setting JOURNAL_DAYS.
"""

import asyncio
import logging
from contextlib import suppress

from bot.outbound.store.connections import Connection, listed
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.leases import DELETE_OLD_LEASES
from bot.outbound.store.running_orders import IS_UNFINISHED

_log = logging.getLogger(__name__)

INTERVAL = 3_600.0  # seconds between two looks for old orders
DAY = 86_400.0
MESSAGE_DAYS = 7  # after its last change; a session ends much earlier
PROFILE_DAYS = 7  # for which a report of Slack's about a person counts while it does not answer
_LEFTOVER_DAYS = 1  # of leases that have ended, and of parts without a message
_DELETE_PARTS = f"""
    DELETE FROM parts WHERE id IN (SELECT id FROM parts AS old WHERE old.changed_at < :limit
      AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = old.message_id) LIMIT {10_000})
"""
BATCH = 200  # rows in a transaction: on SQLite those of other orders wait for it
_PAUSE = 0.2  # seconds between two transactions


async def prune(database: Database, days: int) -> None:
    """Delete orders older than so many days, messages unchanged for a week, and old leases, the oldest first.

    An unfinished order stays. It ends at the first one that is young by its own time and all later ones.
    """
    is_old = f"given_at < :limit AND coalesce(settled_at, given_at) < :limit AND NOT {IS_UNFINISHED}"
    await _prune(database, "orders", is_old, "given_at", days)
    await _prune(database, "messages", "changed_at < :limit", "changed_at", min(days, MESSAGE_DAYS))
    with suppress(StoreUnreachableError):  # next time
        await database.change(_delete_leftovers)


def _delete_leftovers(connection: Connection) -> None:
    for sql in (DELETE_OLD_LEASES, _DELETE_PARTS):
        connection.execute(sql, limit=connection.now() - _LEFTOVER_DAYS * DAY)


async def _prune(database: Database, table: str, is_old: str, time: str, days: int) -> None:
    oldest = f"SELECT id FROM {table} WHERE {is_old} ORDER BY {time} LIMIT {BATCH} FOR UPDATE SKIP LOCKED"
    delete = f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(:ids))"

    def delete_some(connection: Connection) -> int:
        ids = [row.id for row in connection.fetch_all(oldest, limit=connection.now() - days * DAY)]
        return connection.execute(delete, ids=listed(ids)) if ids else 0

    count = 0
    try:
        while deleted := await database.change(delete_some):
            count += deleted
            await asyncio.sleep(_PAUSE)
    except StoreUnreachableError as error:
        _log.warning(f"old {table} not deleted", extra={"why": str(error)})
    if count:
        _log.info(f"old {table} deleted", extra={table: count, "days": days})

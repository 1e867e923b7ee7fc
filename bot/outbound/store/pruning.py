"""Delete old orders from the journal, and old cards: personal data is not kept for ever."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from bot.concurrency import with_grace
from bot.core.recovery import State
from bot.health import repeat
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.schema import cards, orders

_log = logging.getLogger(__name__)

FIRST_DELAY = 10.0  # seconds after the start, when unfinished orders come first
INTERVAL = 3_600.0  # seconds between two looks for old orders
_DAY = 86_400.0
CARD_DAYS = 7  # after its last change; a session ends much earlier
BATCH = 200  # rows in a transaction: on SQLite those of other orders wait for it
_PAUSE = 0.2  # seconds between two transactions
_GRACE = 1.0


async def keep_pruned(database: Database, days: int) -> None:
    """Delete old rows soon after the database can be used, and then every hour, until cancelled."""
    await database.migrated.wait()
    await asyncio.sleep(FIRST_DELAY)
    await repeat(partial(prune, database, days), every=INTERVAL)


async def prune(database: Database, days: int) -> None:
    """Delete the orders that are older than so many days, and cards unchanged for a week, in small transactions.

    An unfinished order stays. Several processes can do this at the same time: each skips the rows that another one is
    deleting.
    """
    await _prune(database, orders, "given_at", days, orders.c.state == State.TOLD)
    await _prune(database, cards, "changed_at", min(days, CARD_DAYS))


async def _prune(
    database: Database, table: Table, time_column: str, days: int, *conditions: ColumnElement[bool]
) -> None:
    count = 0
    try:
        # SQLAlchemy does not take a connection back whose query was cancelled
        while deleted := await with_grace(_prune_batch(database, table, time_column, days, conditions), grace=_GRACE):
            count += deleted
            await asyncio.sleep(_PAUSE)
    except StoreUnreachableError as error:
        _log.warning(f"old {table.name} not deleted", extra={"why": str(error)})
    if count:
        _log.info(f"old {table.name} deleted", extra={table.name: count, "days": days})


async def _prune_batch(
    database: Database, table: Table, time_column: str, days: int, conditions: Sequence[ColumnElement[bool]]
) -> int:
    clock, time = DatabaseClock(), table.c[time_column]

    def delete_some(connection: Connection) -> int:
        limit = clock.now(connection) - days * _DAY
        old = select(table.c.id).where(time < limit, *conditions).order_by(time)
        ids = connection.execute(old.limit(BATCH).with_for_update(skip_locked=True)).scalars().all()
        if ids:
            connection.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids)

    return await database.change(delete_some)

"""Delete old orders from the journal: personal data is not kept for ever."""

import asyncio
import logging
from functools import partial

from sqlalchemy import delete, select

from bot.concurrency import with_grace
from bot.core.recovery import State
from bot.health import repeat
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.schema import orders
from bot.outbound.workspaces import StoreUnreachableError

_log = logging.getLogger(__name__)

_FIRST_DELAY = 10.0  # seconds after the start, when unfinished orders come first
_INTERVAL = 3_600.0  # seconds between two looks for old orders
_DAY = 86_400.0
_BATCH = 200  # orders in a transaction: on SQLite those of other orders wait for it
_PAUSE = 0.2  # seconds between two transactions
_GRACE = 1.0

_c = orders.c


async def keep_pruned(database: Database, days: int) -> None:
    """Delete old orders soon after the database can be used, and then every hour, until cancelled."""
    await database.migrated.wait()
    await asyncio.sleep(_FIRST_DELAY)
    await repeat(partial(prune, database, days), every=_INTERVAL)


async def prune(database: Database, days: int) -> None:
    """Delete the orders that are older than so many days, in small transactions. An unfinished order stays.

    Several processes can do this at the same time: each skips the rows that another one is deleting.
    """
    count = 0
    try:
        # SQLAlchemy does not take a connection back whose query was cancelled
        while deleted := await with_grace(_prune_batch(database, days), grace=_GRACE):
            count += deleted
            await asyncio.sleep(_PAUSE)
    except StoreUnreachableError as error:
        _log.warning("old orders not deleted", extra={"why": str(error)})
    if count:
        _log.info("old orders deleted", extra={"orders": count, "days": days})


async def _prune_batch(database: Database, days: int) -> int:
    clock = DatabaseClock()
    async with database.transaction() as connection:
        limit = await clock.now(connection) - days * _DAY
        old = select(_c.id).where(_c.given_at < limit, _c.state == State.TOLD).order_by(_c.given_at)
        ids = (await connection.execute(old.limit(_BATCH).with_for_update(skip_locked=True))).scalars().all()
        if ids:
            await connection.execute(delete(orders).where(_c.id.in_(ids)))
    return len(ids)

"""The journals of several processes, which run in one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.health import Readiness
from bot.outbound.store.journal import Journal
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import Store


@asynccontextmanager
async def journal_of(store: Store, owner: str) -> AsyncIterator[Journal]:
    """Run the journal of one of several processes with this store."""
    journal = Journal(OrderRows(store.database, store.cipher, owner), Readiness())
    running = asyncio.create_task(journal.run())
    yield journal
    journal.stop()
    await asyncio.wait_for(running, 20)

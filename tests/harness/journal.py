"""A journal of orders that runs over rows which can be slow, and fail before or after the commit."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.core.requests import Verb
from bot.health import OFF, Readiness
from bot.outbound.store.cards import NO_MARKS, Marks
from bot.outbound.store.entries import Entry
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.journal import Journal
from bot.outbound.store.orders import OrderRows, Written
from bot.outbound.store.store import Store
from harness.conversation import until
from harness.order_rows import order_row
from harness.stored import fetch

GONE = StoreUnreachableError("gone")


class WatchedOrders(OrderRows):
    """A write waits for `unblocked`, and fails with `error`, or once with `lost_answer` after its commit."""

    def __init__(self, store: Store, owner: str) -> None:
        super().__init__(store.database, store.cipher, owner)
        self.writes: list[tuple[list[str], list[str]]] = []
        self.unblocked = asyncio.Event()
        self.unblocked.set()
        self.error: Exception | None = None
        self.lost_answer: Exception | None = None

    async def write(
        self,
        new: Sequence[Entry],
        changed: Sequence[Entry],
        marks: Marks = NO_MARKS,
        held: Collection[Entry] | None = (),
    ) -> Written:
        if new or changed:
            self.writes.append(([row.state for row in new], [row.state for row in changed]))
        await self.unblocked.wait()
        if self.error is not None:
            raise self.error
        written = await super().write(new, changed, marks, held)
        error, self.lost_answer = self.lost_answer, None
        if error is not None:
            raise error
        return written


class JournalHarness:
    def __init__(self, store: Store, owner: str, renew: float) -> None:
        self.store = store
        self.rows = WatchedOrders(store, owner)
        self.rows.lease.renew_interval = renew
        self.readiness = Readiness()
        self.journal = Journal(self.rows, self.readiness, OFF)

    def begin(self, verb: Verb = Verb.PAUSE, trigger: str | None = None, *, batch: str = "") -> Entry:
        row = order_row(verb, trigger=trigger)
        return self.journal.begin(replace(row.order, batch_id=batch), row.address)

    async def stored(self, columns: str = "state") -> list[tuple[object, ...]]:
        return await fetch(self.store, f"SELECT {columns} FROM orders ORDER BY given_at, id")  # noqa: S608

    async def until_degraded(self, *, degraded: bool = True) -> None:
        await until(lambda: bool(self.readiness.degraded) is degraded)

    async def take_over(self, count: int) -> list[Entry]:
        """Take over so many orders. Those that another process is renewing at this moment are skipped by PostgreSQL."""
        taken: list[Entry] = []
        async with asyncio.timeout(20):
            while len(taken) < count:
                taken += await self.journal.take_over(all_leases=True)
                await asyncio.sleep(0.02)
        return taken


@asynccontextmanager
async def journal_of(store: Store, owner: str = "ours", *, renew: float = 0.05) -> AsyncIterator[JournalHarness]:
    harness = JournalHarness(store, owner, renew)
    running = asyncio.create_task(harness.journal.run())
    yield harness
    harness.journal.stop()
    await asyncio.wait_for(running, 20)

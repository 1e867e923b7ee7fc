"""The writer of orders of a process, and the orders that it writes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.requests import Source, State, Verb
from bot.core.workspace import Workspace
from bot.health import Readiness
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import Crossed, RunningOrder, Settled
from bot.outbound.store.store import Store
from bot.outbound.store.writer import LEADER, LEASE, Lease, Writer
from harness.conversation import until
from harness.order_rows import Connection, order_row
from harness.stored import ACME

__all__ = ["LEADER", "LEASE", "Crossed", "Lease", "Settled"]


@dataclass(eq=False)
class WatchedDatabase:
    """A database that says what each transaction for orders does. It waits for `goes_on`, and can then fail once."""

    store: Store
    groups: list[list[Any]] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    lost_answer: bool = False

    def __post_init__(self) -> None:
        self.goes_on.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store.database, name)

    async def change_orders(self, work: Callable[[Connection], Any], **how: Any) -> Any:
        self.groups.append([])
        await self.goes_on.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        result = await self.store.database.change_orders(work, **how)
        is_lost, self.lost_answer = self.lost_answer, False
        if is_lost:
            raise StoreUnreachableError("gone")
        return result


@asynccontextmanager
async def writing(store: Store, owner: str = "ours", *, lease: Lease | None = None) -> AsyncIterator[Writer]:
    """Run the writer of a process, which has `WatchedDatabase` for its database."""
    writer = Writer(WatchedDatabase(store), lease or Lease(owner), Readiness())  # type: ignore[arg-type]
    running = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        writer.stop()
        await asyncio.wait_for(running, 20)


def holds(writer: Writer) -> bool:
    return writer.lease is not None and writer.lease.is_held


@asynccontextmanager
async def orders_of(store: Store, owner: str = "ours", *, lease: Lease | None = None) -> AsyncIterator[OrderRows]:
    """Run a process that records orders of workspaces that are installed."""
    for team_id in (ACME.team_id, "T0OTHER0001"):
        await store.rows.save_ids(Workspace(team_id, ACME.bot_token, None))
    async with writing(store, owner, lease=lease) as writer:
        await until(lambda: holds(writer))
        yield OrderRows(store.database, store.cipher, writer)


def running(
    verb: Verb = Verb.PAUSE,
    state: State = State.WAITING,
    *,
    version: str | None = None,
    source: Source = Source.COMMAND,
    batch: str = "",
    reason: str = "it loops",
    thread: str | None = None,
    **more: Any,
) -> RunningOrder:
    """Return an order in work like the row of `order_row`."""
    row = order_row(verb, state, **more)
    order = replace(row.order, expected_version=version, source=source, batch_id=batch, reason=reason)
    address = replace(row.address, thread_ts=thread)
    return RunningOrder(order, address, row.given_at, row.id, state, is_allowed=True)


async def record(rows: OrderRows, *orders: RunningOrder) -> None:
    for one in orders:
        one.recorded = rows.record(one)
        assert await one.recorded

"""Old orders are deleted in small parts, by whatever processes; those that are not finished stay."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.core.outcomes import Paused
from bot.core.recovery import State
from bot.core.secret import Secret
from bot.outbound.store import pruning
from bot.outbound.store.order_row import OrderRow
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.pruning import prune
from bot.outbound.store.schema import orders
from bot.outbound.store.store import Store, open_store
from harness.databases import KEY
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio

DAYS = 90
A_DAY = 86_400.0


def told(age: float) -> OrderRow:
    return replace(order_row(outcome=Paused(), age=age), state=State.TOLD, told_at=0.0)


async def left(store: Store) -> set[str]:
    return {row.id for row in await store.database.fetch_all(select(orders.c.id))}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_BATCH", 2)
    monkeypatch.setattr(pruning, "_PAUSE", 0.01)


async def test_only_old_orders_that_are_finished_are_deleted(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    kept = [told(DAYS * A_DAY - 60), order_row(age=100 * A_DAY), order_row(outcome=Paused(), age=100 * A_DAY)]
    old = [told(DAYS * A_DAY + 60 + number) for number in range(5)]
    await OrderRows(store.database, store.cipher, "ours").write([*kept, *old], [])
    await prune(store.database, DAYS)
    assert await left(store) == {row.id for row in kept}
    (record,) = [record for record in caplog.records if record.name == pruning.__name__]
    assert (vars(record)["orders"], record.levelname) == (5, "INFO")


async def test_several_processes_delete_at_the_same_time(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as one, open_store(Secret(database_url), [KEY]) as another:
        rows, young = OrderRows(one.database, one.cipher, "ours"), told(0)
        await rows.write([young, *(told(100 * A_DAY) for _ in range(20))], [])
        await asyncio.gather(*(prune(store.database, DAYS) for store in (one, another, one)))
        assert await left(one) == {young.id}


async def test_a_database_that_gives_no_answer_is_asked_again_later(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.database.migrated.clear()
    await prune(store.database, DAYS)
    assert [record.levelname for record in caplog.records if record.name == pruning.__name__] == ["WARNING"] * 2

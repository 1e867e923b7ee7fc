"""What is deleted when it is old."""

import asyncio

import pytest

from bot.outbound.store.retention import BATCH, prune
from harness.cards import card, messages_of
from harness.databases import KEY
from harness.order_rows import order_row, rows_of, settled, told
from harness.product import Secret, Store, open_store
from harness.product import outcomes as out
from harness.stored import DAY, execute, fetch

DAYS = 90


async def left(store: Store) -> set[str]:
    return {row_id for (row_id,) in await fetch(store, "SELECT id FROM orders")}


async def test_only_old_orders_that_are_finished_are_deleted(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    young, old = order_row(age=DAYS * DAY - 60), order_row(age=100 * DAY)
    kept = [told(young, out.Paused()), old, settled(order_row(age=100 * DAY), out.Paused())]
    ended = [told(order_row(age=DAYS * DAY + 60 + number), out.Paused()) for number in range(3 * BATCH + 5)]
    async with open_store(Secret(database_url), [KEY]) as one, open_store(Secret(database_url), [KEY]) as another:
        await rows_of(one).write(*kept, *ended)
        await asyncio.gather(*(prune(store.database, DAYS) for store in (one, another, one)))
        assert await left(one) == {row.id for row in kept}
    records = [record for record in caplog.records if record.name == prune.__module__]
    assert sum(vars(record)["orders"] for record in records) == len(ended)
    assert {record.levelname for record in records} == {"INFO"}


@pytest.mark.parametrize("days", [90, 3])
async def test_a_card_that_does_not_change_for_a_week_is_deleted(store: Store, days: int) -> None:
    async with messages_of(store) as messages:
        await asyncio.gather(messages.add([card(ts="1.1")]), messages.add([card(ts="2.2")]))
    age = min(days, 7) * DAY + 1
    await execute(store, "UPDATE messages SET changed_at = changed_at - :age WHERE ts = '1.1'", age=age)
    await prune(store.database, days)
    assert await fetch(store, "SELECT ts FROM messages") == [("2.2",)]

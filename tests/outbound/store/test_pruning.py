"""Old orders and cards are deleted in small parts, by whatever processes; orders that are not finished stay."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.outbound.store.history import BATCH, prune
from harness.cards import card, cards_of, exchange, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.order_rows import acted, order_row, rows_of, told
from harness.product import Secret, Store, open_store, requests
from harness.product import outcomes as out
from harness.stored import DAY, execute, fetch

pytestmark = pytest.mark.anyio

DAYS = 90


async def left(store: Store) -> set[str]:
    return {row_id for (row_id,) in await fetch(store, "SELECT id FROM orders")}


async def addressed(store: Store) -> set[str]:
    return {row_id for row_id, reply in await fetch(store, "SELECT id, reply FROM orders") if reply is not None}


async def test_only_old_orders_that_are_finished_are_deleted_by_several_processes_at_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    young, old = order_row(age=DAYS * DAY - 60), order_row(age=100 * DAY)
    kept = [told(young, out.Paused()), old, acted(order_row(age=100 * DAY), out.Paused())]
    ended = [told(order_row(age=DAYS * DAY + 60 + number), out.Paused()) for number in range(3 * BATCH + 5)]
    async with open_store(Secret(database_url), [KEY]) as one, open_store(Secret(database_url), [KEY]) as another:
        await rows_of(one).write([*kept, *ended], [])
        await asyncio.gather(*(prune(store.database, DAYS) for store in (one, another, one)))
        assert await left(one) == {row.id for row in kept}
    records = [record for record in caplog.records if record.name == prune.__module__]
    assert sum(vars(record)["orders"] for record in records) == len(ended)
    assert {record.levelname for record in records} == {"INFO"}


async def test_an_order_that_ended_late_is_kept_as_long_as_its_row_of_the_audit_trail(store: Store) -> None:
    await rows_of(store).write([told(order_row(age=DAYS * DAY + 60), out.Paused())], [])
    await execute(store, "UPDATE orders SET settled_at = settled_at + :later", later=float(DAY))
    await prune(store.database, DAYS)
    assert len(await left(store)) == 1


@pytest.mark.parametrize("days", [90, 3])
async def test_a_card_that_does_not_change_for_a_week_is_deleted(store: Store, days: int) -> None:
    await exchange(cards_of(store), new=[card(ts="1.1"), card(ts="2.2")])
    age = min(days, 7) * DAY + 1
    await execute(store, "UPDATE cards SET changed_at = changed_at - :age WHERE ts = '1.1'", age=age)
    await prune(store.database, days)
    assert await fetch(store, "SELECT ts FROM cards") == [("2.2",)]


async def test_an_alert_that_comes_while_its_card_is_deleted_makes_a_new_one(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        await exchange(cards_of(store), alerts=[worse_alert("old")])
        await execute(store, "UPDATE cards SET changed_at = changed_at - :age", age=8.0 * DAY)
        commit_slowly(url, "DELETE ON cards")
        pruning = asyncio.ensure_future(prune(store.database, DAYS))
        await until_committing(url)
        await exchange(cards_of(store), alerts=[worse_alert("new")])
        await pruning
        assert await fetch(store, "SELECT id FROM cards") == [("new",)]


async def test_the_lease_of_a_process_that_has_ended_is_deleted_once_nothing_of_it_is_left(store: Store) -> None:
    for owner, row in (("ended", told(order_row(), out.Paused())), ("left", order_row()), ("lives", order_row())):
        await rows_of(store, owner).write([row], [])
    await execute(store, "UPDATE marks SET until = until - :age WHERE name <> 'lives'", age=DAY + 60)
    await prune(store.database, DAYS)
    assert await fetch(store, "SELECT max(name), count(*) FROM marks WHERE name IN ('ended', 'left')") == [("left", 1)]


async def test_the_address_of_a_resume_that_was_told_is_deleted_after_an_hour(store: Store) -> None:
    rows, resumes = rows_of(store), [order_row(requests.Verb.RESUME, age=age) for age in (1.0, 3_700.0)]
    pause = order_row()
    await rows.write([*resumes, pause], [])
    ended = [told(resumes[0], out.Resumed()), told(resumes[1], out.Resumed()), told(pause, out.Paused())]
    await rows.write([], ended)
    assert await addressed(store) == {row.id for row in resumes}
    await prune(store.database, DAYS)
    assert await addressed(store) == {resumes[0].id}


async def test_a_database_that_gives_no_answer_is_asked_again_later(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.database.prepared.clear()
    await prune(store.database, DAYS)
    assert [record.levelname for record in caplog.records if record.name == prune.__module__] == ["WARNING"] * 2

"""The round trips of an order's transactions on PostgreSQL: one until all is known, one for the commit."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.outbound.store.errors import PartError
from harness import OTHER_SESSION
from harness.cards import NAME, card, cards_of, exchange, sent
from harness.databases import KEY
from harness.order_rows import Connection, acted, order_row, rows_of, told
from harness.product import OrderRows, Secret, State, Store, errors, open_store, outcomes, requests
from harness.round_trips import RoundTrips, round_trips

pytestmark = pytest.mark.anyio

PAUSED = outcomes.Paused()
INSERT = "INSERT INTO marks (scope, name) VALUES ('a', '{}')"
FAILS = "INSERT INTO missing VALUES (1)"
STORED = "SELECT marks.name FROM marks WHERE marks.scope = 'a'"


async def count(way: RoundTrips, rows: OrderRows, *values: object) -> int:
    way.sent.clear()
    await rows.write(*values)  # type: ignore[arg-type]
    assert b"COMMIT" in way.sent[-1]
    return len(way.sent)


async def test_each_transaction_of_an_order_takes_two_round_trips(postgresql_urls: Iterator[str]) -> None:
    async with round_trips(next(postgresql_urls)) as way, open_store(Secret(way.url), [KEY]) as store:
        await sent(cards := cards_of(store), (await exchange(cards, new=[card()])).claimed)
        rows, pause, resume = rows_of(store), order_row(), order_row(requests.Verb.RESUME, State.WAITING)
        await rows.write([order_row(session=OTHER_SESSION)], [])  # which opens the connection
        marks = {NAME: frozenset[str]()}
        assert await count(way, rows, [pause], []) == 2
        assert await count(way, rows, [], [acted(pause, PAUSED)], marks) == 2
        assert await count(way, rows, [], [told(pause, PAUSED)], marks) == 2
        assert await count(way, rows, [resume, order_row(), order_row()], []) == 2
        clicked = replace(resume.order, expected_version=pause.id)
        assert await count(way, rows, [order_row()], [replace(resume, state=State.SENT, order=clicked)]) == 2
        rows.lease.renewed_at = -1e9
        assert await count(way, rows, [], [told(resume, PAUSED)], marks, [pause]) == 2


@pytest.mark.parametrize("is_swallowed", [False, True])
async def test_nothing_is_committed_after_a_failed_statement(store: Store, *, is_swallowed: bool) -> None:
    """Also if the error appears only in the last part, which may fail alone, or nobody handles it."""

    def work(connection: Connection) -> None:
        connection.queue(INSERT.format("b"), {})
        connection.queue(FAILS, {})
        try:
            with connection.last_part():
                connection.fetch_all(STORED)
        except PartError:
            pytest.fail("not only the last part has failed")
        except connection.driver.error:
            if not is_swallowed:
                raise

    with pytest.raises(errors.StoreUnreachableError):
        await store.database.change(work)
    assert await store.database.fetch_all(STORED) == []


async def test_a_failed_last_part_undoes_only_itself(store: Store) -> None:
    def work(connection: Connection) -> list[object]:
        first = connection.queue(INSERT.format("b"), {})
        try:
            with connection.last_part():
                connection.queue(INSERT.format("c"), {})
                connection.execute(FAILS)
        except PartError:
            return [first.count()]
        return []

    assert await store.database.change(work) == [1]
    assert [row.name for row in await store.database.fetch_all(STORED)] == ["b"]


async def test_a_violated_constraint_is_named_among_other_statements(store: Store) -> None:
    def work(connection: Connection) -> None:
        for _ in range(20):
            connection.queue(INSERT.format("b"), {})
        connection.fetch_all(STORED)

    for _ in range(5):
        with pytest.raises(errors.IntegrityError):
            await store.database.change(work)

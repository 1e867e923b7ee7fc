"""Statements that are sent together: what a failed one undoes, and which error is named."""

import pytest

from bot.outbound.store.errors import PartError
from harness.order_rows import MARK, Connection
from harness.product import Store, errors

pytestmark = pytest.mark.anyio

INSERT = MARK.format("'a'", "'{}'")
FAILS = "INSERT INTO missing VALUES (1)"
STORED = "SELECT marks.name FROM marks WHERE marks.scope = 'a'"


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
        with pytest.raises(errors.StoreBrokenError):
            await store.database.change(work)

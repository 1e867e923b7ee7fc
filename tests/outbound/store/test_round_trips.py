"""Statements that are sent together: what a failed one undoes, and which error is named."""

import pytest

from harness.order_rows import MARK, Connection
from harness.product import Store, errors

pytestmark = pytest.mark.anyio

INSERT = MARK.format("'a'", "'{}'")
FAILS = "INSERT INTO missing VALUES (1)"
STORED = "SELECT marks.name FROM marks WHERE marks.scope = 'a'"


@pytest.mark.parametrize("is_swallowed", [False, True])
async def test_nothing_is_committed_after_a_failed_statement(store: Store, *, is_swallowed: bool) -> None:
    """Also if nobody handles the error."""

    def work(connection: Connection) -> None:
        connection.queue(INSERT.format("b"), {})
        connection.queue(FAILS, {})
        try:
            connection.fetch_all(STORED)
        except connection.driver.error:
            if not is_swallowed:
                raise

    with pytest.raises(errors.StoreUnreachableError):
        await store.database.change(work)
    assert await store.database.fetch_all(STORED) == []

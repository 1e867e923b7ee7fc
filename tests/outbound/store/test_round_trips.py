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

"""The databases of trials."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.outbound.store.schema import prepare
from bot.outbound.store.sqlite import driver as sqlite_driver
from usecases.faults import OneConnection, following


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[OneConnection]:
    """A new database: a PostgreSQL, or else SQLite in memory."""
    is_shared = request.param == "postgresql"
    driver = following(next(request.getfixturevalue("postgresql_urls"))) if is_shared else sqlite_driver(None)
    store = OneConnection(driver)
    asyncio.run(prepare(store.database()))
    yield store
    store.connection.close()
    driver.close()

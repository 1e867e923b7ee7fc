"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from harness.databases import KEY
from harness.product import Secret, Store, open_store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(Secret(database_url), [KEY]) as opened:
        yield opened

"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from bot.core.secret import Secret
from bot.outbound.store.store import Store, open_store
from harness.databases import KEY


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(Secret(database_url), [KEY], first_version=lambda: 0) as opened:
        yield opened

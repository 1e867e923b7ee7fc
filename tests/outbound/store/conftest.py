"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from harness.databases import KEY
from harness.product import Secret, Store, open_store


@pytest.fixture
async def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr("bot.outbound.store.workspaces.random_version", lambda: 0)
    async with open_store(Secret(database_url), [KEY]) as opened:
        yield opened

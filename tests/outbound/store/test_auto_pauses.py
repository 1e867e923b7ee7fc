"""Since when an alert fires that does not say so itself."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.outbound.store.auto_pauses import AutoPauseRows
from harness.cards import cards_of, exchange, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.product import Secret, open_store
from harness.stored import ACME

pytestmark = pytest.mark.anyio


async def test_an_alert_that_comes_while_its_end_is_committed_fires_anew(postgresql_urls: Iterator[str]) -> None:
    url, resolved = next(postgresql_urls), worse_alert("a1", resolved=True)
    async with open_store(Secret(url), [KEY]) as store:
        await store.rows.save(ACME)
        rows = AutoPauseRows(store.database, 10)
        first = await rows.firing_since(ACME.team_id, resolved.alert)
        commit_slowly(url, "DELETE ON marks")
        ending = asyncio.ensure_future(exchange(cards_of(store), alerts=[resolved]))
        await until_committing(url)
        assert await rows.firing_since(ACME.team_id, resolved.alert) > first
        await ending

"""Since when an alert fires that does not say so itself, and what is counted after a person has continued."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.outbound.store.auto_pauses import AutoPauseRows
from harness.cards import cards_of, exchange, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.product import Secret, Store, open_store
from harness.stored import ACME, execute, fetch

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


async def test_it_is_counted_from_zero_also_if_the_message_is_deleted_meanwhile(store: Store) -> None:
    await execute(
        store,
        "INSERT INTO marks VALUES (:team, 'auto pauses', 2e9, :value)",
        team=ACME.team_id,
        value='[[[1.0, "s"]], "held"]',
    )
    await AutoPauseRows(store.database, 10).start_anew(ACME.team_id, "U0ALICE0001", "held", 0.0)
    assert await fetch(store, "SELECT until, value FROM marks WHERE name = 'auto pauses'") == [
        (0.0, '[[[0.0, "s"]], ""]')
    ]

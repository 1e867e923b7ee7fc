"""Since when an alert fires that does not say so itself, and what is counted after a person has continued."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.outbound.store.auto_pauses import AutoPauseRows, attempt_of, pause_of
from harness.cards import cards_of, exchange, pausing_alert, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.order_rows import acted, order_row, rows_of
from harness.product import Secret, Store, open_store, outcomes, requests
from harness.round_trips import round_trips
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


async def test_each_session_that_was_held_back_takes_one_round_trip(postgresql_urls: Iterator[str]) -> None:
    """A thousand of them are read within the timeout, also from a server that is a millisecond away."""
    team, alert, count = ACME.team_id, pausing_alert("a"), 20
    async with round_trips(next(postgresql_urls)) as way, open_store(Secret(way.url), [KEY]) as store:
        await store.rows.save(ACME)
        rows, ids = AutoPauseRows(store.database, 1), list[str]()
        for number in range(count + 1):
            session = type(alert.alert.session_id)(str(uuid.UUID(int=number)))
            about = replace(alert.alert, session_id=session)
            await exchange(cards_of(store), alerts=[replace(alert, id=f"a{number}", alert=about)])
            order = pause_of(attempt_of(team, session, "f1", 1.0), session, requests.Actor(team, "C1", "alert:x"), "")
            row = replace(order_row(age=1.0), order=order)
            verdict = await rows.judge(row.id, order, "C1")
            outcome = verdict.why_not or outcomes.Paused()
            await rows_of(store).write([row], [acted(row, outcome, settled_at=row.given_at)])
            ids += [row.id] if verdict.why_not else []
        way.sent.clear()
        held = await rows.held(team, ids[0])
        assert held is not None
        assert (len(held.unpaused), len(way.sent) < count + 10) == (count, True)

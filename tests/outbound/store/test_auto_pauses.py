"""Since when an alert fires that does not say so itself, what is held back, and what mentions people."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.outbound.store.auto_pauses import AutoPauseRows, attempt_of, pause_of
from harness.cards import cards_of, exchange, pausing_alert, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.order_rows import acted, order_row, rows_of
from harness.product import Secret, SessionId, Store, cards, open_store, outcomes, requests
from harness.round_trips import round_trips
from harness.stored import ACME, GLOBEX, fetch

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


async def test_pauses_that_failed_mention_people_three_times_in_ten_minutes_and_another_message_counts_more(
    store: Store,
) -> None:
    await store.rows.save(ACME)
    actor, sessions = requests.Actor(ACME.team_id, "C1", "alert:x"), [str(uuid.UUID(int=one)) for one in range(5)]
    orders = [
        pause_of(attempt_of("T", one, cards.Firing("x", "f", 1.0), 1.0), SessionId(one), actor, "") for one in sessions
    ]
    critical, elsewhere = (
        replace(orders[0], is_critical=True),
        replace(orders[0], actor=replace(actor, channel_id="C2")),
    )
    rows = [AutoPauseRows(store.database, 10) for _ in range(2)]  # of two processes
    told = [await rows[number % 2].take_call(order) for number, order in enumerate((*orders, critical, critical))]
    assert told == [True] * 3 + [False] * 2 + [True, False]
    assert await rows[0].take_call(elsewhere)
    ((content, wait),) = await fetch(store, "SELECT content, not_before - created_at FROM cards WHERE kind = 'held'")
    assert (json.loads(content)["count"], 590 < wait <= 600) == (3, True)


async def test_each_session_held_back_takes_one_round_trip_and_only_its_own_message_ends_the_limit(
    postgresql_urls: Iterator[str],
) -> None:
    """A thousand of them are read within the timeout, also from a server that is a millisecond away."""
    team, alert, count = ACME.team_id, pausing_alert("a"), 20
    async with round_trips(next(postgresql_urls)) as way, open_store(Secret(way.url), [KEY]) as store:
        await store.rows.save(ACME)
        rows, ids = AutoPauseRows(store.database, 1), list[str]()
        for number in range(count + 1):
            session = type(alert.alert.session_id)(str(uuid.UUID(int=number)))
            about = replace(alert.alert, session_id=session)
            await exchange(cards_of(store), alerts=[replace(alert, id=f"a{number}", alert=about)])
            attempt = attempt_of(team, session, about.firing, 1.0)
            order = pause_of(attempt, session, requests.Actor(team, "C1", "alert:default"), "")
            row = replace(order_row(age=1.0), order=order)
            verdict = await rows.judge(row.id, order, "C1")
            outcome = outcomes.Paused() if isinstance(verdict, bool) else verdict
            await rows_of(store).write([row], [acted(row, outcome, settled_at=row.given_at)])
            ids += [] if isinstance(verdict, bool) else [row.id]
        way.sent.clear()
        held = await rows.held(team, ids[0])
        assert (len(held or ()), len(way.sent) < count + 10) == (count, True)
        assert await rows.held(GLOBEX.team_id, ids[0]) is None
        limit = "SELECT until > 0, value FROM marks WHERE name LIKE 'auto pauses %'"
        before = await fetch(store, limit)
        for team_id, held_id in ((GLOBEX.team_id, ids[0]), (team, ids[1])):
            await rows.lift(team_id, held_id)
        assert await fetch(store, limit) == before
        await rows.lift(team, ids[0])
        assert [(until, json.loads(value)) for until, value in await fetch(store, limit)] == [
            (False, [[[0.0, str(uuid.UUID(int=0))]], ""])
        ]

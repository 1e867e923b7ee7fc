"""The opposite orders for a session, of this process and of others; no statement reads the whole table."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from bot.core.requests import NO_OPPOSITION, UNCONFIRMED_TTL, Opposition
from harness import OTHER_SESSION
from harness.databases import KEY
from harness.order_rows import (
    STATEMENTS,
    Connection,
    Make,
    frozen_transaction,
    order_row,
    row,
    rows_of,
    session_locks,
    settled,
    taken_over,
)
from harness.product import Secret, State, Store, open_store, requests
from harness.product import outcomes as out

pytestmark = pytest.mark.anyio

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME
OURS, THEIRS = "ours", "theirs"
QUARTER = 901  # seconds
PAUSED, RESUMED, SUPERSEDED = out.Paused(), out.Resumed(), out.Superseded()
TIMED_OUT, CROSSED = out.Unconfirmed(out.Doubt.TIMED_OUT), out.Unconfirmed(out.Doubt.RACED)


@pytest.mark.parametrize(
    ("owner", "pause", "opposition"),
    [
        (THEIRS, row(PAUSE, age=10), Opposition(is_running=True)),
        (OURS, row(PAUSE, age=10), NO_OPPOSITION),
        (OURS, row(PAUSE, age=2), Opposition(is_running=True)),
        (THEIRS, settled(row(PAUSE, age=2), PAUSED), Opposition(is_later=True, has_crossed=True)),
        (THEIRS, settled(row(PAUSE, age=10), PAUSED), Opposition(has_crossed=True)),
        (THEIRS, settled(row(PAUSE, age=2), out.Overloaded()), NO_OPPOSITION),
        (THEIRS, row(PAUSE, age=2, session=OTHER_SESSION), NO_OPPOSITION),
        (THEIRS, row(PAUSE, age=2, team="T0OTHER0001"), NO_OPPOSITION),
        (THEIRS, row(PAUSE, age=QUARTER), NO_OPPOSITION),
        (THEIRS, row(RESUME, age=2), NO_OPPOSITION),
    ],
)
async def test_a_resume_is_recorded_as_sent_unless_a_pause_runs_or_was_given_later(
    store: Store, owner: str, pause: Make, opposition: Opposition
) -> None:
    rows, resume = rows_of(store), order_row(RESUME, State.WAITING, age=5)
    await rows_of(store, owner).write([pause()], [])
    await rows.write([resume], [])
    written = await rows.write([], [replace(resume, state=State.SENT)])
    assert written.opposition.get(resume.id, NO_OPPOSITION) == opposition
    assert written.held_back == ({resume.id} if opposition.is_running or opposition.is_later else set())
    state = State.WAITING if written.held_back else State.SENT
    assert {one.id: one.state for one in await taken_over(store, "a third")}[resume.id] == state


async def test_a_resume_that_is_recorded_as_sent_is_not_held_back_by_a_later_pause(store: Store) -> None:
    """The answer to the commit was lost, and the pause waits for the resume."""
    rows, resume = rows_of(store), order_row(RESUME, State.WAITING, age=5)
    await rows.write([resume], [])
    await rows.write([], [replace(resume, state=State.SENT)])
    await rows_of(store, THEIRS).write([order_row(PAUSE)], [])
    assert (await rows.write([], [replace(resume, state=State.SENT)])).held_back == frozenset()


async def test_a_resume_is_held_back_by_an_end_that_is_recorded_as_sent_in_the_same_transaction(store: Store) -> None:
    rows, orders = rows_of(store, OURS), [order_row(verb, State.WAITING) for verb in (RESUME, requests.Verb.END)]
    await rows.write(orders, [])
    sending = [replace(one, stored=State.WAITING, state=State.SENT) for one in orders]
    assert (await rows.write([], sending)).held_back == {orders[0].id}


@pytest.mark.parametrize(
    ("resume", "opposition"),
    [
        (row(RESUME, State.WAITING, age=10), NO_OPPOSITION),
        (row(RESUME, age=10), Opposition(is_running=True)),
        (settled(row(RESUME, age=10), RESUMED, age=2), Opposition(has_crossed=True)),
        (settled(row(RESUME, age=10), RESUMED, age=7), NO_OPPOSITION),
        (settled(row(RESUME, age=10), TIMED_OUT, age=7), Opposition(is_in_doubt=True)),
        (settled(row(RESUME, age=10), out.Broken("1"), age=7), Opposition(is_in_doubt=True)),
        (settled(row(RESUME, age=10), CROSSED, age=7), NO_OPPOSITION),
        (settled(row(RESUME, age=90), TIMED_OUT, age=UNCONFIRMED_TTL + 1), NO_OPPOSITION),
    ],
)
async def test_a_pause_finds_the_resumes_that_it_may_have_crossed(
    store: Store, resume: Make, opposition: Opposition
) -> None:
    rows, pause = rows_of(store), order_row(PAUSE, age=5)
    await rows_of(store, THEIRS).write([resume()], [])
    written = await rows.write([pause], [])
    assert await rows.find_opposition(pause.id) == opposition
    assert written.opposition.get(pause.id, NO_OPPOSITION) == opposition


BY_ALICE, BY_BOB = "U0ALICE0001", "U0BOB000001"
PAUSED_10_S_AGO = settled(row(PAUSE, age=10, user=BY_BOB), PAUSED, age=9)


@pytest.mark.parametrize(
    ("others", "by"),
    [
        ([PAUSED_10_S_AGO], (BY_BOB, 10)),
        ([settled(row(PAUSE, age=20), PAUSED)], (BY_ALICE, 20)),
        ([settled(row(PAUSE, age=14), PAUSED)], None),  # her own
        ([PAUSED_10_S_AGO, settled(row(RESUME, age=8), SUPERSEDED)], (BY_BOB, 10)),
        ([PAUSED_10_S_AGO, settled(row(RESUME, age=8), RESUMED, age=7)], None),
        ([PAUSED_10_S_AGO, row(RESUME, age=8)], None),
        ([row(PAUSE, age=10, user=BY_BOB)], None),
        ([settled(row(PAUSE, age=2, user=BY_BOB), PAUSED)], None),
        ([settled(row(PAUSE, age=10, user=BY_BOB, session=OTHER_SESSION), PAUSED)], None),
        ([settled(row(PAUSE, age=QUARTER, user=BY_BOB), PAUSED)], None),
    ],
)
async def test_a_pause_finds_the_recent_pause_before_it(
    store: Store, others: list[Make], by: tuple[str, int] | None
) -> None:
    rows, pause, now = rows_of(store), order_row(PAUSE, age=5), time.time()
    await rows_of(store, THEIRS).write([make() for make in others], [])
    written = await rows.write([pause], [])
    earlier = written.opposition.get(pause.id, NO_OPPOSITION).earlier_pause
    assert (earlier and (earlier.user_id, round(now - earlier.given_at))) == by


@pytest.mark.parametrize(
    ("resume", "by"),
    [
        (settled(row(RESUME, age=2), RESUMED), "U0ALICE0001"),
        (settled(row(RESUME, age=2), TIMED_OUT), "U0ALICE0001"),
        (settled(row(RESUME, age=2), SUPERSEDED), None),
        (row(RESUME, age=10), None),
        (row(RESUME, age=2, session=OTHER_SESSION), None),
    ],
)
async def test_a_late_pause_finds_who_has_resumed_since(store: Store, resume: Make, by: str | None) -> None:
    rows, pause = rows_of(store), order_row(PAUSE, age=5)
    await rows.write([pause], [])
    await rows_of(store, THEIRS).write([resume()], [])
    assert await rows.resumed_after(pause.id) == by


@pytest.mark.slow
async def test_a_process_that_is_frozen_in_a_transaction_does_not_stop_the_others(
    postgresql_urls: Iterator[str],
) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        pause = order_row(PAUSE)
        with frozen_transaction(url, *session_locks([pause.order])) as connection:
            assert (await rows_of(store, THEIRS).write([pause], [])).lost == frozenset()
            with pytest.raises(psycopg.InternalError):
                connection.execute("SELECT 1")
        assert [one.id for one in await taken_over(store, OURS)] == [pause.id]


async def test_a_pause_of_a_batch_is_recorded_as_sent_beside_no_other_order_for_its_session(
    postgresql_urls: Iterator[str],
) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        rows, pause = rows_of(store, OURS), order_row(PAUSE, State.WAITING)
        await rows.write([pause], [])
        with frozen_transaction(url, *session_locks([pause.order])):
            sending = asyncio.ensure_future(rows.write([], [replace(pause, stored=State.WAITING, state=State.SENT)]))
            await asyncio.sleep(0.2)
            assert not sending.done()
        await sending


FILL = """
    INSERT INTO orders (id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id, state,
      given_at, owner)
    SELECT n, 'T' || n % 50, n, 'pause', '', 'command', 'U1', 'T', 'C1', 'told', n, 'old'
    FROM generate_series(1, 10000) AS n
"""


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_no_statement_scans_the_table(store: Store, database_url: str, statement: str) -> None:
    since = 10_000.0  # the statistics know no later row, as after a quiet day; thousands can have come since
    values = {"owner": OURS, "ids": '["a"]', "since": since, "id": "a", "version": "a", "made_at": 0.0, "latest": 9.0}
    values |= {"team_id": "T0HOME00001", "session_id": "a", "is_drill": 0}
    is_sqlite = database_url.startswith("sqlite")

    def explain(connection: Connection) -> str:
        if not is_sqlite:
            connection.execute(FILL)
            connection.execute("ANALYZE orders")
        rows = connection.fetch_all(f"EXPLAIN {'QUERY PLAN' * is_sqlite} {statement}", **values)
        return "\n".join(str(row[-1]) for row in rows)

    plan = await store.database.change(explain)
    assert not re.search("SCAN (orders|own|other)|Seq Scan on orders", plan)
    assert "ix_orders_given_at" not in plan

"""The opposite orders for a session, of this process and of others; no statement reads the whole table."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InternalError

from bot.core.opposition import NO_OPPOSITION, UNCONFIRMED_TTL, Opposition
from harness import OTHER_SESSION
from harness.databases import KEY
from harness.order_rows import Make, acted, frozen_transaction, order_row, row, rows_of, settled, taken_over
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
        (THEIRS, row(PAUSE, age=2), Opposition(is_running=True)),
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


@pytest.mark.parametrize(
    ("resume", "opposition"),
    [
        (row(RESUME, State.WAITING, age=10), NO_OPPOSITION),
        (row(RESUME, age=10), Opposition(is_running=True)),
        (settled(row(RESUME, age=10), RESUMED, age=2), Opposition(has_crossed=True)),
        (settled(row(RESUME, age=10), RESUMED, age=7), NO_OPPOSITION),
        (settled(row(RESUME, age=10), SUPERSEDED, age=2), NO_OPPOSITION),
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
        ([settled(row(PAUSE, age=20), PAUSED), PAUSED_10_S_AGO], (BY_BOB, 10)),
        ([settled(row(PAUSE, age=20), PAUSED)], (BY_ALICE, 20)),
        ([settled(row(PAUSE, age=14), PAUSED)], None),  # her own
        ([settled(row(RESUME, age=20), RESUMED), PAUSED_10_S_AGO], (BY_BOB, 10)),
        ([PAUSED_10_S_AGO, settled(row(RESUME, age=8), SUPERSEDED)], (BY_BOB, 10)),
        ([PAUSED_10_S_AGO, settled(row(RESUME, age=8), RESUMED, age=7)], None),
        ([PAUSED_10_S_AGO, settled(row(RESUME, age=8), TIMED_OUT, age=7)], None),
        ([PAUSED_10_S_AGO, row(RESUME, age=8)], None),
        ([row(PAUSE, age=10, user=BY_BOB)], None),
        ([settled(row(PAUSE, age=10, user=BY_BOB), TIMED_OUT)], None),
        ([settled(row(PAUSE, age=2, user=BY_BOB), PAUSED)], None),
        ([settled(row(PAUSE, age=10, user=BY_BOB, session=OTHER_SESSION), PAUSED)], None),
        ([settled(row(PAUSE, age=QUARTER, user=BY_BOB), PAUSED)], None),
    ],
)
async def test_a_pause_finds_the_recent_pause_before_it(
    store: Store, others: list[Make], by: tuple[str, int] | None
) -> None:
    rows, pause = rows_of(store), order_row(PAUSE, age=5)
    await rows_of(store, THEIRS).write([make() for make in others], [])
    written = await rows.write([pause], [])
    earlier = written.opposition.get(pause.id, NO_OPPOSITION).earlier_pause
    assert (earlier and (earlier.user_id, round(time.time() - earlier.given_at))) == by


@pytest.mark.parametrize(
    ("resume", "by"),
    [
        (row(RESUME, age=2), "U0ALICE0001"),
        (settled(row(RESUME, age=2), RESUMED), "U0ALICE0001"),
        (settled(row(RESUME, age=2), TIMED_OUT), "U0ALICE0001"),
        (settled(row(RESUME, age=2), SUPERSEDED), None),
        (row(RESUME, State.WAITING, age=2), None),
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
        with frozen_transaction(url, pause.order) as connection:
            assert (await rows_of(store, THEIRS).write([pause], [])).lost == frozenset()
            with pytest.raises(InternalError):
                connection.exec_driver_sql("SELECT 1")
        assert [one.id for one in await taken_over(store, OURS)] == [pause.id]


# --- what the statements read ---


@contextmanager
def plans() -> Iterator[list[str]]:
    """Collect how the database executes each statement about orders; PostgreSQL scans only if no index fits."""
    found: list[str] = []
    is_explaining = False

    def explain(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:
        nonlocal is_explaining
        if is_explaining or "orders" not in statement or statement.startswith("INSERT"):
            return
        is_explaining = True
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        one = parameters[0] if isinstance(parameters, list) else parameters
        prefix = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{prefix} {statement}", one).all()
        found.append("\n".join(str(row[-1]) for row in plan))
        is_explaining = False

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


async def test_no_statement_about_an_order_scans_the_table(store: Store) -> None:
    rows, pause, resume = rows_of(store), order_row(PAUSE, trigger="1.2"), order_row(RESUME, State.WAITING)
    left = order_row(PAUSE)
    await rows_of(store, THEIRS).write([left], [])
    with plans() as found:
        await rows.write([pause, resume], [])
        await rows.write([], [acted(pause, PAUSED), replace(resume, state=State.SENT)])
        await rows.write([pause], [left])  # what is stored already, and what another process has
        await rows.renew([pause.id, left.id])
        await rows.find_opposition(pause.id)
        await rows.resumed_after(pause.id)
        await rows.outcome_of("1.2")
        await rows.has_orders_of_others()
        assert await rows.take_over(all_leases=False) == []
        assert len(await rows.take_over(all_leases=True)) == 1
    assert len(found) > 10
    assert [plan for plan in found if is_scan(plan)] == []


def is_scan(plan: str) -> bool:
    if "Seq Scan on orders" in plan or "ix_orders_given_at" in plan:
        return True
    return any(line.startswith("SCAN") and "ix_orders_unfinished" not in line for line in plan.splitlines())

"""The clock of the database is set by an hour: no resume is sent that is older than a pause, and none waits an hour."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from harness import OTHER_SESSION
from harness.databases import CIPHER, KEY, set_clock
from harness.order_rows import order_row, row, rows_of, settled
from harness.product import OrderRows, Secret, State, Store, open_store, outcomes
from harness.product import requests as req

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("step", [-3600, 3600])]

PAUSE, RESUME = req.Verb.PAUSE, req.Verb.RESUME
OURS, THEIRS = "ours", "theirs"
LEASE = 1.0  # seconds


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    set_clock(database_url, 0)
    async with open_store(Secret(database_url), [KEY]) as opened:
        yield opened


async def processes(store: Store) -> list[OrderRows]:
    """Two processes that know the database's clock."""
    both = [OrderRows(store.database, CIPHER, owner, lease=LEASE) for owner in (OURS, THEIRS)]
    for rows in both:
        await rows.write([order_row(session=OTHER_SESSION)], [])
    return both


async def is_held_back(rows: OrderRows) -> bool:
    """Whether a resume that is given now is not to be sent."""
    resume = order_row(RESUME, State.WAITING)
    await rows.write([resume], [])
    return bool((await rows.write([], [replace(resume, state=State.SENT)])).held_back)


@pytest.mark.parametrize("set_after", [0, 1, 2])
@pytest.mark.parametrize("first", [OURS, THEIRS])
async def test_a_resume_is_held_back_by_a_later_pause_whenever_the_clock_is_set(
    store: Store, database_url: str, step: float, set_after: int, first: str
) -> None:
    ours, theirs = await processes(store)
    resume, pause = order_row(RESUME, State.WAITING, age=2), settled(row(PAUSE, age=1), outcomes.Paused())()
    writes = [(ours, resume), (theirs, pause)]
    for number, (rows, order) in enumerate(writes if first == OURS else reversed(writes)):
        if number == set_after:
            set_clock(database_url, step)
        await rows.write([order], [])
    set_clock(database_url, step)
    assert (await ours.write([], [replace(resume, state=State.SENT)])).held_back == {resume.id}


async def test_a_resume_waits_only_for_a_pause_that_runs_since_before_the_clock_was_set(
    store: Store, database_url: str, step: float
) -> None:
    ours, theirs = await processes(store)
    pause = order_row(PAUSE, age=1)
    await theirs.write([pause], [])
    set_clock(database_url, step)
    assert [await is_held_back(ours), await is_held_back(ours)] == [True, True]
    await theirs.write([], [replace(pause, state=State.ACTED, outcome=outcomes.Paused(), settled_at=pause.given_at)])
    assert [await is_held_back(ours), await is_held_back(rows_of(store, "a third"))] == [False, False]


async def test_a_pause_finds_a_resume_that_it_has_crossed_before_the_clock_was_set(
    store: Store, database_url: str, step: float
) -> None:
    ours, theirs = await processes(store)
    await theirs.write([settled(row(RESUME, age=2), outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT), age=0.5)()], [])
    set_clock(database_url, step)
    found = (await ours.write([pause := order_row(PAUSE, age=1)], [])).opposition[pause.id]
    assert (found.has_crossed, found.is_in_doubt) == (True, True)


async def test_an_order_is_taken_over_in_time_from_a_killed_process_and_not_from_a_living_one(
    store: Store, database_url: str, step: float
) -> None:
    ours, theirs = await processes(store)
    killed, lives = order_row(RESUME, State.WAITING), order_row(PAUSE, session=OTHER_SESSION)
    await rows_of(store, "killed").write([killed], [])
    await theirs.write([lives], [])
    set_clock(database_url, step)
    assert await ours.take_over(all_leases=False) == []
    await asyncio.sleep(LEASE)
    await theirs.write([], [], held=[lives])
    (taken,) = [one for one in await ours.take_over(all_leases=False) if one.id in {killed.id, lives.id}]
    assert (taken.id, round(taken.age / 3600)) == (killed.id, 1), "it was asked about again, since its age is not known"


async def test_the_order_of_decisions_is_kept(store: Store, database_url: str, step: float) -> None:
    ours, theirs = await processes(store)
    before = settled(row(RESUME), outcomes.Resumed())()
    await theirs.write([before], [])
    set_clock(database_url, step)
    pause = settled(row(PAUSE, age=-0.1), outcomes.Paused())()
    await ours.write([pause], [])
    clicks = [replace(pause.order, expected_version=version.id) for version in (before, pause)]
    changes = [await ours.change_since(one) for one in clicks]
    assert [one and one.id for one in changes] == [pause.id, None]
    assert await ours.resumed_after(pause.id) is None

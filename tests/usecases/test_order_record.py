"""Two processes on one database: a resume waits for pauses of the other one, a pause for resumes that it crossed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from bot.usecases.sequence import OrderRecord
from harness.databases import KEY
from harness.journal import journal_of
from harness.order_rows import order_row
from harness.product import OrderRows, Secret, errors, open_store, outcomes, requests

pytestmark = pytest.mark.anyio

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME
LOOKS = 1.0
"""Seconds in which a process looks several times at what others do."""


CLOCK_ERROR = 0.6
"""Seconds by which a resume ends later than a pause that it has not crossed."""

APART = 0.05
"""Seconds between two orders."""


class Process:
    """One of two processes, with its journal."""

    def __init__(self, journal: Any) -> None:
        self.journal = journal

    def begin(self, verb: requests.Verb, **changes: Any) -> tuple[Any, OrderRecord]:
        row = order_row(verb)
        entry = self.journal.begin(replace(row.order, **changes), row.address)
        return entry, OrderRecord(self.journal, self.journal.rows, entry)

    async def stored(self, verb: requests.Verb, **changes: Any) -> tuple[Any, OrderRecord]:
        """An order given later than all before: two processes know the database's clock to some milliseconds."""
        await asyncio.sleep(APART)
        entry, record = self.begin(verb, **changes)
        assert await record.is_stored()
        return entry, record

    async def sent(self) -> Any:
        """A resume that is at Anchor."""
        entry, record = await self.stored(RESUME)
        assert await record.clear_resume(asyncio.Event()) is None
        return entry

    async def settle(self, entry: Any, outcome: outcomes.Outcome) -> None:
        self.journal.settle(entry, outcome)
        assert await entry.written

    async def changed_since(self, version: str) -> Any:
        """Look for changes as a click on a Resume button of this version does."""
        return await self.begin(RESUME, expected_version=version)[1].changed_since(is_admin=False)


@pytest.fixture
async def two(sqlite_url: str) -> AsyncIterator[tuple[Process, Process]]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(Secret(sqlite_url), [KEY]))
        ours, theirs = [await stack.enter_async_context(journal_of(store, owner)) for owner in ("ours", "theirs")]
        yield Process(ours.journal), Process(theirs.journal)


@pytest.fixture
def ours(two: tuple[Process, Process]) -> Process:
    return two[0]


@pytest.fixture
def theirs(two: tuple[Process, Process]) -> Process:
    return two[1]


async def begun(work: Any) -> asyncio.Task[Any]:
    """Begin something that still waits after several looks."""
    task: asyncio.Task[Any] = asyncio.ensure_future(work)
    await asyncio.sleep(LOOKS)
    assert not task.done()
    return task


async def fail(*_: object) -> None:
    raise errors.StoreUnreachableError("gone")


# --- a resume ---


async def test_a_resume_waits_for_the_pauses_of_another_process(ours: Process, theirs: Process) -> None:
    pauses = [(await theirs.stored(PAUSE))[0] for _ in range(2)]
    _, record = await ours.stored(RESUME)
    clearing = await begun(record.clear_resume(asyncio.Event()))
    for pause in pauses:
        assert not clearing.done()
        await theirs.settle(pause, outcomes.Paused())
        await asyncio.sleep(LOOKS)
    assert await clearing is None


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_resume_is_dropped_for_a_later_pause_of_another_process_or_if_it_is_cancelled(
    ours: Process, theirs: Process, *, is_cancelled: bool
) -> None:
    _, record = await ours.stored(RESUME)
    pause, _ = await theirs.stored(PAUSE)
    cancelled = asyncio.Event()
    clearing = await begun(record.clear_resume(cancelled))
    if is_cancelled:
        cancelled.set()
    else:
        await theirs.settle(pause, outcomes.Paused())
    assert await clearing == outcomes.Superseded()


async def test_a_resume_that_another_process_has_is_not_sent(ours: Process, theirs: Process) -> None:
    entry, record = await ours.stored(RESUME)
    await theirs.journal.take_over(all_leases=True)
    assert await record.clear_resume(asyncio.Event()) == outcomes.StoreUnavailable()
    assert entry.is_lost


async def test_a_resume_and_its_attempts_end_with_its_lease(ours: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, record = await ours.stored(RESUME)
    assert (record.is_ours(), record.is_sent()) == (True, False)
    assert await record.clear_resume(asyncio.Event()) is None
    assert (await record.may_repeat(), record.is_sent()) == (True, True)
    monkeypatch.setattr(OrderRows, "ending", fail)
    assert not await record.may_repeat()
    monkeypatch.setattr(OrderRows, "is_leased", property(lambda _: False))
    assert not record.is_ours()
    assert isinstance(await record.clear_resume(asyncio.Event()), outcomes.Late)
    monkeypatch.undo()
    assert record.is_ours()
    entry.is_lost = True
    assert not record.is_ours()


async def test_a_resume_does_not_undo_an_earlier_pause_that_was_recorded_since_its_button_was_read(
    ours: Process, theirs: Process
) -> None:
    known, _ = await ours.stored(PAUSE)
    await ours.settle(known, outcomes.Paused())
    await asyncio.sleep(APART)
    pause, _ = theirs.begin(PAUSE, actor=replace(known.order.actor, user_id="U0BOB000001"))
    theirs.journal.rows.unblocked.clear()
    _, record = await ours.stored(RESUME, expected_version=known.id)
    assert await record.changed_since(is_admin=False) is None
    theirs.journal.rows.unblocked.set()
    await theirs.settle(pause, outcomes.Paused())
    assert isinstance(await record.clear_resume(asyncio.Event()), outcomes.PausedSince)


# --- a pause ---


async def test_a_pause_of_a_batch_waits_for_a_resume_that_came_before_its_turn(ours: Process, theirs: Process) -> None:
    entry, record = await ours.stored(PAUSE, batch_id="b1")
    resume = await theirs.sent()
    ours.journal.sending(entry)
    assert await entry.written
    crossing = await begun(record.has_crossed())
    await theirs.settle(resume, outcomes.Resumed())
    assert await crossing


async def test_a_pause_waits_for_a_resume_of_another_process_and_has_crossed_it(ours: Process, theirs: Process) -> None:
    resume = await theirs.sent()
    _, record = ours.begin(PAUSE)
    crossing = await begun(record.has_crossed())
    await theirs.settle(resume, outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT))
    assert await crossing
    assert record.is_opposed_in_doubt


@pytest.mark.parametrize("batch_id", ["", "b1"])
async def test_a_pause_that_takes_a_second_to_be_recorded_as_sent_has_crossed_it(
    ours: Process, theirs: Process, batch_id: str
) -> None:
    waiting = await ours.stored(PAUSE, batch_id=batch_id) if batch_id else None
    resume = await theirs.sent()
    ours.journal.rows.unblocked.clear()
    entry, record = waiting or ours.begin(PAUSE)
    ours.journal.sending(entry)
    crossing = await begun(record.has_crossed())
    ours.journal.rows.unblocked.set()
    await theirs.settle(resume, outcomes.Resumed())
    assert await crossing


async def test_a_pause_that_is_recorded_twice_undoes_no_resume_that_came_after_it(
    ours: Process, theirs: Process
) -> None:
    crossed, (pause, record), rows = await theirs.sent(), ours.begin(PAUSE), ours.journal.rows
    crossing = await begun(record.has_crossed())
    await theirs.settle(crossed, outcomes.Resumed())
    assert await crossing
    rows.lost_answer = errors.StoreUnreachableError("gone")
    ours.journal.settle(pause, outcomes.Paused())
    later, record = await theirs.stored(RESUME)
    assert await record.clear_resume(asyncio.Event()) is None
    rows.unblocked.clear()
    await asyncio.sleep(CLOCK_ERROR)
    await theirs.settle(later, outcomes.Resumed())
    rows.unblocked.set()
    assert await pause.written
    found = {one.id: one.outcome for one in await rows.take_over(all_leases=True)}
    assert [type(found[one.id]) for one in (crossed, later)] == [outcomes.Undone, outcomes.Resumed]


async def test_a_pause_that_was_taken_over_looks_for_resumes(ours: Process, theirs: Process) -> None:
    resume = await theirs.sent()
    theirs.journal.settle(resume, outcomes.Resumed())
    theirs.journal.told(resume, "ack")
    assert await resume.written
    pause, _ = await theirs.stored(PAUSE)
    (adopted,) = [one for one in await ours.journal.take_over(all_leases=True) if one.id == pause.id]
    assert await OrderRecord(ours.journal, ours.journal.rows, adopted).has_crossed()


async def test_if_the_database_fails_while_a_pause_waits_the_outcome_is_in_doubt(
    ours: Process, theirs: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await theirs.sent()
    _, record = await ours.stored(PAUSE)
    monkeypatch.setattr(OrderRows, "find_opposition", fail)
    assert await (await begun(record.has_crossed()))
    assert record.is_opposed_in_doubt


async def test_without_an_answer_nobody_has_resumed_since_and_a_resume_button_does_not_resume(
    ours: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry, record = ours.begin(PAUSE)
    assert await record.resumed_by() is None
    assert caplog.messages == []
    monkeypatch.setattr(OrderRows, "resumed_after", fail)
    assert await record.resumed_by() is None
    assert [one.levelname for one in caplog.records] == ["ERROR"]
    monkeypatch.setattr(OrderRows, "change_since", fail)
    assert await ours.changed_since(entry.id) == outcomes.StoreUnavailable()


# --- a Resume button ---


@pytest.mark.parametrize(
    ("theirs_ended", "user", "found"),
    [
        (outcomes.Paused(), "U0BOB000001", True),
        (None, "U0BOB000001", True),
        (outcomes.NotRunning(), "U0BOB000001", False),
        (outcomes.Paused(), "U0ALICE0001", False),
    ],
    ids=["paused", "still at Anchor", "without effect", "a double click"],
)
async def test_it_knows_of_no_pause_that_was_given_after_its_own(
    ours: Process, theirs: Process, theirs_ended: outcomes.Outcome | None, user: str, *, found: bool
) -> None:
    known, _ = await ours.stored(PAUSE)
    other, _ = await theirs.stored(PAUSE, actor=replace(known.order.actor, user_id=user))
    if theirs_ended is not None:
        await theirs.settle(other, theirs_ended)
    await ours.settle(known, outcomes.Paused())
    pause = await ours.changed_since(known.id)
    assert (isinstance(pause, outcomes.PausedSince) and pause.version == other.id) == found
    assert await ours.changed_since(other.id) is None


async def test_it_knows_of_no_resume_after_its_own_pause(ours: Process, theirs: Process) -> None:
    known, _ = await ours.stored(PAUSE)
    await ours.settle(known, outcomes.Paused())
    other, _ = await theirs.stored(RESUME)
    await theirs.settle(other, outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT))
    assert await ours.changed_since(known.id) is None
    await theirs.settle(other, outcomes.Resumed())
    assert isinstance(await ours.changed_since(known.id), outcomes.ResumedSince)
    third, _ = await theirs.stored(PAUSE)
    last = await ours.changed_since(known.id)
    assert isinstance(last, outcomes.PausedSince)
    assert last.version == third.id


async def test_a_version_that_is_not_stored_counts_by_its_time(ours: Process, theirs: Process) -> None:
    earlier, _ = await theirs.stored(RESUME)
    await asyncio.sleep(1.0)
    await ours.stored(PAUSE)
    await asyncio.sleep(1.0)
    later, _ = await theirs.stored(RESUME)
    versions = [f"{one.id[:-1]}x" for one in (earlier, later)]
    assert isinstance(await theirs.changed_since(versions[0]), outcomes.PausedSince)
    assert await theirs.changed_since(versions[1]) is None

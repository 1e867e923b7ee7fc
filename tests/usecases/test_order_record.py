"""Two processes on one PostgreSQL: a resume waits for pauses of the other one, a pause for resumes that it crossed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from bot.core.outcomes import (
    Doubt,
    Late,
    NotRunning,
    Outcome,
    Paused,
    PausedSince,
    Resumed,
    ResumedSince,
    StoreUnavailable,
    Superseded,
    Unconfirmed,
)
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.health import Readiness
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.journal import Journal
from bot.outbound.store.journal_entry import JournalEntry
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import Store, open_store
from bot.request_id import new_id
from bot.usecases import order_record as module
from bot.usecases.order_record import OrderRecord
from harness.databases import KEY
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio

PAUSE, RESUME = Verb.PAUSE, Verb.RESUME


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_INTERVAL", 0.01)


@dataclass(frozen=True, slots=True)
class Process:
    journal: Journal

    def begin(self, verb: Verb, trigger: str | None = None) -> tuple[JournalEntry, OrderRecord]:
        row = order_row(verb, trigger=trigger)
        entry = self.journal.begin(row.order, row.address)
        return entry, OrderRecord(self.journal, entry)

    async def stored(self, verb: Verb) -> tuple[JournalEntry, OrderRecord]:
        entry, record = self.begin(verb)
        assert await record.is_stored()
        return entry, record

    async def sent(self) -> JournalEntry:
        """A resume that is at Anchor."""
        entry, record = await self.stored(RESUME)
        assert await record.clear_resume(asyncio.Event()) is None
        return entry

    async def settle(self, entry: JournalEntry, outcome: Outcome) -> None:
        self.journal.settle(entry, outcome)
        assert await entry.written


@asynccontextmanager
async def process(store: Store, owner: str) -> AsyncIterator[Process]:
    journal = Journal(OrderRows(store.database, FieldCipher([KEY]), owner), Readiness())
    running = asyncio.create_task(journal.run())
    yield Process(journal)
    journal.stop()
    await asyncio.wait_for(running, 20)


@pytest.fixture
async def two(postgresql_urls: Iterator[str]) -> AsyncIterator[tuple[Process, Process]]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(Secret(next(postgresql_urls)), [KEY]))
        yield (
            await stack.enter_async_context(process(store, "ours")),
            await stack.enter_async_context(process(store, "theirs")),
        )


async def waits(work: asyncio.Task[object]) -> bool:
    """Return whether something still waits after several looks."""
    await asyncio.sleep(0.2)
    return not work.done()


async def test_a_resume_waits_for_the_pauses_of_another_process(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    pauses = [(await theirs.stored(PAUSE))[0] for _ in range(2)]
    _, record = await ours.stored(RESUME)
    clearing: asyncio.Task[object] = asyncio.create_task(record.clear_resume(asyncio.Event()))
    for pause in pauses:
        assert await waits(clearing)
        await theirs.settle(pause, Paused())
    assert await clearing is None


async def test_a_resume_is_dropped_for_a_later_pause_of_another_process(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    _, record = await ours.stored(RESUME)
    pause, _ = await theirs.stored(PAUSE)
    clearing: asyncio.Task[object] = asyncio.create_task(record.clear_resume(asyncio.Event()))
    assert await waits(clearing)
    await theirs.settle(pause, Paused())
    assert await clearing == Superseded()


async def test_a_resume_that_waits_can_be_cancelled(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    await theirs.stored(PAUSE)
    _, record = await ours.stored(RESUME)
    cancelled = asyncio.Event()
    clearing: asyncio.Task[object] = asyncio.create_task(record.clear_resume(cancelled))
    assert await waits(clearing)
    cancelled.set()
    assert await clearing == Superseded()


async def test_a_resume_that_another_process_has_is_not_sent(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    entry, record = await ours.stored(RESUME)
    await theirs.journal.take_over(all_leases=True)
    assert await record.clear_resume(asyncio.Event()) == StoreUnavailable()
    assert entry.is_lost


async def test_a_resume_whose_lease_has_run_out_is_too_late(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, record = await two[0].stored(RESUME)
    monkeypatch.setattr(JournalEntry, "is_leased", property(lambda _: False))
    assert isinstance(await record.clear_resume(asyncio.Event()), Late)
    assert entry.is_stored


async def test_a_resume_that_cannot_be_recorded_is_not_sent(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", 0.1)
    _, record = await two[0].stored(RESUME)
    monkeypatch.setattr(OrderRows, "write", fail)
    assert await record.clear_resume(asyncio.Event()) == StoreUnavailable()
    monkeypatch.undo()


async def test_the_attempts_of_a_resume_end_with_its_lease(two: tuple[Process, Process]) -> None:
    entry, record = await two[0].stored(RESUME)
    cancelled = asyncio.Event()
    ending = record.until_taken_over(cancelled)
    assert not ending.is_set()
    entry.leased_until = 0.0
    assert ending.is_set()
    entry.leased_until = 1e9
    waiting = asyncio.create_task(ending.wait())
    await asyncio.sleep(0)
    cancelled.set()
    assert await waiting
    assert ending.is_set()


async def test_a_pause_waits_for_a_resume_of_another_process_and_has_crossed_it(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    resume = await theirs.sent()
    _, record = ours.begin(PAUSE)
    crossing: asyncio.Task[object] = asyncio.create_task(record.has_crossed())
    assert await waits(crossing)
    await theirs.settle(resume, Unconfirmed(Doubt.TIMED_OUT))
    assert await crossing
    assert record.is_opposed_in_doubt


async def test_a_pause_that_crossed_nothing_does_not_wait(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    await theirs.stored(RESUME)
    _, record = ours.begin(PAUSE)
    assert not await record.has_crossed()
    assert not record.is_opposed_in_doubt


async def test_a_pause_that_was_taken_over_looks_for_resumes(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    resume = await theirs.sent()
    theirs.journal.settle(resume, Resumed())
    theirs.journal.told(resume, "ack")
    assert await resume.written
    pause, _ = await theirs.stored(PAUSE)
    ((_, adopted),) = [one for one in await ours.journal.take_over(all_leases=True) if one[1].id == pause.id]
    assert await OrderRecord(ours.journal, adopted).has_crossed()


async def test_a_pause_that_another_process_has_is_not_sent_again(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    await ours.sent()
    first, _ = theirs.begin(PAUSE, "1.2")
    assert await first.written
    _, again = ours.begin(PAUSE, "1.2")
    assert not await again.has_crossed()


async def test_if_the_database_fails_while_a_pause_waits_the_outcome_is_in_doubt(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_LOOK", 0.1)
    ours, theirs = two
    await theirs.sent()
    _, record = await ours.stored(PAUSE)
    monkeypatch.setattr(OrderRows, "find_opposition", fail)
    assert await record.has_crossed()
    assert record.is_opposed_in_doubt


async def test_without_an_answer_nobody_has_resumed_since(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, record = two[0].begin(PAUSE)
    assert await record.resumed_by() is None
    assert caplog.messages == []
    monkeypatch.setattr(OrderRows, "resumed_after", fail)
    assert await record.resumed_by() is None
    assert [entry.levelname for entry in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("theirs_ended", "user", "found"),
    [
        (Paused(), "U0BOB000001", True),
        (None, "U0BOB000001", True),
        (NotRunning(), "U0BOB000001", False),
        (Paused(), "U0ALICE0001", False),
    ],
    ids=["paused", "still at Anchor", "without effect", "a double click"],
)
async def test_a_resume_button_knows_of_no_pause_that_was_given_after_its_own(
    two: tuple[Process, Process], theirs_ended: Outcome | None, user: str, *, found: bool
) -> None:
    ours, theirs = two
    known, _ = await ours.stored(PAUSE)
    row = order_row(PAUSE)
    order = replace(row.order, actor=replace(row.order.actor, user_id=user))
    other = theirs.journal.begin(order, row.address)
    assert await other.written
    if theirs_ended is not None:
        await theirs.settle(other, theirs_ended)
    await ours.settle(known, Paused())
    pause = await changed_since(ours, known.id)
    assert (isinstance(pause, PausedSince) and pause.version == other.id) == found
    assert await changed_since(ours, other.id) is None


async def test_a_resume_button_knows_of_no_resume_after_its_own_pause(two: tuple[Process, Process]) -> None:
    ours, theirs = two
    known, _ = await ours.stored(PAUSE)
    await ours.settle(known, Paused())
    other, _ = await theirs.stored(RESUME)
    await theirs.settle(other, Unconfirmed(Doubt.TIMED_OUT))
    assert await changed_since(ours, known.id) is None
    await theirs.settle(other, Resumed())
    assert isinstance(await changed_since(ours, known.id), ResumedSince)
    third, _ = await theirs.stored(PAUSE)
    last = await changed_since(ours, known.id)
    assert isinstance(last, PausedSince)
    assert last.version == third.id


async def test_a_version_that_is_not_stored_counts_by_its_time(two: tuple[Process, Process]) -> None:
    before = new_id()
    await asyncio.sleep(0.01)
    await two[0].stored(PAUSE)
    assert isinstance(await changed_since(two[1], before), PausedSince)
    await asyncio.sleep(0.01)
    assert await changed_since(two[1], new_id()) is None


async def test_without_an_answer_a_resume_button_does_not_resume(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OrderRows, "change_since", fail)
    assert await changed_since(two[0], new_id()) == StoreUnavailable()


async def changed_since(process: Process, version: str) -> PausedSince | ResumedSince | StoreUnavailable | None:
    """Look for changes as a click with this version does."""
    row = order_row(RESUME)
    entry = process.journal.begin(replace(row.order, expected_version=version), row.address)
    return await OrderRecord(process.journal, entry).changed_since(is_admin=False)


async def fail(*_: object) -> None:
    raise StoreUnreachableError("gone")

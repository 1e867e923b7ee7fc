"""The journal: what is changed meanwhile is written together; what cannot be written is kept, up to a limit."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from bot.core.outcomes import Paused
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.health import Readiness
from bot.metrics import OFF, Metrics
from bot.outbound.store import journal as module
from bot.outbound.store import pending_changes
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.journal import Journal
from bot.outbound.store.journal_entry import JournalEntry
from bot.outbound.store.order_row import OrderRow
from bot.outbound.store.order_rows import OrderRows, Written
from bot.outbound.store.store import Store, open_store
from harness.conversation import until
from harness.databases import KEY
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio

GONE = StoreUnreachableError("gone")


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_DELAY", 0.05)


class WatchedRows(OrderRows):
    """Rows that can be slow, and fail before or after the commit."""

    def __init__(self, store: Store, owner: str = "ours") -> None:
        super().__init__(store.database, FieldCipher([KEY]), owner)
        self.writes: list[tuple[list[str], list[str]]] = []
        self.unblocked = asyncio.Event()
        self.unblocked.set()
        self.error: Exception | None = None
        self.lost_answer: Exception | None = None

    async def write(self, new: Sequence[OrderRow], changed: Sequence[OrderRow]) -> Written:
        self.writes.append(([row.state for row in new], [row.state for row in changed]))
        await self.unblocked.wait()
        if self.error is not None:
            raise self.error
        written = await super().write(new, changed)
        if (error := self.lost_answer) is not None:
            self.lost_answer = None
            raise error
        return written

    async def renew(self, ids: Collection[str]) -> frozenset[str]:
        if self.error is not None:
            raise self.error
        return await super().renew(ids)


class Desk:
    """A journal that runs over watched rows."""

    def __init__(self, store: Store, owner: str = "ours", *, renew: float = 0.05, metrics: Metrics = OFF) -> None:
        self.store = store
        self.rows = WatchedRows(store, owner)
        self.readiness = Readiness()
        self.journal = Journal(self.rows, self.readiness, metrics, renew_interval=renew)

    def begin(self, verb: Verb = Verb.PAUSE, trigger: str | None = None) -> JournalEntry:
        row = order_row(verb, trigger=trigger)
        return self.journal.begin(row.order, row.address)

    async def stored(self, columns: str = "state") -> list[Any]:
        query = text(f"SELECT {columns} FROM orders ORDER BY given_at, id")  # noqa: S608
        return [tuple(row) for row in await self.store.database.fetch_all(query)]


@asynccontextmanager
async def journal_of(
    store: Store, owner: str = "ours", *, renew: float = 0.05, metrics: Metrics = OFF
) -> AsyncIterator[Desk]:
    desk = Desk(store, owner, renew=renew, metrics=metrics)
    running = asyncio.create_task(desk.journal.run())
    yield desk
    desk.journal.stop()
    await asyncio.wait_for(running, 20)


async def test_an_order_is_stored_at_each_step(store: Store) -> None:
    async with journal_of(store) as at:
        entry = at.begin(Verb.RESUME, "1.2")
        assert await entry.written
        assert await at.stored() == [("waiting",)]
        at.journal.sending(entry)
        assert await entry.written
        assert await at.stored() == [("sent",)]
        at.journal.settle(entry, Paused())
        assert await entry.written
        assert await at.stored("state, outcome, settled_at IS NOT NULL") == [("acted", "Paused", True)]
        assert await at.rows.outcome_of("1.2") == Paused()
        at.journal.told(entry, "channel")
        assert await entry.written
        assert await at.stored("state, delivered_by, told_at IS NOT NULL") == [("told", "channel", True)]


async def test_a_pause_counts_as_sent_at_once(store: Store) -> None:
    async with journal_of(store) as at:
        assert await at.begin().written
        assert await at.stored() == [("sent",)]


async def test_what_is_changed_during_a_transaction_is_written_in_the_next_one(store: Store) -> None:
    async with journal_of(store) as at:
        at.rows.unblocked.clear()
        first = at.begin()
        await until(lambda: at.rows.writes)
        begun = first.written
        at.journal.settle(first, Paused())
        at.journal.told(first, "ack")
        others = [at.begin() for _ in range(3)]
        at.rows.unblocked.set()
        assert await begun
        assert await first.written
        assert await others[0].written
    assert at.rows.writes == [(["sent"], []), (["sent"] * 3, ["told"])]


async def test_a_backlog_of_one_person_is_written_in_parts_also_at_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_changes, "_MOST_WRITTEN_EACH", 2)
    async with journal_of(store) as at:
        for _ in range(5):
            at.begin()
    assert at.rows.writes == [(["sent"] * count, []) for count in (2, 2, 1)]


async def test_leases_are_renewed_until_the_outcome_is_told(store: Store) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs") as beside:
        told, ours, theirs = at.begin(), at.begin(), at.begin()
        assert await theirs.written
        at.journal.told(told, "ack")
        assert await told.written
        await at.journal.take_over(all_leases=True)
        await store.database.execute(text("UPDATE orders SET leased_until = 0"))
        await until_renewed(at, 2)
        assert [one.order for one, _ in await beside.journal.take_over(all_leases=True)] == [ours.order, theirs.order]
        await store.database.execute(text("UPDATE orders SET leased_until = 0"))
        await until_renewed(at, 2)
        assert await at.stored("owner, leased_until > 0") == [("ours", False), ("theirs", True), ("theirs", True)]


async def until_renewed(at: Desk, count: int) -> None:
    async with asyncio.timeout(20):
        while (await at.stored("leased_until > 0")).count((True,)) < count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


async def test_an_order_that_another_process_has_is_no_longer_written(store: Store) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs") as beside:
        first, lost = at.begin(trigger="1.2"), at.begin(Verb.RESUME)
        assert await lost.written
        again = beside.begin(trigger="1.2")
        assert not await again.written
        ((_, adopted),) = [pair for pair in await beside.journal.take_over(all_leases=True) if pair[1].id == lost.id]
        at.journal.sending(lost)
        await until(lambda: lost.is_lost)  # by a renewal, or by the change
        beside.journal.told(adopted, "channel")
        for entry in (again, lost):
            beside.journal.settle(entry, Paused())
            at.journal.settle(entry, Paused())
        assert await adopted.written
    assert await at.stored("id, state") == [(first.id, "sent"), (lost.id, "told")]


@pytest.mark.parametrize(
    ("error", "why"), [(GONE, "gone"), (ZeroDivisionError("with values"), "ZeroDivisionError")], ids=repr
)
async def test_what_cannot_be_written_is_kept_and_said(
    store: Store, error: Exception, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with journal_of(store) as at:
        before = at.begin()
        assert await before.written
        at.rows.error = error
        entry, begun = (one := at.begin()), one.written
        at.journal.settle(before, Paused())
        await until(lambda: at.readiness.degraded)
        assert f"({why})" in at.readiness.degraded["journal"]
        assert await at.stored() == [("sent",)]
        at.rows.error = None
        assert await begun
        assert await before.written
        await until(lambda: not at.readiness.degraded)
        assert await at.stored() == [("acted",), ("sent",)]
        assert entry.is_stored
    assert ("journal not written" in caplog.messages) == (error is not GONE)


async def test_a_commit_without_an_answer_is_repeated(store: Store) -> None:
    async with journal_of(store) as at:
        at.rows.lost_answer = GONE
        at.rows.unblocked.clear()
        entry, begun = (one := at.begin(trigger="1.2")), one.written
        await until(lambda: at.rows.writes)
        at.journal.settle(entry, Paused())
        at.rows.unblocked.set()
        assert (await begun, await entry.written) == (True, True)
        assert await at.stored() == [("acted",)]
    assert at.rows.writes[1:] == [(["acted"], [])]


async def test_a_renewal_that_fails_is_said(store: Store) -> None:
    async with journal_of(store) as at:
        assert await at.begin().written
        at.rows.error = GONE
        await until(lambda: at.readiness.degraded)
        at.rows.error = None
        await until(lambda: not at.readiness.degraded)


async def test_too_many_orders_are_executed_without_being_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    async with journal_of(store) as at:
        at.rows.error = GONE
        kept, refused = [at.begin(), at.begin()], at.begin()
        at.journal.settle(refused, Paused())
        at.rows.error = None
        assert await kept[1].written
        assert len(await at.stored()) == 2
        assert not refused.written.done()
        at.journal.told(kept[0], "ack")
        assert await kept[0].written
        assert await at.begin().written


async def test_at_the_end_everything_is_written(store: Store) -> None:
    async with journal_of(store) as at:
        at.rows.unblocked.clear()
        first = at.begin()
        await until(lambda: at.rows.writes)
        at.journal.stop()
        at.begin()
        at.journal.told(first, "ack")
        at.rows.unblocked.set()
    assert await at.stored() == [("told",), ("sent",)]


async def test_at_the_end_a_database_that_fails_is_not_waited_for(store: Store) -> None:
    async with journal_of(store) as at:
        at.rows.error = GONE
        at.begin()
        await until(lambda: at.readiness.degraded)


async def test_a_change_while_it_turns_out_that_another_process_has_the_order_is_dropped(store: Store) -> None:
    async with journal_of(store, renew=60.0) as at, journal_of(store, "theirs") as beside:
        entry = at.begin(Verb.RESUME)
        assert await entry.written
        await beside.journal.take_over(all_leases=True)
        at.rows.unblocked.clear()
        at.journal.sending(entry)
        await until(lambda: len(at.rows.writes) == 2)
        at.journal.settle(entry, Paused())
        at.rows.unblocked.set()
        assert not await entry.written
    assert await at.stored() == [("waiting",)]


# --- whose an order is ---


class CountedOrders(Metrics):
    """Metrics that keep what was counted."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def settled(self, verb: str, source: str, outcome: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.events.append(f"{verb} by {source}: {outcome}")

    def delivered(self, verb: str, route: str | None, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.events.append(f"{verb} by {route}")


async def test_an_order_is_counted_once_by_the_process_that_has_it(store: Store) -> None:
    metrics = CountedOrders()
    async with journal_of(store, metrics=metrics) as at, journal_of(store, "theirs") as beside:
        own, lost = at.begin(), at.begin()
        assert await lost.written
        at.journal.settle(own, Paused())
        at.journal.settle(own, Paused())
        at.journal.told(own, None)
        assert await own.written
        await beside.journal.take_over(all_leases=True)
        await until(lambda: lost.is_lost)
        at.journal.settle(lost, Paused())
        at.journal.told(lost, "channel")
    assert metrics.events == ["pause by command: Paused", "pause by None"]


async def test_an_order_is_ours_until_another_process_has_it(store: Store) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs") as beside:
        assert await (first := at.begin(trigger="1.2")).written
        assert await at.journal.is_ours(first)
        again = beside.begin(trigger="1.2")
        await again.written
        assert not await beside.journal.is_ours(again)


async def test_an_order_that_is_stored_only_after_anchor_has_answered_is_not_ours_if_another_process_has_it(
    store: Store,
) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs") as beside:
        beside.rows.unblocked.clear()
        again = beside.begin(trigger="1.2")
        assert await at.begin(trigger="1.2").written
        await asyncio.sleep(0.6)
        asyncio.get_running_loop().call_later(0.1, beside.rows.unblocked.set)
        assert not await beside.journal.is_ours(again)


async def test_after_a_standstill_an_order_is_ours_if_no_other_process_has_taken_it_over(
    postgresql_urls: Iterator[str],
) -> None:
    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store, journal_of(store, renew=20.0) as at:
        kept, lost = at.begin(), at.begin()
        assert await lost.written
        await store.database.execute(text("UPDATE orders SET owner = 'theirs' WHERE id = :id"), {"id": lost.id})
        assert await at.journal.is_ours(lost)  # it cannot know: the lease runs
        kept.leased_until = lost.leased_until = 0.0
        assert (await at.journal.is_ours(kept), await at.journal.is_ours(lost)) == (True, False)
        assert kept.is_leased


async def test_while_the_database_fails_a_new_order_counts_as_ours(
    postgresql_urls: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KNOWN_WITHIN", 0.1)
    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store, journal_of(store) as at:
        at.rows.unblocked.clear()
        entry = at.begin()
        assert await at.journal.is_ours(entry)  # after a moment
        at.rows.error = GONE
        at.rows.unblocked.set()
        await until(lambda: at.readiness.degraded)
        monkeypatch.setattr(module, "_KNOWN_WITHIN", 1000.0)
        assert await at.journal.is_ours(entry)
        at.rows.error = None


async def test_without_the_database_an_outcome_is_told_also_when_the_lease_has_run_out(
    postgresql_urls: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RENEWED_WITHIN", 0.1)
    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store, journal_of(store) as at:
        entry = at.begin()
        assert await entry.written
        at.rows.unblocked.clear()
        entry.leased_until = 0.0
        async with asyncio.timeout(5):
            assert await at.journal.is_ours(entry)  # after a moment
            at.rows.error = GONE
            at.rows.unblocked.set()
            await until(lambda: at.readiness.degraded)
            monkeypatch.setattr(module, "_RENEWED_WITHIN", 1000.0)
            assert await at.journal.is_ours(entry)
        at.rows.error = None

"""The journal: what is changed meanwhile is written together; what cannot be written is kept, up to a limit."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import psycopg
import pytest

from bot.outbound.store import journal as module
from harness.cards import card, cards_of, exchange, sent
from harness.conversation import until
from harness.databases import KEY
from harness.journal import GONE, JournalHarness, journal_of
from harness.product import Secret, State, Store, open_store, requests
from harness.product import outcomes as out
from harness.stored import ACME, execute, fetch

pytestmark = pytest.mark.anyio

RESUME = requests.Verb.RESUME
PAUSED = out.Paused()


async def lease(store: Store) -> float:
    ((until,),) = await fetch(store, "SELECT until FROM marks WHERE name = 'ours'")
    return float(until)


async def test_what_is_changed_during_a_transaction_is_written_in_the_next_one_also_at_the_end(store: Store) -> None:
    async with journal_of(store) as at:
        at.rows.unblocked.clear()
        first = at.begin()
        await until(lambda: at.rows.writes)
        begun = first.written
        at.journal.settle(first, PAUSED)
        at.journal.told(first, "ack")
        at.journal.stop()
        for _ in range(2):
            at.begin()
        at.rows.unblocked.set()
        assert await begun
        assert await first.written
    assert at.rows.writes == [(["sent"], []), (["sent"] * 2, ["told"])]
    assert await at.stored() == [("told",), ("sent",), ("sent",)]


async def test_a_backlog_of_one_person_is_written_in_parts_of_a_hundred_also_at_the_end(store: Store) -> None:
    async with journal_of(store) as at:
        for _ in range(250):
            at.begin()
    assert at.rows.writes == [(["sent"] * count, []) for count in (100, 100, 50)]


async def test_all_orders_of_a_batch_are_written_in_one_transaction_and_count_as_not_sent(store: Store) -> None:
    async with journal_of(store) as at:
        for _ in range(10):
            at.begin()
        for _ in range(250):
            at.begin(batch="0193")
    assert at.rows.writes == [(["sent"] * 10 + ["waiting"] * 250, [])]


async def test_the_lease_is_renewed_until_all_outcomes_are_told(store: Store) -> None:
    async with journal_of(store) as at:
        entry = at.begin()
        assert await entry.written
        before = await lease(store)

        async def is_renewed() -> bool:
            return await lease(store) > before

        await until(is_renewed)
        at.journal.told(entry, "ack")
        assert await entry.written
        before = await lease(store)
        await asyncio.sleep(0.2)
        assert await lease(store) == before


async def test_a_process_notices_that_another_one_has_taken_over_its_orders(store: Store) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs", renew=20.0) as beside:
        entry = at.begin()
        assert await entry.written
        assert [one.id for one in await beside.take_over(1)] == [entry.id]
        await until(lambda: entry.is_lost)


async def freeze(store: Store, at: JournalHarness, owner: str) -> None:
    """Let the lease of a process run out, also by its own clock."""
    await execute(store, f"UPDATE marks SET until = until - 60 WHERE name = '{owner}'")  # noqa: S608 - ours
    at.rows.lease.renewed_at = -math.inf


async def test_an_order_that_comes_back_is_another_one_than_that_in_memory(store: Store) -> None:
    async with journal_of(store, renew=20.0) as at, journal_of(store, "theirs", renew=20.0) as beside:
        before = at.begin(RESUME)
        assert await before.written
        await freeze(store, at, "ours")
        (theirs,) = await beside.take_over(1)
        beside.journal.sending(theirs)
        assert await theirs.written
        await freeze(store, beside, "theirs")  # it is killed
        (again,) = await at.take_over(1)
        assert (before.state, before.is_lost) == ("waiting", True)
        assert (again.state, again.is_lost) == ("sent", False)


async def test_a_take_over_does_not_prove_that_the_lease_was_kept(store: Store) -> None:
    async with (
        journal_of(store, renew=20.0) as at,
        journal_of(store, "theirs", renew=20.0) as beside,
        journal_of(store, "a third", renew=20.0) as third,
    ):
        assert await (lost := at.begin(RESUME)).written
        await freeze(store, at, "ours")
        await beside.take_over(1)
        assert await third.begin().written
        await freeze(store, third, "a third")
        assert len(await at.journal.take_over(all_leases=False)) == 1
        assert not at.journal.is_leased
        assert not await at.journal.is_ours(lost)


async def test_an_order_that_the_database_has_forgotten_is_written_again(store: Store) -> None:
    """A renewal finds it, or its next change. A resume is not sent before."""
    assert not await store.rows.save(replace(ACME, installed_at=1))
    async with journal_of(store, renew=20.0) as at:
        pause = at.begin()
        await asyncio.sleep(0.1)
        resume, waiting = at.begin(RESUME), at.begin(RESUME)
        assert await resume.written
        at.journal.sending(resume)
        assert await resume.written
        at.rows.unblocked.clear()
        await execute(store, "DELETE FROM orders")
        at.journal.settle(pause, PAUSED)
        at.journal.sending(waiting)
        at.rows.lease.renewed_at = -math.inf
        at.rows.unblocked.set()
        assert (await pause.written, await waiting.written) == (True, True)
        assert waiting.state is State.WAITING, "what the database knows is checked again"
        await until(lambda: resume.is_stored)
        assert sorted(await at.stored()) == [("acted",), ("sent",), ("waiting",)]
        at.journal.told(pause, "ack")
        at.journal.sending(waiting)
        assert (await pause.written, await waiting.written) == (True, True)
        assert sorted(await at.stored()) == [("sent",), ("sent",), ("told",)]
    assert not any(entry.is_lost for entry in (pause, resume, waiting))


async def test_an_order_of_a_workspace_that_was_uninstalled_is_finished_without_a_row(store: Store) -> None:
    assert not await store.rows.save(replace(ACME, installed_at=1))
    async with journal_of(store) as at:
        pause, resume = at.begin(), at.begin(RESUME)
        assert await resume.written
        assert await store.rows.delete(ACME.team_id)
        at.journal.settle(pause, PAUSED)
        at.journal.sending(resume)
        assert (await pause.written, await resume.written) == (False, False)
        assert await at.journal.is_ours(pause)
        at.journal.told(pause, "ack")
        assert not await pause.written
        assert await at.stored() == []


async def test_an_order_that_another_process_has_is_no_longer_written(store: Store) -> None:
    async with journal_of(store) as at, journal_of(store, "theirs") as beside:
        first, lost = at.begin(trigger="1.2"), at.begin(RESUME)
        assert await lost.written
        again = beside.begin(trigger="1.2")
        assert not await again.written
        assert await at.journal.is_ours(first)
        assert not await beside.journal.is_ours(again)
        adopted = {entry.id: entry for entry in await beside.take_over(2)}[lost.id]
        at.journal.sending(lost)
        await until(lambda: lost.is_lost)  # by a renewal, or by the change
        beside.journal.told(adopted, "channel")
        for entry in (again, lost):
            beside.journal.settle(entry, PAUSED)
            at.journal.settle(entry, PAUSED)
        assert await adopted.written
    assert set(await at.stored("id, state")) == {(first.id, "sent"), (lost.id, "told")}


async def test_a_change_waits_no_longer_once_another_process_is_found_to_have_its_order(store: Store) -> None:
    async with journal_of(store) as at:
        entry = at.begin()
        assert await entry.written
        at.rows.unblocked.clear()
        await execute(store, "UPDATE orders SET owner = 'theirs'")
        at.journal.settle(entry, PAUSED)
        await asyncio.sleep(0.1)
        at.journal.told(entry, "ack")
        at.rows.unblocked.set()
        async with asyncio.timeout(5):
            assert not await entry.written


# --- while the database fails: what is in memory does not depend on its kind ---


@pytest.fixture
async def at(sqlite_url: str) -> AsyncIterator[JournalHarness]:
    async with open_store(Secret(sqlite_url), [KEY]) as store, journal_of(store) as at:
        yield at


@pytest.mark.parametrize(
    ("error", "why"), [(GONE, "gone"), (ZeroDivisionError("with values"), "ZeroDivisionError")], ids=repr
)
async def test_what_cannot_be_written_is_kept_and_said(
    at: JournalHarness, error: Exception, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = at.begin()
    at.rows.error = error
    entry, begun = (one := at.begin()), one.written
    at.journal.settle(before, PAUSED)
    await at.until_degraded()
    assert f"({why})" in at.readiness.degraded["journal"]
    await until(lambda: len(at.rows.writes) > 2)
    assert not begun.done()
    assert await at.stored() in ([], [("sent",)])
    at.rows.error = None
    assert await begun
    assert await before.written
    await at.until_degraded(degraded=False)
    assert sorted(await at.stored()) == [("acted",), ("sent",)]
    assert entry.is_stored
    assert caplog.messages.count("journal not written") == (error is not GONE)


async def test_a_commit_without_an_answer_is_repeated(at: JournalHarness) -> None:
    at.rows.lost_answer = GONE
    at.rows.unblocked.clear()
    entry, begun = (one := at.begin(trigger="1.2")), one.written
    await until(lambda: at.rows.writes)
    at.journal.settle(entry, PAUSED)
    at.rows.unblocked.set()
    assert (await begun, await entry.written) == (True, True)
    assert await at.stored() == [("acted",)]
    assert at.rows.writes[1:] == [(["acted"], [])]


async def test_too_many_orders_are_executed_without_being_kept(
    at: JournalHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    at.rows.error = GONE
    kept, refused = [at.begin(), at.begin()], at.begin()
    assert at.journal.is_full
    at.journal.settle(refused, PAUSED)
    at.rows.error = None
    assert await kept[1].written
    assert len(await at.stored()) == 2
    assert not refused.written.done()
    at.journal.told(kept[0], "ack")
    assert await kept[0].written
    assert await at.begin().written


async def test_an_order_that_is_stored_only_after_anchor_has_answered_is_not_ours_if_another_process_has_it(
    at: JournalHarness,
) -> None:
    async with journal_of(at.store, "theirs") as beside:
        beside.rows.unblocked.clear()
        again = beside.begin(trigger="1.2")
        assert await at.begin(trigger="1.2").written
        await asyncio.sleep(0.6)
        asyncio.get_running_loop().call_later(0.1, beside.rows.unblocked.set)
        assert not await beside.journal.is_ours(again)


async def test_after_a_standstill_an_order_is_ours_if_no_other_process_has_taken_it_over(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(Secret(sqlite_url), [KEY]) as store, journal_of(store, renew=20.0) as at:
        kept, lost = at.begin(), at.begin()
        assert await lost.written
        await execute(store, "UPDATE orders SET owner = 'theirs' WHERE id = :id", id=lost.id)
        assert await at.journal.is_ours(lost)  # it cannot know: the lease runs
        monkeypatch.setattr("bot.outbound.store.orders.OrderRows.is_leased", property(lambda _: False))
        at.rows.lease.renew_interval = 0.0
        assert (await at.journal.is_ours(kept), await at.journal.is_ours(lost)) == (True, False)


async def test_without_an_answer_of_the_database_an_order_counts_as_ours_after_a_moment(
    at: JournalHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must be told, also when its lease has run out."""
    old = at.begin()
    assert await old.written
    at.rows.unblocked.clear()
    monkeypatch.setattr("bot.outbound.store.orders.OrderRows.is_leased", property(lambda _: False))
    for entry in (old, at.begin()):
        assert await at.journal.is_ours(entry)
    at.rows.error = GONE
    at.rows.unblocked.set()
    await at.until_degraded()
    for entry in (old, at.begin()):
        answer = asyncio.create_task(at.journal.is_ours(entry))
        await asyncio.sleep(0)
        assert answer.done(), "it waits although the database is known to fail"
        assert await answer
    at.rows.error = None


# --- cards ---


async def due_cards(store: Store) -> list[tuple[object, ...]]:
    return await fetch(store, "SELECT due IS NOT NULL FROM cards")


async def until_due(store: Store) -> None:
    async def is_due() -> bool:
        return await due_cards(store) == [(True,)]

    await until(is_due)


async def sent_card(store: Store) -> None:
    """Make a card of the session of the orders, which Slack has in its newest state."""
    rows = cards_of(store)
    await sent(rows, (await exchange(rows, new=[card()])).claimed)
    assert await due_cards(store) == [(False,)]


async def test_the_transaction_with_an_outcome_marks_the_cards_and_a_refusal_marks_none(store: Store) -> None:
    await sent_card(store)
    async with journal_of(store) as at:
        refused = at.begin()
        at.journal.settle(refused, out.Stopping())
        assert await refused.written
        assert await due_cards(store) == [(False,)]
        at.journal.settle(entry := at.begin(), PAUSED)
        assert await entry.written
        assert await due_cards(store) == [(True,)]
        assert entry.cards == {(ACME.team_id, "C1", "1.1")}


async def test_orders_are_stored_without_the_table_of_cards_which_are_marked_when_it_is_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await sent_card(store)
    async with journal_of(store) as at:
        await execute(store, "ALTER TABLE cards RENAME TO gone")
        for _ in range(2):
            at.journal.settle(entry := at.begin(), PAUSED)
            at.journal.told(entry, "ack")
            assert await entry.written
        assert await at.stored() == [("told",)] * 2
        assert not at.readiness.degraded
        await execute(store, "ALTER TABLE gone RENAME TO cards")
        await until_due(store)
    assert [record.message for record in caplog.records].count("cards not marked") == 1


async def test_an_order_waits_for_a_locked_card_for_half_a_second_only(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        await sent_card(store)
        async with journal_of(store) as at:
            with psycopg.connect(url) as holder:
                holder.execute("SELECT 1 FROM cards FOR UPDATE")
                began = time.monotonic()
                at.journal.settle(entry := at.begin(), PAUSED)
                assert await entry.written
                assert time.monotonic() - began < 3.0
                assert await at.stored() == [("acted",)]
            await until_due(store)

"""The rows of the journal: written once, changed by their owner alone, taken over when its lease has run out."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest

from bot.outbound.store.marks import Lease
from harness import OTHER_SESSION
from harness.databases import KEY, OTHER_KEY, commit_slowly, query, until_committing, wait_for_disk
from harness.order_rows import RESPONSE_URL, Connection, Make, acted, order_row, row, rows_of, settled, taken_over, told
from harness.product import Secret, State, Store, open_store, requests
from harness.product import outcomes as out
from harness.stored import execute, fetch

pytestmark = pytest.mark.anyio

PAUSE, RESUME, END = requests.Verb.PAUSE, requests.Verb.RESUME, requests.Verb.END
PAUSED = out.Paused()


async def stored(store: Store, columns: str) -> list[tuple[object, ...]]:
    return await fetch(store, f"SELECT {columns} FROM orders ORDER BY given_at, id")  # noqa: S608


async def end_leases(store: Store) -> None:
    await execute(store, "UPDATE marks SET until = until - 60")


# --- written ---


async def test_a_trigger_is_stored_once(store: Store) -> None:
    first, again, other = order_row(trigger="1.2"), order_row(trigger="1.2"), order_row(trigger="1.3")
    assert (await rows_of(store).write([first], [])).lost == frozenset()
    assert (await rows_of(store, "theirs").write([again, other, order_row()], [])).lost == {again.id}
    ids = {row_id for (row_id,) in await stored(store, "id")}
    assert ids >= {first.id, other.id}
    assert again.id not in ids
    assert await rows_of(store).outcome_of("1.2") is None
    await rows_of(store).write([], [acted(first, out.Failed(500, "no"))])
    assert await rows_of(store).outcome_of("1.2") == out.Failed(500, "no")


async def test_a_response_url_is_stored_encrypted_until_the_outcome_is_told(store: Store) -> None:
    rows, row = rows_of(store), order_row()
    await rows.write([row], [])
    ((reply,),) = await stored(store, "reply")
    assert "hooks" not in str(reply)
    await rows.write([], [acted(row, PAUSED)])
    assert await stored(store, "reply") == [(reply,)]
    await rows.write([], [told(row, PAUSED)])
    assert await stored(store, "reply, delivered_by, settled_at < told_at") == [(None, "ack", True)]
    await rows.write([told(order_row(), PAUSED)], [])
    assert await stored(store, "reply") == [(None,)] * 2


async def test_a_file_has_no_response_url_and_a_commit_to_it_survives_a_power_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_disk(monkeypatch)
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]) as store:
        await rows_of(store).write([order_row()], [])
        files = [path.read_bytes() for path in tmp_path.iterdir()]  # noqa: ASYNC240 - a few small files
        assert any(b"it loops" in content for content in files)
        assert not any(RESPONSE_URL.encode() in content for content in files)
        pragma = "PRAGMA synchronous"
        assert await store.database.change(lambda connection: connection.fetch_all(pragma)) == [(2,)]  # FULL


async def test_a_commit_survives_a_power_loss_whatever_the_default_of_the_server(
    postgresql_urls: Iterator[str],
) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        query(url, _NOTE_SETTING)
    async with open_store(Secret(url), [KEY]) as store:
        row = order_row()
        await rows_of(store).write([row], [])
        await rows_of(store).write([], [told(row, PAUSED)])
    assert query(url, "SELECT setting FROM seen") == [("on",), ("on",)]
    assert query(url, "SHOW synchronous_commit") == [("off",)]


async def test_no_resume_is_cleared_beside_a_pause_that_is_being_recorded_whatever_the_default_of_the_server(
    postgresql_urls: Iterator[str],
) -> None:
    url = next(postgresql_urls)
    query(url, _REPEATABLE_READ)
    async with open_store(Secret(url), [KEY]) as store:
        resume, pause = order_row(RESUME, State.WAITING), order_row(PAUSE)
        await rows_of(store).write([resume], [])
        commit_slowly(url, "INSERT ON orders")
        pausing = asyncio.ensure_future(rows_of(store, "theirs").write([pause], []))
        await until_committing(url)
        assert (await rows_of(store).write([], [replace(resume, state=State.SENT)])).held_back == {resume.id}
        await pausing
    assert query(url, "SHOW default_transaction_isolation") == [("repeatable read",)]


_REPEATABLE_READ = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
END $$
"""


_NOTE_SETTING = """
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$;
CREATE TABLE seen (setting text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN new; END $$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.mark.parametrize(
    ("written", "read"), [("a\0b", "ab"), ("a\ud800b", "a?b"), ("é 🛑\u2028\ufffe", "é 🛑\u2028\ufffe")]
)
async def test_any_text_of_slack_is_stored(store: Store, written: str, read: str) -> None:
    row = order_row()
    order = replace(row.order, reason=written, trigger_id=written)
    await rows_of(store).write([replace(row, order=order, address=replace(row.address, thread_ts=written))], [])
    assert await stored(store, "reason, trigger_id, thread_ts") == [(read, read, read)]


# --- taken over ---


async def test_the_orders_of_a_process_are_taken_over_when_its_lease_has_run_out(store: Store) -> None:
    rows, row = rows_of(store), order_row()
    rows.lease.renew_interval = 0.0
    await rows.write([row], [])
    assert await taken_over(store, all_leases=False) == []
    await end_leases(store)
    assert (await rows.write([], [], held=[row])).lost == frozenset()
    assert await taken_over(store, all_leases=False) == []
    await end_leases(store)
    assert [taken.id for taken in await taken_over(store, all_leases=False)] == [row.id]
    assert await taken_over(store, "a third", all_leases=False) == []
    await end_leases(store)
    assert (await rows.write([], [], held=[row])).lost == {row.id}
    assert [taken.id for taken in await taken_over(store, "a third", all_leases=False)] == [row.id]


@pytest.mark.parametrize("source", ["command line", "drill", "command"])
async def test_a_bot_that_starts_leaves_the_orders_to_commands_that_run(store: Store, source: str) -> None:
    row = order_row()
    await rows_of(store).write([replace(row, order=replace(row.order, source=requests.Source(source)))], [])
    assert len(await taken_over(store)) == (source == "command")


async def test_a_process_takes_over_its_own_order_if_it_is_old_and_not_known(store: Store) -> None:
    """The take-over of another process's order had no answer."""
    rows, left, known, new = rows_of(store), order_row(age=11), order_row(age=11), order_row()
    await rows.write([left, known, new], [])
    assert [taken.id for taken in await rows.take_over(all_leases=False, known=[known.id])] == [left.id]


async def test_a_process_that_is_being_declared_dead_learns_what_it_has_lost(
    postgresql_urls: Iterator[str],
) -> None:
    """Its renewal waits for the take-over: it must not believe in its lease meanwhile."""
    url, has_looked, goes_on = next(postgresql_urls), threading.Event(), threading.Event()
    async with open_store(Secret(url), [KEY]) as store:
        rows, row = rows_of(store), order_row()
        rows.lease.renew_interval = 0.0
        await rows.write([row], [])
        await end_leases(store)

        def take_over(connection: Connection) -> list[str]:
            ended = Lease("theirs", 10.0).find_ended(connection, time.time())
            has_looked.set()
            goes_on.wait(10)
            connection.execute("UPDATE orders SET owner = 'theirs'")
            return ended

        taking = asyncio.create_task(store.database.change(take_over))
        await asyncio.to_thread(has_looked.wait, 10)
        renewing = asyncio.create_task(rows.write([], [], held=[row]))
        await asyncio.sleep(0.3)
        assert not renewing.done()
        goes_on.set()
        assert await taking == ["ours"]
        assert (await renewing).lost == {row.id}


async def test_a_row_that_another_process_takes_over_is_skipped(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        held, free = order_row(age=9), order_row()
        await rows_of(store).write([held, free], [])
        with psycopg.connect(url) as connection:
            connection.execute("SELECT id FROM orders WHERE id = %s FOR UPDATE", [held.id])
            assert [taken.id for taken in await taken_over(store)] == [free.id]


async def test_what_cannot_be_decrypted_or_read_is_left_out(store: Store) -> None:
    row, unreadable = order_row(age=9), acted(order_row(), PAUSED)
    await rows_of(store, key=OTHER_KEY).write([row, unreadable], [])
    await execute(store, "UPDATE orders SET outcome = 'Exploded' WHERE outcome IS NOT NULL")
    first, second = await taken_over(store)
    assert first.address == replace(row.address, response_url=None)
    assert (second.state, second.outcome) == (State.SENT, None)


# --- what else was ordered for the session ---

LATER_PAUSE = row(PAUSE, age=5)
OWN, WAITING = row(RESUME, age=10), row(RESUME, State.WAITING, age=10)


@pytest.mark.parametrize(
    ("own", "other", "is_opposed", "has_company"),
    [
        (OWN, LATER_PAUSE, True, False),
        (OWN, settled(LATER_PAUSE, PAUSED), True, False),
        (OWN, settled(LATER_PAUSE, out.Unconfirmed(out.Doubt.TIMED_OUT)), True, False),
        (OWN, lambda: told(order_row(PAUSE, age=5), PAUSED), True, False),
        (OWN, settled(LATER_PAUSE, out.Overloaded()), False, False),
        (OWN, row(PAUSE, age=15), False, False),
        (OWN, row(PAUSE, age=5, team="T0OTHER0001"), False, False),
        (OWN, row(PAUSE, age=5, session=OTHER_SESSION), False, False),
        (row(PAUSE, age=10), row(RESUME, age=5), True, False),
        (row(END, State.WAITING, age=10), row(END, age=5), False, True),
        (row(PAUSE, age=10), row(RESUME, State.WAITING, age=5), False, False),
        (row(PAUSE, age=10), settled(row(RESUME, age=5), out.Superseded()), False, False),
        (WAITING, row(RESUME, age=15), False, True),
        (WAITING, row(RESUME, age=5), False, True),
        (WAITING, settled(row(RESUME, age=10.5), out.Resumed(), age=9.5), False, True),
        (WAITING, settled(row(RESUME, age=15), out.Resumed(), age=14), False, False),
        (WAITING, settled(row(RESUME, age=10.5), out.Superseded(), age=9.5), False, False),
        (WAITING, row(RESUME, State.WAITING, age=15), False, False),
        (WAITING, row(RESUME, age=15, session=OTHER_SESSION), False, False),
    ],
)
async def test_what_else_can_have_been_sent_for_the_session_is_found(
    store: Store, own: Make, other: Make, *, is_opposed: bool, has_company: bool
) -> None:
    """A later order of the other kind opposes; another one of the same verb for both is company."""
    order = own()
    await rows_of(store).write([order, other()], [])
    taken = {one.id: one for one in await taken_over(store)}[order.id]
    assert (taken.is_opposed, taken.has_company) == (is_opposed, has_company)


def now(offset: float, seconds: float, *_: object) -> float:
    time = monotonic() + offset
    sleep(seconds)
    return time


async def test_a_slow_answer_does_not_change_the_order_and_a_changed_clock_is_followed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, first, second, third = rows_of(store), order_row(age=3), order_row(age=2.9), order_row(age=2.8)
    for given, change, seconds in ((first, 0.0, 0.0), (second, 0.0, 0.3), (third, 3600.0, 0.0)):
        slow_clock = staticmethod(partial(now, 1_785_000_000.0 + change, seconds))
        monkeypatch.setattr("bot.outbound.store.database.Asked.now", slow_clock)
        await rows.write([given], [])
    ((first_at,), (second_at,), (third_at,)) = await fetch(store, "SELECT given_at FROM orders ORDER BY given_at")
    assert (second_at - first_at, third_at - first_at) == (
        pytest.approx(0.1, abs=0.05),
        pytest.approx(3600.2, abs=0.05),
    )

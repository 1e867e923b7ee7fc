"""The rows of orders: their sequence in a session, and those that another process has left."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import psycopg
import pytest

from bot.outbound.store.orders import LONGEST_SENT
from harness import OTHER_SESSION, order_rows
from harness.conversation import until
from harness.databases import KEY, query
from harness.order_rows import LEASE, OrderRow, Settled, order_row, orders_of, record, rows_of, running, settled
from harness.product import OrderRows, Secret, State, Store, open_store, orders
from harness.product import outcomes as out
from harness.stored import execute, fetch
from harness.texts import SESSION

PAUSE, RESUME, END = orders.Verb.PAUSE, orders.Verb.RESUME, orders.Verb.END
WAITING, SENT = State.WAITING, State.SENT
PAUSED: out.Outcome = out.Paused()
RESUMED: out.Outcome = out.Resumed()
IN_DOUBT: out.Outcome = out.Unconfirmed(out.Doubt.NO_ANSWER)
REFUSED: out.Outcome = out.Failed(500, "no")
NOT_SENT = out.Refusal(out.Why.LATE)
BOB = "U0BOB000001"


async def stored(store: Store, columns: str) -> list[tuple[object, ...]]:
    return await fetch(store, f"SELECT {columns} FROM orders ORDER BY seq")  # noqa: S608


# --- recorded ---


async def test_a_trigger_is_stored_once_and_a_pause_that_came_twice_has_a_row_without(store: Store) -> None:
    """Also after a commit without an answer. Nothing else that comes twice has a row until it is sent."""
    first, again, late = (running(PAUSE, state, trigger="1.2") for state in (SENT, SENT, WAITING))
    async with orders_of(store) as rows, orders_of(store, "theirs") as others:
        for _ in range(2):
            for one, by, state in ((first, rows, SENT), (again, others, None), (late, others, None)):
                one.recorded = by.record(one)
                assert await one.recorded is state
        assert [await others.is_ours(one) for one in (first, again, late)] == [False, True, False]
        assert await stored(store, "id, trigger_id, told") == [(first.id, "1.2", 0), (again.id, again.id, 1)]
        late.state = SENT
        await others.record(late)
        assert await others.is_ours(late)
        assert (await stored(store, "id, trigger_id, told, state"))[2:] == [(late.id, late.id, 1, SENT)]


async def test_nothing_is_recorded_of_a_workspace_that_is_not_installed(store: Store) -> None:
    async with orders_of(store) as rows:
        assert await rows.record(one := running(team="T0GONE00001")), "no other order has its trigger"
        assert await rows.settle(one, PAUSED) == Settled(PAUSED, is_recorded=False)
    assert await stored(store, "id") == []


async def test_a_pause_holds_nothing_back_until_its_person_is_allowed_to_give_it(store: Store) -> None:
    first, pause, second = running(RESUME), running(PAUSE, SENT), running(RESUME)
    pause.policy = None
    async with orders_of(store) as rows, orders_of(store, "theirs") as others:
        await record(others, first)
        await record(rows, pause)
        await record(others, second)
        assert [(await others.clear(one))[0] for one in (first, second)] == [True, True]
        rows.allow(pause, order_rows.EVERYBODY)
        await asyncio.sleep(0)  # until it is known how it was recorded
        await record(rows, running(session=OTHER_SESSION))  # after what was queued before
        assert [(await others.clear(one))[0] for one in (first, second)] == [False, False]
    assert await stored(store, "state") == [(SENT,)] * 3 + [(WAITING,)]


async def test_a_file_has_no_response_url_and_a_commit_to_it_survives_a_power_loss(tmp_path: Path) -> None:
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]) as store, orders_of(store) as rows:
        await record(rows, running())
        files = [path.read_bytes() for path in tmp_path.iterdir()]  # noqa: ASYNC240 - a few small files
        assert any(b"it loops" in content for content in files)
        assert not any(order_rows.RESPONSE_URL.encode() in content for content in files)
        pragma = "PRAGMA synchronous"
        assert await store.database.change(lambda connection: connection.fetch_all(pragma)) == [(2,)]  # FULL


_REPEATABLE_READ = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
END $$
"""


_SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER wait AFTER {event} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({condition})
      EXECUTE FUNCTION wait();
"""


def commit_slowly(url: str, event: str, condition: str = "true") -> None:
    """Let PostgreSQL take 1.5 s to commit an event of a table, as with a slow disk."""
    query(url, _SLOW_COMMIT.format(event=event, condition=condition))


async def until_committing(url: str) -> None:
    """Wait until it has begun to commit slowly."""
    sleeps = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    await until(lambda: query(url, sleeps))


@pytest.mark.parametrize("default", ["SELECT 1", _REPEATABLE_READ], ids=["read committed", "repeatable read"])
async def test_no_resume_is_cleared_beside_a_pause_that_is_being_recorded(
    postgresql_urls: Iterator[str], default: str
) -> None:
    url, resume, pause = next(postgresql_urls), running(RESUME), running(PAUSE, SENT)
    query(url, default)
    async with open_store(Secret(url), [KEY]) as store, orders_of(store) as rows, orders_of(store, "theirs") as others:
        await record(rows, resume)
        commit_slowly(url, "INSERT ON orders")
        pausing = others.record(pause)
        await until_committing(url)
        is_clear, against = await rows.clear(resume)
        assert (is_clear, against and against.id, pausing.done()) == (False, pause.id, True)


@pytest.mark.parametrize(
    ("written", "read"), [("a\0b", "ab"), ("a\ud800b", "a?b"), ("é 🛑\u2028\ufffe", "é 🛑\u2028\ufffe")]
)
async def test_any_text_of_slack_is_stored(store: Store, written: str, read: str) -> None:
    async with orders_of(store) as rows:
        one = running(trigger=written, reason=written, thread=written)
        assert await rows.record(one)
    assert await stored(store, "reason, trigger_id, thread_ts") == [(read, read, read)]


# --- the sequence of a session: is an order sent? ---

Make = Callable[[], OrderRow]


def other(verb: orders.Verb = PAUSE, state: State = SENT, outcome: Any = None, **more: Any) -> Make:
    """An order of somebody else for the session, at another process."""

    def make() -> OrderRow:
        row = order_row(verb, state, **({"user": BOB} | more))
        return row if outcome is None else settled(row, outcome)

    return make


async def put(store: Store, makes: Sequence[Make]) -> list[str]:
    rows = [make() for make in makes]
    await rows_of(store, "theirs").write(*rows)
    return [row.id for row in rows]


FREE = [
    ([], []),
    ([other(PAUSE, WAITING)], [other(PAUSE, WAITING)]),
    ([other(outcome=PAUSED)], []),
    ([other(END, WAITING)], [other(END, outcome=IN_DOUBT)]),
    ([other(team="T0OTHER0001"), other(session=OTHER_SESSION)], []),
    ([], [other(outcome=out.Refusal(out.Why.OVERLOADED)), other(RESUME), other(RESUME, outcome=RESUMED)]),
]
HELD = [
    ([other()], []),
    ([], [other()]),
    ([], [other(outcome=PAUSED)]),
    ([], [other(outcome=IN_DOUBT)]),
    ([], [other(outcome=PAUSED, user="U0ALICE0001")]),
    ([other(END)], []),
    ([other(END, outcome=out.Ended())], []),
]


@pytest.mark.parametrize(("before", "after"), [*FREE, *HELD])
async def test_a_resume_is_cleared_unless_a_pause_or_an_end_speaks_against_it(
    store: Store, before: Sequence[Make], after: Sequence[Make]
) -> None:
    resume = running(RESUME)
    async with orders_of(store) as rows:
        ids = await put(store, before)
        await record(rows, resume)
        ids += await put(store, after)
        for _ in range(2):  # also before a further attempt, or after a commit without an answer
            is_clear, against = await rows.clear(resume)
            assert is_clear is ((before, after) in FREE)
            assert is_clear or (against and (against.id in ids, against.is_later)) == (True, bool(after))


@pytest.mark.parametrize(
    ("seen", "since", "is_clear"),
    [
        (other(outcome=PAUSED), [], True),
        (other(outcome=PAUSED), [other(outcome=PAUSED)], False),
        (other(outcome=PAUSED), [other(outcome=IN_DOUBT)], False),
        (other(outcome=PAUSED), [other(outcome=REFUSED)], True),
        (other(outcome=PAUSED), [other(outcome=PAUSED, user="U0ALICE0001")], True),
        (None, [other(outcome=PAUSED, age=30.0)], True),
        (None, [other(outcome=PAUSED, age=10.0)], False),
    ],
)
async def test_a_button_does_not_resume_what_somebody_else_has_paused_since(
    store: Store, seen: Make | None, since: Sequence[Make], *, is_clear: bool
) -> None:
    """Without the row of its version its time counts: here 20 s ago."""
    async with orders_of(store) as rows:
        now = await store.database.change(lambda connection: connection.now())
        version = (await put(store, [seen]))[0] if seen else f"{orders.time_id(now - 20.0)}000000000"
        await put(store, since)
        resume = running(RESUME, version=version)
        await record(rows, resume)
        assert (await rows.clear(resume))[0] is is_clear


@pytest.mark.parametrize(
    ("verb", "age", "beside", "is_clear"),
    [
        (RESUME, 119.0, [], True),
        (RESUME, 121.0, [], False),
        (END, 4.0, [other(), other(outcome=PAUSED)], True),
        (END, 6.0, [], False),
    ],
)
async def test_what_is_too_old_is_not_cleared(
    store: Store, verb: orders.Verb, age: float, beside: Sequence[Make], *, is_clear: bool
) -> None:
    one = running(verb, age=age)
    async with orders_of(store) as rows:
        await record(rows, one)
        await put(store, beside)
        assert await rows.clear(one) == (is_clear, None)


@pytest.mark.parametrize(
    ("before", "after", "is_sent"),
    [
        ([other(RESUME, outcome=RESUMED, age=30.0)], [], True),
        ([other(RESUME, outcome=RESUMED)], [], False),
        ([], [other(RESUME, WAITING)], True),
        ([], [other(RESUME, outcome=NOT_SENT)], True),
        ([], [other(RESUME)], False),
        ([], [other(RESUME, outcome=RESUMED)], False),
        ([], [other(RESUME, outcome=IN_DOUBT)], False),
    ],
)
async def test_a_pause_that_waits_has_its_turn_unless_somebody_resumes_meanwhile(
    store: Store, before: Sequence[Make], after: Sequence[Make], *, is_sent: bool
) -> None:
    pause = running(PAUSE, age=20.0)
    async with orders_of(store) as rows:
        await put(store, before)
        await record(rows, pause)
        await put(store, after)
        has_turn, against = await rows.clear(pause)
        assert (has_turn, against and (against.verb, against.user_id)) == (is_sent, None if is_sent else (RESUME, BOB))
    assert await fetch(store, "SELECT state FROM orders WHERE id = :id", id=pause.id) == [
        (SENT if is_sent else WAITING,)
    ]


# --- what has become of it ---


@pytest.mark.parametrize(
    ("beside", "crossed"),
    [
        (other(RESUME, age=30.0), Settled(PAUSED, crossed_by=BOB, is_running=True)),
        (other(RESUME, outcome=RESUMED), Settled(PAUSED, crossed_by=BOB)),
        (other(RESUME, outcome=IN_DOUBT), Settled(PAUSED, crossed_by=BOB)),
        (other(RESUME, outcome=RESUMED, age=30.0), None),
        (other(RESUME, WAITING), None),
        (other(RESUME, outcome=NOT_SENT), None),
        (other(RESUME, session=OTHER_SESSION), None),
        (other(PAUSE), None),
    ],
)
async def test_a_pause_looks_whether_it_has_crossed_a_resume(
    store: Store, beside: Make, crossed: Settled | None
) -> None:
    pause = running(PAUSE, SENT, age=20.0)
    async with orders_of(store) as rows:
        await record(rows, pause)
        await put(store, [beside])
        found = await rows.settle(pause, PAUSED, looks=True)
        assert found == (crossed or Settled(PAUSED))


DOUBTFUL = "UPDATE orders SET doubt = 1, settled_at = settled_at - :ago"


@pytest.mark.parametrize(
    ("verb", "beside", "ago", "outcome", "told"),
    [
        (PAUSE, other(RESUME, outcome=IN_DOUBT), 50.0, PAUSED, out.Unconfirmed(out.Doubt.OVERTAKEN)),
        (PAUSE, other(RESUME, outcome=IN_DOUBT), 65.0, PAUSED, PAUSED),
        (PAUSE, other(RESUME, outcome=REFUSED), 50.0, PAUSED, out.Unconfirmed(out.Doubt.OVERTAKEN)),
        (PAUSE, other(RESUME, outcome=IN_DOUBT), 50.0, REFUSED, REFUSED),
        (RESUME, other(PAUSE, outcome=PAUSED), 50.0, RESUMED, out.Unconfirmed(out.Doubt.OVERTAKEN)),
        (PAUSE, other(PAUSE, outcome=IN_DOUBT), 50.0, PAUSED, PAUSED),
        (PAUSE, other(END, outcome=IN_DOUBT), 50.0, PAUSED, PAUSED),
    ],
)
async def test_for_a_minute_after_an_order_in_doubt_an_opposite_one_is_in_doubt(
    store: Store, verb: orders.Verb, beside: Make, ago: float, outcome: out.Outcome, told: out.Outcome
) -> None:
    one = running(verb, SENT)
    async with orders_of(store) as rows:
        await put(store, [beside])
        await execute(store, DOUBTFUL, ago=ago)
        await record(rows, one)
        assert await rows.settle(one, outcome) == Settled(told)


async def test_effects_are_counted_and_an_outcome_is_kept_after_a_commit_without_an_answer(store: Store) -> None:
    orders = [running(PAUSE, SENT), running(RESUME, SENT), running(PAUSE, SENT), running(PAUSE, SENT)]
    async with orders_of(store) as rows:
        for one, outcome in zip(orders, [PAUSED, RESUMED, REFUSED, IN_DOUBT], strict=True):
            await record(rows, one)
            assert await rows.settle(one, outcome) == Settled(outcome)
        before = await stored(store, "outcome, effect, settled_at")
        assert await rows.settle(orders[0], REFUSED) == Settled(PAUSED, is_overtaken=True)  # the last one is in doubt
        assert [row[1] for row in before] == [1, 2, None, 3]
        assert await stored(store, "outcome, effect, settled_at") == before
        assert sorted(await fetch(store, "SELECT about FROM audit")) == sorted((one.id,) for one in orders)


async def test_what_was_told_before_it_is_written_has_no_effect_after_another_order(store: Store) -> None:
    pause, alone = running(PAUSE, SENT, age=5.0), running(PAUSE, SENT, session=OTHER_SESSION, age=5.0)
    async with orders_of(store) as rows:
        for one in (pause, alone):
            await record(rows, one)
            one.know(PAUSED)
            one.settled_at = one.given_at + 1
        await put(store, [partial(_settled_now, RESUME)])
        assert await rows.settle(pause, PAUSED, looks=True) == Settled(PAUSED, is_overtaken=True)
        assert await rows.settle(alone, PAUSED) == Settled(PAUSED)
    ages = "given_at < settled_at AND settled_at < given_at + 2"
    assert await stored(store, f"effect, {ages}") == [(None, True), (1, True), (1, False)]


def _settled_now(verb: orders.Verb) -> OrderRow:
    row = order_row(verb)
    return settled(row, RESUMED, settled_at=row.given_at)


_MANY = """
    INSERT INTO orders (id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id, state,
      outcome, outcome_fields, effect, told, given_at, settled_at, owner)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many)
    SELECT printf('%028x', n), 'T0HOME00001', :session, CASE n % 2 WHEN 0 THEN 'pause' ELSE 'resume' END, '', 'command',
      'U0BOB000001', '', '', 'settled', CASE n % 2 WHEN 0 THEN 'Paused' ELSE 'Resumed' END, '{}', n, 1, n, n + 1, 'gone'
    FROM numbers
"""


async def _steps(url: str, many: int) -> int:
    """Return how many hundreds of steps SQLite takes for two orders of a session that has had so many before."""
    taken = list[None]()
    async with open_store(Secret(url), [KEY]) as store, orders_of(store) as rows:
        await execute(store, _MANY, many=many, session=SESSION)
        handle = partial(sqlite3.Connection.set_progress_handler, n=100)
        await store.database.change(lambda connection: handle(connection.raw, lambda: taken.append(None)))
        for one, outcome in ((running(RESUME, version=f"{many:028x}"), RESUMED), (running(PAUSE), PAUSED)):
            await record(rows, one)
            assert await rows.clear(one) == (True, None)
            await rows.settle(one, outcome, looks=True)
    return len(taken)


async def test_the_cost_of_an_order_does_not_grow_with_the_number_of_orders_of_its_session() -> None:
    few, many = await _steps("sqlite://", 100), await _steps("sqlite://", 10_000)
    assert many < 2 * few, f"{few} and {many}"


async def test_an_order_of_another_process_is_not_settled(store: Store) -> None:
    one = running(PAUSE, SENT)
    async with orders_of(store) as rows, orders_of(store, "theirs") as others:
        await record(others, one)
        await put(store, [other(RESUME)])
        assert await rows.settle(one, PAUSED, looks=True) is None, "also if it has crossed a resume"
        assert await rows.settle(running(), PAUSED) == Settled(PAUSED, is_recorded=False), "it has no row"
    assert await stored(store, "state") == [("sent",)] * 2


# --- taken over ---


async def adopt(rows: OrderRows, *known: str) -> list[str]:
    return [one.id for one in await rows.adopt(known)]


async def test_the_leader_takes_over_the_orders_of_a_process_that_has_ended(store: Store) -> None:
    row = order_row()
    async with orders_of(store) as leader, orders_of(store, "theirs") as others, orders_of(store, "gone"):
        await rows_of(store, "gone").write(row)
        assert [await adopt(leader), await adopt(others)] == [[], []]
        await execute(store, "UPDATE leases SET until = until - :lease WHERE name = 'gone'", lease=LEASE + 1)
        came_meanwhile: Any = MagicMock(**{"__iter__.side_effect": [iter(()), iter([row.id])]})
        assert await leader.adopt(came_meanwhile) == []
        assert [await adopt(others), await adopt(leader), await adopt(leader, row.id)] == [[], [row.id], []]
    assert await stored(store, "owner") == [("ours",)]


@pytest.mark.parametrize(
    ("owner", "age", "row", "is_taken"),
    [
        ("gone", 0.0, order_row, True),
        ("gone", 0.0, other(outcome=PAUSED), True),
        ("ours", LEASE - 5, order_row, False),
        ("ours", LEASE + 1, order_row, True),  # a take-over without an answer
        ("theirs", LONGEST_SENT - 5, order_row, False),
        ("theirs", LONGEST_SENT + 1, order_row, True),
        ("theirs", LONGEST_SENT + 1, partial(order_row, PAUSE, WAITING), True),
    ],
)
async def test_an_order_is_taken_over_if_nobody_works_on_it_or_it_is_sent_for_too_long(
    store: Store, owner: str, age: float, row: Callable[..., OrderRow], *, is_taken: bool
) -> None:
    async with orders_of(store) as leader, orders_of(store, "theirs"):
        one = row() if age == 0.0 else row(age=age)
        await rows_of(store, owner).write(one)
        assert await adopt(leader) == [one.id] * is_taken


async def test_a_row_that_another_program_has_locked_is_skipped(postgresql_urls: Iterator[str]) -> None:
    url, held, free = next(postgresql_urls), order_row(), order_row()
    async with open_store(Secret(url), [KEY]) as store, orders_of(store) as rows:
        await rows_of(store, "gone").write(held, free)
        with psycopg.connect(url) as connection:
            connection.execute("SELECT state FROM orders WHERE id = %s FOR UPDATE", [held.id])
            assert await adopt(rows) == [free.id]


ODD = [
    "UPDATE orders SET verb = 'explode' WHERE id = :id",
    "UPDATE orders SET given_at = 'yesterday' WHERE id = :id",
    "UPDATE orders SET given_at = 1e300 WHERE id = :id",
    "UPDATE orders SET given_at = -1e300 WHERE id = :id",
    "UPDATE orders SET state = 'odd', source = 'odd' WHERE id = :id",
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_row_holds_up_nothing_but_itself(store: Store, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    row, good, resume = order_row(), order_row(session=OTHER_SESSION), running(RESUME)
    is_typed = store.database.driver.is_shared
    async with orders_of(store) as rows:
        await rows_of(store, "gone").write(row, good)
        await execute(store, odd.replace("'yesterday'", "'NaN'") if is_typed else odd, id=row.id)
        assert await adopt(rows) == [good.id]
        assert [one.levelname for one in caplog.records if row.id in str(vars(one))] == ["ERROR"]
        assert await adopt(rows, good.id) == []
        await record(rows, resume)
        assert await rows.clear(resume) == (True, None)
        assert await rows.settle(resume, RESUMED) == Settled(RESUMED)

"""The writer of orders: groups in their order, what fails alone, and what other transactions hold."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bot.outbound.store.writer import Writer
from harness import OTHER_SESSION, SESSION, order_rows
from harness.cards import card, messages_of
from harness.conversation import until
from harness.databases import KEY, query
from harness.product import OrderRows, Secret, Store, errors, open_store, orders, outcomes
from harness.stored import ACME, execute, fetch

SESSIONS = [str(UUID(int=number)) for number in range(40)]
BATCHES = [f"batch-{number}" for number in range(4)]
ALICE = ("T1", "U0ALICE0001")
GONE = errors.StoreUnreachableError("gone")
FAILS = order_rows.MARK.format("NULL", "'a'")


@dataclass(eq=False)
class WatchedDatabase:
    """A database that says what each transaction for orders does. It waits for `goes_on`, and can then fail once."""

    store: Store
    groups: list[list[Any]] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    lost_answer: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.goes_on.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store.database, name)

    async def change_orders(self, work: Callable[[order_rows.Connection], Any], **how: Any) -> Any:
        self.groups.append([])
        await self.goes_on.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        result = await self.store.database.change_orders(work, **how | self.options)
        is_lost, self.lost_answer = self.lost_answer, False
        if is_lost:
            raise GONE
        return result


@pytest.fixture
async def writer(store: Store) -> AsyncIterator[Writer]:
    async with order_rows.writing(WatchedDatabase(store), order_rows.Lease("ours")) as opened:
        yield opened


def watched(writer: Writer) -> WatchedDatabase:
    database: Any = writer.database
    return database  # type: ignore[no-any-return]


def do(writer: Writer, name: object, *, person: orders.Person = ALICE, lock: int = 1, sql: str = "") -> Any:
    """Let the writer do what has a name, and a statement."""

    def work(connection: order_rows.Connection) -> Callable[[], object]:
        watched(writer).groups[-1].append(name)
        if sql:
            connection.queue(sql, {})
        return lambda: name

    return writer.do(work, person=person, locks=[lock])


async def block(writer: Writer) -> None:
    """Let the next transaction wait for `goes_on`, with a work of its own."""
    watched(writer).goes_on.clear()
    begun = len(watched(writer).groups)
    do(writer, "first", person=("T1", "U0CAROL0001"))
    await until(lambda: len(watched(writer).groups) > begun)
    watched(writer).groups.clear()
    watched(writer).groups.append([])


async def unblock(writer: Writer, waiting: list[Any]) -> list[list[Any]]:
    """Let it go on. Return what each transaction has done, when all has ended."""
    watched(writer).goes_on.set()
    await asyncio.wait(waiting)
    return watched(writer).groups


@pytest.mark.parametrize(
    ("works", "people", "locks", "sizes"),
    [(600, 600, 1, [500, 100]), (250, 250, 250, [200, 50]), (250, 1, 1, [100, 100, 50])],
)
async def test_a_transaction_has_at_most_500_works_100_of_a_person_and_200_locks(
    writer: Writer, works: int, people: int, locks: int, sizes: list[int]
) -> None:
    await block(writer)
    waiting = [do(writer, one, person=("T1", str(one % people)), lock=one % locks) for one in range(works)]
    assert [len(group) for group in await unblock(writer, waiting)] == [1, *sizes]


@pytest.mark.parametrize("is_committed", [False, True])
async def test_what_fails_is_done_again_before_what_came_meanwhile(writer: Writer, *, is_committed: bool) -> None:
    await block(writer)
    waiting = [do(writer, one) for one in (1, 2, 3)]
    watched(writer).lost_answer, watched(writer).error = is_committed, None if is_committed else GONE
    groups = [group for group in await unblock(writer, waiting) if group]
    assert groups == [["first"]] * is_committed + [["first"], [1, 2, 3]]
    assert not writer.readiness.degraded


async def test_what_would_fail_again_fails_alone(writer: Writer) -> None:
    await block(writer)
    waiting = [do(writer, name, sql=FAILS if name == "broken" else "") for name in ("a", "broken", "b", "c")]
    raises: Any = lambda _: 1 // 0  # noqa: E731
    waiting.insert(3, writer.do(raises, person=ALICE, locks=[1]))
    await unblock(writer, waiting)
    assert [one.exception() is None for one in waiting] == [True, False, True, False, True]
    assert isinstance(waiting[1].exception(), errors.StoreError)
    assert isinstance(waiting[3].exception(), errors.StoreBrokenError)


async def test_no_more_than_60_000_works_wait(writer: Writer) -> None:
    writer.most_waiting = 3
    await block(writer)
    waiting = [do(writer, number) for number in range(4)]
    assert writer.is_full
    with pytest.raises(errors.StoreUnreachableError):
        await waiting[3]
    await unblock(writer, waiting[:3])
    assert await do(writer, "again") == "again"


async def test_what_waits_is_written_at_the_end_and_the_lease_is_left(store: Store) -> None:
    async with order_rows.writing(WatchedDatabase(store), order_rows.Lease("ours")) as writer:
        await until(lambda: order_rows.holds(writer))
        await block(writer)
        last = writer.do(partial(_insert, "last"), person=ALICE, locks=[1], within=2.0)
        watched(writer).goes_on.set()
    assert last.done()
    assert await fetch(store, "SELECT name FROM marks WHERE scope = 'a'") == [("last",)]
    left = "SELECT until FROM leases WHERE until > 0 AND name <> :name"
    assert await fetch(store, left, name=order_rows.LEADER) == []


def _insert(name: str, connection: order_rows.Connection) -> Callable[[], None]:
    connection.queue(order_rows.MARK.format("'a'", ":name"), {"name": name})
    return lambda: None


async def test_works_of_a_session_in_a_transaction_see_each_other(store: Store) -> None:
    """That of another session comes between them."""
    people, database = ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"), WatchedDatabase(store)
    async with order_rows.orders_of(store, lease=order_rows.Lease("ours", 60.0), database=database) as rows:
        orders = [
            order_rows.running(session=session, user=person)
            for session, person in zip((SESSION, OTHER_SESSION, SESSION), people, strict=True)
        ]
        await order_rows.record(rows, *orders)
        database.groups.clear()
        settled = await asyncio.gather(*(rows.settle(one, outcomes.Paused()) for one in orders))
    assert len(database.groups) == 1
    assert [getattr(one.outcome, "earlier_by", None) for one in settled if one] == ["", "", "U0ALICE0001"]
    assert await fetch(store, "SELECT user_id FROM orders ORDER BY seq") == [(one,) for one in people]


ACTS: dict[str, Callable[[OrderRows, order_rows.OrderRow], Any]] = {
    "record": lambda rows, one: rows.record(one),
    "clear": lambda rows, one: rows.clear(one),
    "settle": lambda rows, one: rows.settle(one, outcomes.Paused()),
    "show": lambda rows, one: rows.show(one),
    "told": lambda rows, one: rows.told(one, "ack", within=0.0),
}


@pytest.mark.parametrize("does", ACTS)
async def test_a_transaction_takes_few_round_trips_however_many_orders_it_has(
    postgresql_urls: Iterator[str], monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    trips, sync = list[None](), psycopg.Pipeline.sync
    monkeypatch.setattr(psycopg.Pipeline, "sync", lambda pipeline: trips.append(sync(pipeline)))
    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store:
        database = WatchedDatabase(store)
        async with order_rows.orders_of(store, lease=order_rows.Lease("ours", 60.0), database=database) as rows:
            orders = [order_rows.running(session=session) for session in SESSIONS[:30]]
            await asyncio.gather(*(order_rows.record(rows, one) for one in orders if does != "record"))
            database.groups.clear()
            trips.clear()
            for one in orders:
                ACTS[does](rows, one)
            await until(lambda: all(one.result.done() for one in rows.writer.waiting))
            assert (len(database.groups), len(trips)) == (1, 1 if does == "told" else 2)


# --- what other transactions hold: on PostgreSQL, which has many at the same time ---

REPEATABLE_READ = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
END $$
"""


@pytest.fixture(params=["", REPEATABLE_READ], ids=["default", "repeatable read"])
def server(postgresql_urls: Iterator[str], request: pytest.FixtureRequest) -> str:
    url = next(postgresql_urls)
    query(url, request.param or "SELECT 1")
    return url


@contextmanager
def locked_row(url: str) -> Iterator[None]:
    """Let another program lock the order of a session."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM orders WHERE session_id = %s FOR UPDATE", [SESSION])
        yield


@contextmanager
def frozen_transaction(url: str, *locks: int) -> Iterator[order_rows.Connection]:
    """A transaction of another process with these locks, which does not go on."""
    connection = order_rows.Connection(order_rows.driver(url))
    try:
        connection.do(lambda one: one.begin(locks, lock_timeout=4.0))
        connection.now()
        yield connection
    finally:
        connection.close()


@contextmanager
def frozen_process(url: str) -> Iterator[None]:
    """Let a process freeze while it takes the lead, with the lock of a session."""
    with frozen_transaction(url, order_rows.session_lock("T0HOME00001", SESSION)) as connection:
        # no other process renews it meanwhile: they would wait for this row
        connection.execute("UPDATE leases SET until = 0 WHERE name = :name", name=order_rows.LEADER)
        assert order_rows.Lease("frozen").renew(connection)() is not None
        yield


@pytest.mark.parametrize("hold", [locked_row, frozen_process])
async def test_what_another_transaction_holds_up_is_put_aside_and_nothing_else(
    server: str, hold: Callable[[str], AbstractContextManager[None]]
) -> None:
    """A frozen process ends after 3 s; another program ends only here."""
    held, other = order_rows.running(session=SESSION, batch="1"), order_rows.running(session=OTHER_SESSION, batch="1")
    async with (
        open_store(Secret(server), [KEY]) as store,
        order_rows.orders_of(store, lease=order_rows.Lease("ours", 1.0)) as rows,
    ):
        await order_rows.record(rows, held, other)
        with hold(server):
            waiting = [rows.clear(held) for _ in range(8)]
            await asyncio.wait_for(rows.settle(other, outcomes.Paused()), 3.0)
            began = time.monotonic()
            for _ in range(4):
                waiting.append(rows.clear(held))
                await rows.clear(other)
            assert time.monotonic() - began < 2.0
            assert not any(one.done() for one in waiting)
            settled = rows.settle(held, outcomes.Paused())
            if hold is frozen_process:
                await asyncio.wait_for(settled, 20)
        assert await asyncio.wait_for(settled, 20) == order_rows.Settled(outcomes.Paused())
        assert all(one.done() for one in waiting)
        assert rows.lease.is_held
    expected = {(SESSION, "settled", "Paused"), (OTHER_SESSION, "settled", "Paused")}
    assert set(query(server, "SELECT session_id, state, outcome FROM orders")) == expected


async def test_works_that_the_database_refuses_altogether_wait(store: Store) -> None:
    """A table is missing: that is no fault of theirs."""
    async with order_rows.writing(WatchedDatabase(store), order_rows.Lease("ours")) as writer:
        await until(lambda: order_rows.holds(writer))
        waiting = [do(writer, name, sql="INSERT INTO missing VALUES (1)") for name in "ab"]
        await until(lambda: "journal" in writer.readiness.degraded)
        await execute(store, "CREATE TABLE missing (number INTEGER)")
        assert await asyncio.gather(*waiting) == ["a", "b"]


async def test_what_is_tried_again_lets_nothing_else_wait(writer: Writer) -> None:
    await until(lambda: order_rows.holds(writer))
    held = do(writer, "a", sql="INSERT INTO missing VALUES (1)")
    await until(lambda: "journal" in writer.readiness.degraded)
    time.sleep(1.1)  # noqa: ASYNC251 - so that both are due in the same moment
    assert await asyncio.wait_for(do(writer, "b", lock=2), 0.5) == "b"
    assert not held.done()
    held.cancel()
    await until(lambda: not writer.readiness.degraded)


async def work_on(rows: OrderRows, seed: int, groups: int, together: int) -> None:
    """Give orders for some sessions of four batches until the writer has had so many groups."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    async def give() -> None:
        while len(watched(rows.writer).groups) < groups:
            verb, batch = chance.choice(list(orders.Verb)), chance.choice(BATCHES)
            one = order_rows.running(verb, session=chance.choice(SESSIONS), batch=batch, team=ACME.team_id)
            await order_rows.record(rows, one)
            await rows.clear(one)
            is_done = chance.random() < 0.5
            await rows.settle(one, outcomes.Paused() if is_done else outcomes.Failed(500), looks=True)
            await rows.told(one, "ack", within=0.0)

    await asyncio.gather(*(give() for _ in range(together)))


async def take_over(store: Store, rows: OrderRows, ends: asyncio.Event) -> None:
    """Take over what a dead process leaves, again and again."""
    while not ends.is_set():
        await order_rows.rows_of(store, "dead").write(
            *(order_rows.order_row(team=ACME.team_id, session=one) for one in SESSIONS)
        )
        await asyncio.gather(*(rows.settle(one, outcomes.Paused()) for one in await rows.adopt([])))


@pytest.fixture
async def processes(server: str) -> AsyncIterator[list[tuple[Store, OrderRows]]]:
    """Three processes that wait as long as it takes, unless they wait for each other: the server finds that out."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(Secret(server), [KEY])) for _ in range(3)]
        for store in stores:
            store.database.timeout = 60.0
        found = []
        for store, name in zip(stores, ("leader", "one", "two"), strict=True):
            own = WatchedDatabase(store, options={"lock_timeout": 60.0})
            rows = await stack.enter_async_context(order_rows.orders_of(store, name, database=own))
            found.append((store, rows))
        new = [card(session=name, ts=name) for name in (*SESSIONS, *BATCHES)]
        async with messages_of(stores[0]) as messages:
            await asyncio.gather(*(messages.add([one]) for one in new))
        yield found
        assert [store.database.errors for store, _ in found] == [0, 0, 0]


@pytest.mark.parametrize(("groups", "together"), [(20, 20), pytest.param(5_000, 6, marks=pytest.mark.long)])
@pytest.mark.timeout(900)
async def test_no_transactions_wait_for_each_other_beside_take_overs_and_marks(
    processes: list[tuple[Store, OrderRows]], groups: int, together: int
) -> None:
    (store, leader), (_, one), (_, two) = processes
    ends = asyncio.Event()
    beside = asyncio.ensure_future(take_over(store, leader, ends))
    await asyncio.gather(work_on(one, 1, groups // 2, together), work_on(two, 2, groups // 2, together))
    ends.set()
    await beside

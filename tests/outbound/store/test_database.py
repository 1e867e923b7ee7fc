"""The database: opened, locked, of another version, and while it fails."""

import asyncio
import os
import stat
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.outbound.store.connections import WRITERS
from bot.outbound.store.sqlite import lock
from bot.outbound.store.store import open_watched
from harness.conversation import until
from harness.databases import KEY, OTHER_KEY, query
from harness.order_rows import MARK, Connection
from harness.outages import VERSION, execute
from harness.product import Secret, Store, errors, open_store
from harness.programs import needs, pooler
from harness.stored import ACME, readiness

Check = Callable[[str, str], None]
Work = Callable[[Connection], list[Any]]


async def refusal(url: str) -> str:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(url), [KEY]):
            pass
    return str(caught.value)


async def test_its_tables_are_made_by_one_of_many(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def open_and_use() -> None:
        async with open_store(Secret(database_url), [KEY]) as store:
            await store.rows.save(ACME)

    await asyncio.gather(*(open_and_use() for _ in range(5)))
    async with open_store(Secret(database_url), [KEY]) as store:
        assert await store.rows.find(ACME.team_id)
    assert [record.message for record in caplog.records].count("tables created") == 1


@pytest.mark.parametrize("change", ["UPDATE schema_version SET version = '0024'", "DROP TABLE schema_version"])
async def test_one_of_another_version_is_refused_and_stays_as_it_is(
    database_url: str, tmp_path: Path, wording: Check, change: str
) -> None:
    async with open_store(Secret(database_url), [KEY]):
        pass
    await execute(database_url, change)
    before = contents(tmp_path)
    wording(change, (await refusal(database_url)).replace(f"version {VERSION}.", "version N."))
    assert contents(tmp_path) == before


# --- transactions ---

OPPOSITE = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
END $$
"""
PROMISED = {
    "transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "lock_timeout": "500ms",
    "idle_in_transaction_session_timeout": "3s",
}


def change(store: Store, lane: str, work: Work, *locks: int) -> Awaitable[Any]:
    if lane == "changes":
        return store.database.change(work, locks=locks)
    return store.database.change_orders(lambda connection: partial(list, work(connection)), locks=locks)


@pytest.mark.parametrize("lane", ["orders", "changes"])
async def test_each_transaction_says_what_it_needs(postgresql_urls: Iterator[str], lane: str) -> None:
    query(url := next(postgresql_urls), OPPOSITE)

    def ask(connection: Connection) -> list[str]:
        return [connection.fetch_all("SELECT current_setting(:name) AS it", name=name)[0].it for name in PROMISED]

    async with open_store(Secret(url), [KEY]) as store:
        promised = PROMISED if lane == "orders" else PROMISED | {"lock_timeout": "4s"}
        assert dict(zip(PROMISED, await change(store, lane, ask), strict=True)) == promised


KEPT = "SELECT 1 FROM pg_prepared_statements WHERE current_setting('enable_seqscan') = 'off'"


@pytest.mark.parametrize("way", ["direct", pytest.param("pooler", marks=needs("pgbouncer"))])
async def test_the_server_keeps_plans_unless_a_pooler_is_between(postgresql_urls: Iterator[str], way: str) -> None:
    def are_kept(connection: Connection) -> bool:
        return [bool(connection.fetch_all(KEPT)) for _ in range(4)][-1]

    url = next(postgresql_urls)
    between = pooler(url, connections=1) if way == "pooler" else nullcontext((url, None))
    async with between as (own_url, _), open_store(Secret(own_url), [KEY]) as store:
        assert await store.database.orders.use(are_kept) == (way == "direct")


ENDLESS = "WITH RECURSIVE endless(i) AS (SELECT 1 UNION ALL SELECT i FROM endless) SELECT count(*) FROM endless"


async def test_a_connection_keeps_no_notifications_that_a_pooler_delivers_to_it(postgresql_urls: Iterator[str]) -> None:
    def hear(connection: Connection) -> list[Any]:
        for _ in range(3):
            connection.fetch_all("SELECT pg_notify('anchor_bot', 'messages')")
        return list(vars(connection.raw)["_notifies_backlog"] or ())

    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store:
        await store.database.orders.use(lambda connection: connection.fetch_all("LISTEN anchor_bot"))
        assert await store.database.orders.use(hear) == []


async def test_the_end_of_the_connection_for_notifications_breaks_no_other_one(
    postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    heard, url = list[str](), next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        listening = asyncio.create_task(store.database.listen(heard.append))
        await until(lambda: heard)
        query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        await until(lambda: "no notifications" in caplog.text)
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
            for _ in range(5):
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                assert await asyncio.wait_for(reader.read(), 20) == b""
                writer.close()
        await until(lambda: len(heard) > 1)
        await store.database.tell("something")
        await until(lambda: "something" in heard)
        parts = {asyncio.create_task(store.database.look("SELECT pg_sleep(600)")), listening}
        await asyncio.sleep(0.1)  # until the look is sent
        for one in parts:
            one.cancel()
        _, hanging = await asyncio.wait(parts, timeout=20.0)
        assert not hanging


LOOK, FAILING = "SELECT 1 AS it WHERE CAST(:value AS int) > 1", "SELECT it FROM missing WHERE it = :value"
SENT = "SELECT query FROM pg_stat_activity WHERE query LIKE 'SELECT (SELECT%' AND datname = current_database()"


@pytest.mark.parametrize("middle", [LOOK, FAILING])  # then each is asked again, alone
async def test_looks_that_come_together_are_one_statement(postgresql_urls: Iterator[str], middle: str) -> None:
    heard, url, looks = list[str](), next(postgresql_urls), [(LOOK, 2), (middle, 1), (LOOK, 3), (LOOK, 0)]
    async with open_store(Secret(url), [KEY]) as store:
        listening = asyncio.create_task(store.database.listen(heard.append))
        await until(lambda: heard)
        asking = (store.database.look(sql, value=value) for sql, value in looks)
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [str(row[0]).count("json_agg") for row in query(url, SENT)] == [len(looks)]
        listening.cancel()
    expected = [errors.StoreBrokenError if sql == FAILING else [1] if value > 1 else [] for sql, value in looks]
    assert [[row.it for row in one] if isinstance(one, list) else type(one) for one in found] == expected


async def test_a_call_that_is_given_up_leaves_its_connection_to_others(store: Store) -> None:
    sql, calls = ("SELECT pg_sleep(600)", WRITERS + 1) if store.database.driver.is_shared else (ENDLESS, 2)
    for _ in range(calls):
        with pytest.raises(errors.StoreUnreachableError):
            await store.database.change(lambda connection: connection.fetch_all(sql), within=0.2)
    assert await store.database.change(lambda connection: connection.fetch_all("SELECT 1 AS one"), within=300.0)


async def test_a_cancellation_as_a_call_ends_breaks_off_no_other_one(store: Store) -> None:
    pool, goes_on = store.database.orders, threading.Event()

    def ask(connection: Connection) -> int:
        goes_on.wait(20)
        return len(connection.fetch_all("SELECT 1"))

    first = asyncio.create_task(pool.use(lambda connection: connection.fetch_all("SELECT 1")))
    await asyncio.sleep(0)
    (done,), next_one = pool.working.values(), asyncio.create_task(pool.use(ask))
    done.add_done_callback(lambda _: first.cancel())
    await asyncio.wait({first})
    goes_on.set()
    assert (first.cancelled(), await next_one) == (True, 1)


# --- SQLite ---


async def test_an_order_waits_for_one_other_change_at_most(sqlite_url: str) -> None:
    done = list[Connection]()
    async with open_store(Secret(sqlite_url), [KEY]) as store:
        others = [asyncio.create_task(store.database.change(done.append)) for _ in range(20)]
        await asyncio.sleep(0)
        assert await change(store, "orders", lambda _: [len(done)]) == [1]
        await asyncio.gather(*others)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


async def test_nobody_else_can_read_the_file_or_those_beside_it(tmp_path: Path) -> None:
    file, umask = tmp_path / "bot.db", os.umask(0)
    try:
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]) as store:
            await store.rows.save(ACME)
            assert modes(tmp_path) == dict.fromkeys(("bot.db", "bot.db-wal", "bot.db-shm"), "0o600")
        file.chmod(0o644)
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]):
            assert set(modes(tmp_path).values()) == {"0o600"}
    finally:
        os.umask(umask)


async def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, wording: Check) -> None:
    (tmp_path / "bot.db").write_text("no database, but long enough to look like one" * 100)
    for name, path in {"a directory": "", "no directory": "gone/bot.db", "no database": "bot.db"}.items():
        wording(name, (await refusal(f"sqlite:///{tmp_path / path}")).replace(str(tmp_path), "DIRECTORY"))


# --- PostgreSQL ---


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("no server", "postgresql://bot:s3cret@127.0.0.1:1/bot"),
        ("a bad URL", "postgresql://bot:s3cr%zzt@host/bot"),
        ("a bad URL", "postgresql://bot:s3cret@host/bot?nonsense=1"),
    ],
)
async def test_a_postgresql_that_can_not_be_used_is_named_without_its_password(
    name: str, url: str, wording: Check
) -> None:
    wording(name, await refusal(url))


INSERT = MARK.format("'a'", "'{}'")
STORED = "SELECT marks.name FROM marks WHERE marks.scope = 'a'"


async def test_nothing_is_committed_after_a_failed_statement(store: Store) -> None:
    def work(connection: Connection) -> None:
        connection.queue(INSERT.format("b"), {})
        connection.queue("INSERT INTO missing VALUES (1)", {})

    with pytest.raises(errors.StoreUnreachableError):
        await store.database.change(work)
    assert await store.database.fetch_all(STORED) == []


async def test_another_program_that_opens_and_closes_the_file_leaves_its_log(tmp_path: Path) -> None:
    """To close any descriptor of the file ends SQLite's locks on it: then others delete the log that is written to."""
    file, read = tmp_path / "bot.db", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version')"
    async with open_store(Secret(f"sqlite:///{file}"), [KEY]) as store:
        await store.rows.save(ACME)
        assert await store.rows.find(ACME.team_id)  # by a second connection
        reading = await asyncio.create_subprocess_exec(sys.executable, "-c", read, str(file))
        assert (await reading.wait(), "bot.db-wal" in modes(tmp_path)) == (0, True)


_HOLD = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print(flush=True); input()"


@asynccontextmanager
async def held(file: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HOLD, f"{file}-lock"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    try:
        yield holder
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.communicate()


async def test_a_file_in_use_is_refused_and_free_once_the_other_process_is_gone(tmp_path: Path, wording: Check) -> None:
    file, ready = tmp_path / "bot.db", readiness()
    opening = open_watched(Secret(f"sqlite:///{file}"), [KEY], ready, is_required=False)
    async with held(file) as holder, opening as (_, preparing):
        wording("in use", ready.degraded["database"].replace(str(tmp_path), "DIRECTORY"))
        holder.kill()
        await preparing
        assert ready.degraded == {}


async def test_a_file_that_cannot_be_locked_is_refused_and_no_wait_helps(tmp_path: Path) -> None:
    (tmp_path / "bot.db-lock").mkdir()
    with pytest.raises(errors.StoreNotUsableError) as caught:
        lock(tmp_path / "bot.db")
    assert not isinstance(caught.value, errors.StoreDownError)


@asynccontextmanager
async def served(url: str, *, is_required: bool = False) -> AsyncIterator[Store]:
    """Run a bot with this store."""
    async with open_watched(Secret(url), [KEY], readiness(), is_required=is_required) as (store, _):
        yield store


async def test_what_is_written_is_kept_but_in_memory(database_url: str) -> None:
    for url in (database_url, "sqlite://"):
        async with served(url) as store:
            assert not await store.rows.save(ACME)
            assert await store.rows.find(ACME.team_id) is not None
        async with served(url) as store:
            assert (await store.rows.find(ACME.team_id) is not None) == (url == database_url)


async def test_keys_must_fit_if_the_store_is_required(database_url: str) -> None:
    async with open_store(Secret(database_url), [OTHER_KEY]) as store:
        await store.rows.save(ACME)
    with pytest.raises(errors.StoreNotUsableError, match="ENCRYPTION_KEYS"):
        async with served(database_url, is_required=True):
            pass

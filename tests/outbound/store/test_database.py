"""The database itself: its tables, who can read its file, and what is said if it can't be used."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.databases import KEY, query
from harness.order_rows import Connection
from harness.outages import execute
from harness.product import Secret, Store, errors, open_store
from harness.stored import ACME, GLOBEX

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]
Work = Callable[[Connection], list[Any]]


async def refusal(url: str) -> str:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(url), [KEY]):
            pass
    return str(caught.value)


async def test_its_tables_are_made_by_one_of_many_and_it_is_opened_again_as_it_was(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
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
    wording(change, await refusal(database_url))
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
    """Do it in a transaction, as an order or as another change."""
    if lane == "changes":
        return store.database.change(work, locks=locks)
    return store.database.change_orders(lambda connection: partial(list, work(connection)), locks=locks)


@pytest.mark.parametrize("lane", ["orders", "changes"])
async def test_each_transaction_says_what_it_needs_whatever_the_defaults_of_the_server_are(
    postgresql_urls: Iterator[str], lane: str
) -> None:
    query(url := next(postgresql_urls), OPPOSITE)

    def ask(connection: Connection) -> list[str]:
        return [connection.fetch_all("SELECT current_setting(:name) AS it", name=name)[0].it for name in PROMISED]

    async with open_store(Secret(url), [KEY]) as store:
        promised = PROMISED if lane == "orders" else PROMISED | {"lock_timeout": "4s"}
        assert dict(zip(PROMISED, await change(store, lane, ask), strict=True)) == promised


# --- SQLite ---


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


def private(name: str) -> dict[str, str]:
    return {f"{name}{rest}": "0o600" for rest in ("", "-wal", "-shm")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a bot?.db"


@pytest.fixture
async def ours(file: Path) -> AsyncIterator[Store]:
    async with open_store(Secret(f"sqlite:///{file}"), [KEY]) as store:
        await store.rows.save(ACME)
        assert await store.rows.find(ACME.team_id) is not None
        yield store


def spoil(file: Path) -> None:
    file.write_text("no database, but long enough to look like one" * 100)


async def teams(store: Store) -> list[bool]:
    """Whether Acme and Globex are stored."""
    return [await store.rows.find(one.team_id) is not None for one in (ACME, GLOBEX)]


async def test_nobody_else_can_read_the_file_or_those_beside_it(tmp_path: Path) -> None:
    file, umask = tmp_path / "bot.db", os.umask(0)
    try:
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]) as store:
            await store.rows.save(ACME)
            assert modes(tmp_path) == private("bot.db")
        file.chmod(0o644)
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]):
            assert set(modes(tmp_path).values()) == {"0o600"}
    finally:
        os.umask(umask)


async def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, wording: Check) -> None:
    spoil(tmp_path / "bot.db")
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

"""A SQLite file that is deleted or replaced while it is open."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.outcomes import Paused
from bot.core.secret import Secret
from bot.health import Readiness
from bot.outbound.store import availability, sqlite_connections
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.journal import Journal
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import Store, open_store
from harness.databases import KEY, OTHER_KEY
from harness.order_rows import order_row
from harness.outages import delete_file
from harness.stored import ACME, GLOBEX
from outbound.store.test_database import modes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(Secret(url_of(tmp_path)), [KEY]) as store:
        await store.rows.save(ACME)
        assert await store.rows.find(ACME.team_id) is not None
        yield store


def url_of(directory: Path) -> str:
    return f"sqlite:///{directory / 'a bot?.db'}"


async def teams(url: str) -> list[bool]:
    """Whether Acme and Globex are stored, as another process sees it."""
    async with open_store(Secret(url), [KEY]) as store:
        return [await store.rows.find(one.team_id) is not None for one in (ACME, GLOBEX)]


@pytest.mark.parametrize("with_the_rest", [True, False], ids=["and the WAL", "alone"])
async def test_a_deleted_file_is_written_again_with_everything(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture, *, with_the_rest: bool
) -> None:
    delete_file(url_of(tmp_path)) if with_the_rest else (tmp_path / "a bot?.db").unlink()
    with pytest.raises(StoreUnreachableError):
        await store.rows.save(GLOBEX)
    assert await store.rows.find(ACME.team_id) is not None
    assert await store.find_problems() == {"database": None, "disk": None}
    assert await store.rows.save(GLOBEX) is False
    assert await teams(url_of(tmp_path)) == [True, True]
    assert set(modes(tmp_path)) == {"a bot?.db", "a bot?.db-wal", "a bot?.db-shm"}
    assert set(modes(tmp_path).values()) == {"0o600"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_no_reader_puts_an_empty_file_in_the_place(tmp_path: Path, store: Store) -> None:
    delete_file(url_of(tmp_path))
    await asyncio.gather(*(store.rows.find(ACME.team_id) for _ in range(5)), return_exceptions=True)
    assert modes(tmp_path) == {}


async def test_a_file_that_was_replaced_is_opened(tmp_path: Path, store: Store) -> None:
    (tmp_path / "other").mkdir()
    async with open_store(Secret(url_of(tmp_path / "other")), [KEY]) as other:
        await other.rows.save(GLOBEX)
    delete_file(url_of(tmp_path))
    (tmp_path / "other/a bot?.db").rename(tmp_path / "a bot?.db")
    assert await store.find_problems() == {"database": None, "disk": None}
    assert [await store.rows.find(one.team_id) is not None for one in (ACME, GLOBEX)] == [False, True]


async def test_a_file_that_cannot_take_its_place_is_said_until_one_can(tmp_path: Path, store: Store) -> None:
    file = tmp_path / "a bot?.db"
    delete_file(url_of(tmp_path))
    file.write_text("no database, but long enough to look like one" * 100)
    readiness = Readiness()
    for _ in range(2):
        await availability.check(store, readiness)
        assert str(file) in readiness.degraded["database"]
        with pytest.raises(StoreUnreachableError):
            await store.rows.save(ACME)
    file.unlink()
    async with open_store(Secret(url_of(tmp_path)), [OTHER_KEY]):
        pass
    await availability.check(store, readiness)
    assert "ENCRYPTION_KEYS" in readiness.degraded["database"]
    await availability.check(store, readiness, keys_must_fit=False)
    assert readiness.degraded == {}


async def test_a_missing_directory_is_said(tmp_path: Path, store: Store) -> None:
    moved = shutil.move(tmp_path, tmp_path.with_name("elsewhere"))
    problems = await store.find_problems()
    assert str(tmp_path) in (problems["database"] or "")
    assert problems["disk"] is None
    shutil.move(moved, tmp_path)
    assert await store.find_problems() == {"database": None, "disk": None}
    assert await teams(url_of(tmp_path)) == [True, False]


async def test_open_orders_are_written_to_the_file_that_took_the_place(tmp_path: Path, store: Store) -> None:
    journal = Journal(OrderRows(store.database, FieldCipher([KEY]), "ours"), Readiness())
    running = asyncio.create_task(journal.run())
    given = [order_row() for _ in range(2)]
    told, still_open = [journal.begin(row.order, row.address) for row in given]
    assert await still_open.written
    journal.told(told, "ack")
    assert await told.written
    delete_file(url_of(tmp_path))
    async with open_store(Secret(url_of(tmp_path)), [KEY]):
        pass
    await store.find_problems()
    journal.settle(still_open, Paused())
    assert await still_open.written
    taken = await OrderRows(store.database, FieldCipher([KEY]), "theirs").take_over(all_leases=True)
    assert [(one.id, one.outcome) for one in taken] == [(still_open.id, Paused())]
    journal.stop()
    await running


async def test_a_file_that_cannot_be_written_again_is_said(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite_connections, "_rewrite", fail)
    delete_file(url_of(tmp_path))
    with pytest.raises(StoreUnreachableError, match="OperationalError"):
        await store.database.reopen()

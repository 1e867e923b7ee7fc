"""The store of a running bot, and /readyz while it can't be used."""

import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from bot.outbound.store.store import open_watched
from harness.conversation import until
from harness.databases import KEY, OTHER_KEY
from harness.outages import OTHER_VERSION
from harness.product import Secret, Store, errors, open_store
from harness.stored import ACME, readiness

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(url: str, health: Any = None, *, is_required: bool = False) -> AsyncIterator[Store]:
    """Run a bot with this store."""
    async with open_watched(Secret(url), [KEY], health or readiness(), is_required=is_required, lock_wait=0) as watched:
        yield watched.store


async def is_reached(store: Store) -> bool:
    try:
        return await store.rows.find(ACME.team_id) is None
    except errors.StoreUnreachableError:
        return False


async def is_kept(url: str) -> bool:
    async with served(url) as store:
        assert not await store.rows.save(ACME)
        assert await store.rows.find(ACME.team_id) is not None
    async with served(url) as store:
        return await store.rows.find(ACME.team_id) is not None


async def test_what_is_written_is_kept_but_in_memory_and_keys_need_not_fit(database_url: str) -> None:
    """They are derived from secrets that are changed."""
    async with open_store(Secret(database_url), [OTHER_KEY]):
        pass
    assert await is_kept(database_url)
    assert not await is_kept("sqlite://")


async def test_keys_must_fit_if_the_store_is_required(database_url: str) -> None:
    async with open_store(Secret(database_url), [OTHER_KEY]):
        pass
    with pytest.raises(errors.StoreNotUsableError, match="ENCRYPTION_KEYS"):
        async with served(database_url, is_required=True):
            pass


def damage(file: Path) -> None:
    file.write_text("no database, but long enough to look like one" * 100)


def renew(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        for statement in OTHER_VERSION:
            database.execute(statement)
        database.commit()


def take_the_directory_away(file: Path) -> None:
    file.parent.rmdir()


def repair(file: Path) -> None:
    """Put a new database into the file, which stays the same one."""
    file.parent.mkdir(exist_ok=True)
    sqlite3.connect(file.with_name("new.db")).close()
    shutil.copyfile(file.with_name("new.db"), file)


@pytest.mark.parametrize("spoil", [damage, renew, take_the_directory_away])
async def test_a_file_that_can_not_be_used_is_used_when_it_is_repaired(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    wording: Callable[[str, str], None],
    spoil: Callable[[Path], None],
) -> None:
    file = tmp_path / "own/bot.db"
    file.parent.mkdir()
    spoil(file)
    caplog.set_level(logging.ERROR)
    with pytest.raises(errors.StoreNotUsableError):
        async with served(f"sqlite:///{file}", is_required=True):
            pass
    health = readiness()
    async with served(f"sqlite:///{file}", health) as store:
        assert not await is_reached(store)
        assert health.reasons == {}
        wording(spoil.__name__, health.degraded["database"].replace(str(tmp_path), "DIRECTORY"))
        repair(file)
        await until(lambda: health.degraded == {})
        assert await is_reached(store)
    assert [record.levelname for record in caplog.records] == ["ERROR"]

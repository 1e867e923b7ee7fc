"""The store of a running bot, and /readyz while it can't be used."""

import logging
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from bot.outbound.store.availability import open_watched
from harness.conversation import until
from harness.databases import KEY, OTHER_KEY, postgresql_out_of_reach
from harness.outages import OTHER_VERSION, held, locked
from harness.product import Secret, Store, Tasks, errors, open_store
from harness.stored import ACME, readiness

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(url: str, health: Any = None, *, is_required: bool = False) -> AsyncIterator[Store]:
    """Run a bot with this store."""
    tasks = Tasks()
    async with open_watched(Secret(url), [KEY], health or readiness(), is_required=is_required, lock_wait=0) as watched:
        tasks.start(watched.watch())
        try:
            yield watched.store
        finally:
            await tasks.cancel()


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


async def test_a_file_in_use_and_a_url_that_is_none_are_refused(tmp_path: Path) -> None:
    async with held(tmp_path / "bot.db"):
        with pytest.raises(errors.StoreInUseError):
            await is_kept(f"sqlite:///{tmp_path / 'bot.db'}")
    with pytest.raises(errors.StoreNotUsableError):
        await is_kept("postgresql://bot:s3cr%zzt@host/bot")


@pytest.mark.slow
@pytest.mark.parametrize("is_required", [False, True])
async def test_a_file_that_another_program_has_locked_is_not_waited_for_and_used_when_the_lock_ends(
    sqlite_url: str, *, is_required: bool
) -> None:
    url, health = sqlite_url, readiness()
    async with AsyncExitStack() as other_program:
        await other_program.enter_async_context(locked(url))
        async with served(url, health, is_required=is_required) as store:
            reported = health.reasons if is_required else health.degraded
            assert "does not answer yet" in reported["database"]
            await until(lambda: "SQLITE_BUSY" in reported["database"])
            assert not await is_reached(store)
            await other_program.aclose()
            await until(lambda: health.reasons == health.degraded == {})
            assert await is_reached(store)


@pytest.mark.parametrize("is_required", [False, True])
async def test_a_server_that_is_down_is_used_when_it_answers(
    postgresql_urls: Iterator[str], tmp_path: Path, *, is_required: bool
) -> None:
    url, link, its_socket = postgresql_out_of_reach(next(postgresql_urls), tmp_path)
    health = readiness()
    async with served(url, health, is_required=is_required) as store:
        assert not await is_reached(store)
        assert set(health.reasons if is_required else health.degraded) == {"database"}
        assert len(health.reasons) + len(health.degraded) == 1
        link.symlink_to(its_socket)
        await until(lambda: health.reasons == health.degraded == {})
        assert await is_reached(store)


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    health = readiness()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with served(f"postgresql://bot@127.0.0.1:{silent.getsockname()[1]}/bot", health) as store:
            assert not await is_reached(store)
            assert set(health.degraded) == {"database"}

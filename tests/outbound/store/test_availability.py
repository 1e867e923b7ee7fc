"""The store of a bot of one workspace, which serves also without its database."""

import logging
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.outbound.store.availability import open_optional
from harness.conversation import until
from harness.databases import KEY, OTHER_KEY, postgresql_out_of_reach
from harness.outages import held
from harness.product import Secret, Store, errors, open_store
from harness.stored import ACME, readiness

pytestmark = pytest.mark.anyio


async def is_kept(url: str) -> tuple[bool, dict[str, str]]:
    """Write into the store, which must work; return whether it is there after a restart, and what is degraded."""
    health = readiness()
    async with open_optional(Secret(url), [KEY], health, lock_wait=0) as store:
        assert not await store.rows.save(ACME)
        assert await store.rows.find(ACME.team_id) is not None
    async with open_optional(Secret(url), [KEY], readiness(), lock_wait=0) as store:
        return await store.rows.find(ACME.team_id) is not None, health.degraded


async def test_what_is_written_is_kept_but_in_memory_and_keys_need_not_fit(database_url: str) -> None:
    """They are derived from secrets that are changed."""
    async with open_store(Secret(database_url), [OTHER_KEY]):
        pass
    assert await is_kept(database_url) == (True, {})
    assert await is_kept("sqlite://") == (False, {})


def damage(file: Path) -> None:
    file.write_text("no database, but long enough to look like one" * 100)


def renew(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()


def take_the_directory_away(file: Path) -> None:
    file.parent.rmdir()


@pytest.mark.parametrize("spoil", [damage, renew, take_the_directory_away])
async def test_a_file_that_can_not_be_used_is_replaced_by_memory_until_a_restart(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    wording: Callable[[str, str], None],
    spoil: Callable[[Path], None],
) -> None:
    file = tmp_path / "own/bot.db"
    file.parent.mkdir()
    spoil(file)
    caplog.set_level(logging.ERROR)
    is_there, degraded = await is_kept(f"sqlite:///{file}")
    assert not is_there
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    wording(spoil.__name__, degraded["database"].replace(str(tmp_path), "DIRECTORY"))


async def test_a_file_in_use_and_a_url_that_is_none_are_refused(tmp_path: Path) -> None:
    async with held(tmp_path / "bot.db"):
        with pytest.raises(errors.StoreInUseError):
            await is_kept(f"sqlite:///{tmp_path / 'bot.db'}")
    with pytest.raises(errors.StoreNotUsableError):
        await is_kept("postgresql://bot:s3cr%zzt@host/bot")


async def is_reached(store: Store) -> bool:
    try:
        return await store.rows.find(ACME.team_id) is None
    except errors.StoreUnreachableError:
        return False


async def test_a_server_that_is_down_is_used_when_it_answers(postgresql_urls: Iterator[str], tmp_path: Path) -> None:
    url, link, its_socket = postgresql_out_of_reach(next(postgresql_urls), tmp_path)
    health = readiness()
    async with open_optional(Secret(url), [KEY], health, lock_wait=0) as store:
        assert not await is_reached(store)
        assert set(health.degraded) == {"database"}
        link.symlink_to(its_socket)
        await until(lambda: health.degraded == {})
        assert await is_reached(store)


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    health = readiness()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = Secret(f"postgresql://bot@127.0.0.1:{silent.getsockname()[1]}/bot")
        async with open_optional(url, [KEY], health, lock_wait=0) as store:
            assert not await is_reached(store)
            assert set(health.degraded) == {"database"}

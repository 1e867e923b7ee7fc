"""The database itself: its tables, who can read its file, and what is said if it can't be used."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.core.secret import Secret
from bot.outbound.store.database import connect
from bot.outbound.store.errors import StoreNotUsableError, StoreUnreachableError, UnreadableError
from bot.outbound.store.fields import FieldCipher, FieldRef
from bot.outbound.store.key_rotation import check_keys, rotate
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import Store, connect_store, open_store
from harness.databases import KEY, OTHER_KEY, query
from harness.order_rows import RESPONSE_URL, order_row
from harness.stored import ACME, ANCHOR_KEY

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]
PLACE = FieldRef("T0HOME00001", "bot_token")


async def refusal(url: str, *keys: Secret) -> str:
    with pytest.raises(StoreNotUsableError) as caught:
        async with open_store(Secret(url), keys or [KEY]):
            pass
    assert str(caught.value) == caught.value.sentence
    return caught.value.sentence


def migrations(caplog: pytest.LogCaptureFixture) -> int:
    """Count how often tables were made or changed."""
    return [record.message for record in caplog.records].count("database migrated")


async def test_opened_again_it_is_as_it_was(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for expected in (None, "xoxb-of-acme"):
        async with open_store(Secret(database_url), [KEY]) as store:
            found = await store.rows.find(ACME.team_id)
            assert (found and found.bot_token.reveal()) == expected
            await store.rows.save(ACME)
    assert migrations(caplog) == 1


async def test_many_that_open_it_at_once_make_the_tables_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    async def open_and_use() -> None:
        async with open_store(Secret(database_url), [KEY]) as store:
            await store.rows.save(ACME)

    await asyncio.gather(*(open_and_use() for _ in range(5)))
    assert migrations(caplog) == 1


async def test_a_new_file_that_somebody_else_is_at_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opening = asyncio.create_task(open_and_close(f"sqlite:///{file}"))
        await asyncio.sleep(0.3)
        assert not opening.done()
        other.execute("COMMIT")
        await opening


async def open_and_close(url: str) -> None:
    async with open_store(Secret(url), [KEY]):
        pass


async def test_a_key_is_needed_from_its_first_start_until_a_rotation(database_url: str, wording: Check) -> None:
    for keys in ([KEY], [OTHER_KEY, KEY]):
        async with open_store(Secret(database_url), keys):
            pass
    wording("wrong keys", await refusal(database_url, KEY))
    async with open_store(Secret(database_url), [KEY, OTHER_KEY]) as store:  # the refused one has left nothing behind
        await store.rows.save(ACME)
        await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
        await OrderRows(store.database, store.cipher, "1").write([order_row()], [])
    wording("wrong keys", await refusal(database_url, OTHER_KEY))
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        assert await rotate(store.database, store.cipher) == 3
    async with open_store(Secret(database_url), [OTHER_KEY]) as store:
        [order] = await OrderRows(store.database, store.cipher, "2").take_over(all_leases=True)
        assert order.address.response_url == Secret(RESPONSE_URL)
        found = await store.rows.find(ACME.team_id)
        assert found
        assert (found.bot_token, found.anchor_key) == (ACME.bot_token, ANCHOR_KEY)
    wording("wrong keys", await refusal(database_url, KEY))


async def test_a_server_that_only_reads_is_one_that_can_not_be_used_now(postgresql_urls: Iterator[str]) -> None:
    postgresql_url = next(postgresql_urls)
    async with open_store(Secret(postgresql_url), [KEY]):
        pass
    only_reads = Secret(f"{postgresql_url}&options=-c%20default_transaction_read_only%3Don")
    async with connect_store(only_reads, [KEY]) as store:
        await store.prepare(keys_must_fit=False)
        with pytest.raises(StoreUnreachableError, match="ReadOnlySqlTransaction"):
            await rotate(store.database, store.cipher)


async def test_a_database_of_a_newer_version_is_refused(database_url: str, wording: Check) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        await store.database.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    wording("newer version", await refusal(database_url))


async def test_a_change_that_breaks_off_did_not_happen(store: Store) -> None:
    await store.rows.save(ACME)

    def break_off(connection: Connection) -> None:
        connection.execute(text("DELETE FROM workspaces"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.database.change(break_off)
    assert await store.rows.find(ACME.team_id) is not None


async def test_a_rotation_that_can_not_read_everything_changes_nothing(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        await store.rows.save(ACME)
        await store.database.execute(text("UPDATE workspaces SET anchor_api_key = 'damaged'"))
        with pytest.raises(UnreadableError, match=r"anchor_api_key of T0HOME00001"):
            await rotate(store.database, FieldCipher([OTHER_KEY, KEY]))
        await check_keys(store.database, FieldCipher([KEY]))


@pytest.mark.parametrize("damaged", ["", "x", "gAAAAAB", "ö"])
def test_what_is_no_ciphertext_is_unreadable(damaged: str, wording: Check) -> None:
    with pytest.raises(UnreadableError) as caught:
        FieldCipher([KEY]).decrypt(damaged, PLACE)
    wording("unreadable", str(caught.value))


def test_what_was_encrypted_for_another_place_is_unreadable(wording: Check) -> None:
    cipher = FieldCipher([KEY])
    for other in (FieldRef("T0GLOBEX001", PLACE.column), FieldRef(PLACE.owner, "anchor_api_key")):
        with pytest.raises(UnreadableError) as caught:
            cipher.decrypt(cipher.encrypt(Secret("xoxb-1"), PLACE), other)
        wording(f"another place: {other.owner} {other.column}", str(caught.value))


def test_the_same_secret_looks_different_each_time_and_never_shows() -> None:
    cipher = FieldCipher([KEY])
    first, second = (cipher.encrypt(Secret("xoxb-1"), PLACE) for _ in range(2))
    assert first != second
    assert cipher.decrypt(first, PLACE) == cipher.decrypt(second, PLACE) == Secret("xoxb-1")
    assert "xoxb" not in first + repr(cipher.decrypt(first, PLACE))


# --- SQLite ---


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless_umask")
async def test_nobody_else_can_read_the_file_or_those_beside_it(tmp_path: Path) -> None:
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]) as store:
        await store.rows.save(ACME)
        assert modes(tmp_path) == {"bot.db": "0o600", "bot.db-wal": "0o600", "bot.db-shm": "0o600"}
    (tmp_path / "bot.db").chmod(0o644)
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]):
        assert set(modes(tmp_path).values()) == {"0o600"}


async def test_a_reader_does_not_wait_for_a_writer_and_another_writer_does(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    async with open_store(Secret(f"sqlite:///{path}"), [KEY]) as ours:
        await ours.rows.save(ACME)
        with closing(sqlite3.connect(path, isolation_level=None)) as theirs:
            theirs.execute("BEGIN IMMEDIATE")
            assert await ours.rows.find(ACME.team_id) is not None
            writing = asyncio.create_task(ours.rows.set_key(ACME.team_id, ANCHOR_KEY))
            await asyncio.wait({writing}, timeout=0.3)
            assert not writing.done()
        assert await writing


async def test_a_file_that_others_hold_for_too_long_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.sqlite_connections._BUSY_TIMEOUT_MS", 500)
    path = tmp_path / "bot.db"
    async with open_store(Secret(f"sqlite:///{path}"), [KEY]) as store:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnreachableError, match=r"^SQLITE_BUSY$"):
            await store.rows.save(ACME)
        holder.close()
        assert not await store.rows.save(ACME)
        assert store.database.errors == 1


async def test_a_change_that_takes_too_long_did_not_happen_and_the_next_one_waits_for_its_end(tmp_path: Path) -> None:
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]) as store:
        await store.rows.save(ACME)
        hangs = threading.Event()

        def work(connection: Connection) -> None:
            connection.execute(text("DELETE FROM workspaces"))
            hangs.wait(20)

        with pytest.raises(StoreUnreachableError, match="in time"):
            await store.database.change(work, within=0.1)
        with pytest.raises(StoreUnreachableError, match="in time"):
            await store.database.change(lambda _: None, within=0.1)
        hangs.set()
        assert await store.rows.set_key(ACME.team_id, ANCHOR_KEY)


async def test_a_disk_that_hangs_does_not_stop_the_end(tmp_path: Path) -> None:
    hangs = threading.Event()
    async with open_store(Secret(f"sqlite:///{tmp_path / 'bot.db'}"), [KEY]) as store:
        with pytest.raises(StoreUnreachableError):
            await store.database.change(lambda _: hangs.wait(20), within=0.1)
    assert not hangs.is_set()
    hangs.set()


async def test_a_file_that_is_locked_for_too_long_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.sqlite_connections._BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "bot.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        theirs.execute("BEGIN EXCLUSIVE")
        async with connect_store(Secret(f"sqlite:///{path}"), [KEY]) as store:
            with pytest.raises(StoreUnreachableError, match="SQLITE_BUSY"):
                await store.prepare()


async def test_a_relative_path_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store(Secret("sqlite:///my bot.db"), [KEY]):
        assert (tmp_path / "my bot.db").exists()


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


async def test_a_postgresql_can_be_written_in_other_ways(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    for written in (url.replace("postgresql://", "postgres://"), f"{url}&sslmode=prefer&connect_timeout=3"):
        async with open_store(Secret(written), [KEY]) as store:
            await store.rows.save(ACME)
            assert await store.rows.find(ACME.team_id) is not None


async def test_a_database_that_was_restarted_is_read_at_once(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        await store.rows.save(ACME)
        await store.rows.find(ACME.team_id)  # over a connection of its own
        query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'anchor-bot'")
        assert await store.rows.find(ACME.team_id) is not None


async def test_a_database_that_is_slow_is_not_waited_for_without_end(postgresql_urls: Iterator[str]) -> None:
    database = connect(Secret(next(postgresql_urls)))

    def sleep(connection: Connection) -> None:
        connection.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StoreUnreachableError):
        await database.migrate(sleep, within=0.3)
    await database.close()

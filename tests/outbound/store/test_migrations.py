"""A database of an older version of the bot is brought up to date with what is in it."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.outbound.store import migrations
from harness.databases import KEY
from harness.order_rows import taken_over
from harness.product import Secret, errors, open_store, outcomes, workspace
from harness.stored import ACME, GLOBEX, execute, fetch

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[2] / "samples"
NOW, NEXT = migrations.newest(), "1000"
CHANGE = {NEXT: "ALTER TABLE workspaces ADD COLUMN mood TEXT;\nUPDATE workspaces SET mood = 'good'"}

Check = Callable[[str, str], None]


def let_be_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the version of the bot have one more migration."""
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS | CHANGE)


async def make(url: str) -> None:
    async with open_store(Secret(url), [KEY]) as store:
        await store.rows.save(ACME)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    await make(f"sqlite:///{tmp_path / 'bot.db'}")
    return tmp_path / "bot.db"


async def refusal(url: str) -> str:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(url), [KEY]):
            pass
    return caught.value.sentence


def revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.mark.parametrize("version", ["35a5838", "9d01b95"])
async def test_a_file_of_an_older_version_is_used_with_all_that_is_in_it(tmp_path: Path, version: str) -> None:
    """Each version wrote it with its own repositories.

    It was made small with `PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM`.
    """
    file, key = tmp_path / "bot.db", Secret("YSBrZXkgb2YgMzIgYnl0ZXMsIG9ubHkgaW4gdGVzdHM=")
    shutil.copy(SAMPLES / f"anchor-bot-{version}.db", file)
    with closing(sqlite3.connect(file)) as connection, connection:  # an older row of the same message and session
        connection.execute("UPDATE cards SET ts = '1.1', closed_at = NULL")
        connection.execute("CREATE TABLE double AS SELECT * FROM cards")
        connection.execute("UPDATE double SET id = '0002'")
        connection.execute("INSERT INTO cards SELECT * FROM double")
        connection.execute("DROP TABLE double")
        connection.execute("UPDATE workspaces SET alerts_token_digest = 'd1'")
    async with open_store(Secret(f"sqlite:///{file}"), [key]) as store:
        found = await store.rows.find("T0HOME00001")
        assert found
        assert (found.bot_token, found.key_version, found.alerts_channel) == (Secret("xoxb-of-acme"), 8, "C0ALERTS001")
        key_check, alice = workspace.KeyCheck.VERIFIED, "U0ALICE0001"
        assert found.anchor_key == workspace.AnchorKey(Secret("sk-of-acme"), key_check, alice, 1_785_000_060)
        assert found.policy.pause.users == {alice}
        assert found.alert_tokens == (workspace.AlertToken("default", "d1"),)
        assert await store.people.admins("T0HOME00001") == [alice]
        assert not await store.notices.claim("T0HOME00001", "users:read")
        orders = await taken_over(store, "a new process")
        assert [one.outcome for one in orders] == [outcomes.Paused("paused"), None]
        assert await fetch(store, "SELECT id, due IS NOT NULL FROM cards") == [("0003", 1)]
        assert revision(file) == NOW


async def test_tables_are_changed_once_with_all_that_is_in_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await make(database_url)
    let_be_newer(monkeypatch)
    for _ in range(2):
        async with open_store(Secret(database_url), [KEY]) as store:
            assert await store.rows.find(ACME.team_id)
            assert await fetch(store, "SELECT mood FROM workspaces") == [("good",)]
    migrated = [record for record in caplog.records if record.message == "database migrated"]
    assert [(vars(record)["before"], vars(record)["after"]) for record in migrated] == [
        (None, NOW),
        (NOW, NEXT),
    ]


async def test_a_file_is_copied_before_it_is_migrated_and_the_copy_leads_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_be_newer(monkeypatch)
    copy = file.with_name(f"bot.db-{NOW}")
    copy.write_text("of an earlier attempt, which broke off")
    for _ in range(2):
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]):
            pass
    assert list(file.parent.glob("bot.db-*[0-9]")) == [copy]
    assert (copy.stat().st_mode & 0o777, revision(copy), revision(file)) == (0o600, NOW, NEXT)


async def test_a_file_that_can_not_be_copied_is_not_migrated(
    file: Path, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    let_be_newer(monkeypatch)
    file.with_name(f"bot.db-{NOW}").mkdir()
    sentence = (await refusal(f"sqlite:///{file}")).replace(str(file.parent), "DIRECTORY")
    wording("no copy", sentence.replace(NOW, "REVISION"))
    assert revision(file) == NOW


@pytest.mark.parametrize(("name", "stored"), [("newer version", "9999"), ("no released version", "0002")])
async def test_a_database_of_a_version_that_is_not_known_is_refused_and_stays_as_it_is(
    database_url: str, wording: Check, name: str, stored: str
) -> None:
    await make(database_url)
    async with open_store(Secret(database_url), [KEY]) as store:
        await execute(store, "UPDATE alembic_version SET version_num = :stored", stored=stored)
        wording(name, await refusal(database_url))
        assert await fetch(store, "SELECT version_num FROM alembic_version") == [(stored,)]


async def test_the_token_of_an_older_version_goes_on_as_the_default_one(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        for one in (ACME, GLOBEX):
            await store.rows.save(one)
        for index in ("ix_orders_batch", "ix_orders_remind", "ix_orders_of_alerts", "ix_workspaces_auto_pause"):
            await execute(store, f"DROP INDEX {index}")
        new = {"orders": ("ends_at", "ends_by_default", "remind_at", "batch_id"), "workspaces": ("auto_pause",)}
        for table, column in ((table, column) for table, columns in new.items() for column in columns):
            await execute(store, f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in ("audit", "audit_people"):
            await execute(store, f"DROP TABLE {table}")
        await execute(store, "ALTER TABLE workspaces DROP COLUMN alert_tokens")
        await execute(store, "ALTER TABLE workspaces ADD COLUMN alerts_token_digest VARCHAR(64)")
        await execute(store, "UPDATE workspaces SET alerts_token_digest = 'd1' WHERE team_id = :id", id=ACME.team_id)
        await execute(store, "UPDATE alembic_version SET version_num = '0017'")
    async with open_store(Secret(database_url), [KEY]) as store:
        found = [await store.rows.find(one.team_id) for one in (ACME, GLOBEX)]
        assert [one and one.alert_tokens for one in found] == [(workspace.AlertToken("default", "d1"),), ()]

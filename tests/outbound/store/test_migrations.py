"""A database of an older version of the bot is brought up to date with what is in it."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.outbound.store.migrations import HEAD
from harness.databases import KEY
from harness.old_versions import differences, make_first
from harness.product import Secret, errors, open_store, workspace
from harness.stored import ACME, GLOBEX, fetch

pytestmark = pytest.mark.anyio


async def test_the_first_versions_workspaces_stay_with_all_they_have(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await make_first(database_url)
    caplog.set_level("INFO")
    for _ in range(2):
        async with open_store(Secret(database_url), [KEY]) as store:
            found = [await store.rows.find(team) for team in (ACME.team_id, GLOBEX.team_id)]
            checks = await fetch(store, "SELECT anchor_api_key_check FROM workspaces ORDER BY team_id")
        assert all(one and one.bot_token == Secret("xoxb-1") and one.alerts_channel == "C1" for one in found)
        assert [one and one.anchor_key for one in found] == [workspace.AnchorKey(Secret("sk-of-acme")), None]
        assert checks == [(None,), ("unverified",)]
    migrated = [record for record in caplog.records if record.message == "database migrated"]
    assert [(vars(record)["before"], vars(record)["after"]) for record in migrated] == [("0001", HEAD)]


def copies(directory: Path) -> list[Path]:
    return list(directory.glob("bot.db-0*"))


async def test_a_database_that_all_migrations_have_made_is_like_a_new_one(database_url: str) -> None:
    await make_first(database_url)
    async with open_store(Secret(database_url), [KEY]) as store:
        ((change, index),) = await store.database.change(differences)
    assert (change, index.name) == ("remove_index", "ix_orders_unfinished"), "which new databases make by SQL"
    assert [column.name for column in index.columns] == ["given_at", "id"]


async def test_a_file_is_copied_before_it_is_migrated_and_the_copy_leads_back(tmp_path: Path) -> None:
    file, copy = tmp_path / "bot.db", tmp_path / "bot.db-0001"
    await make_first(f"sqlite:///{file}")
    copy.write_text("of an earlier attempt, which broke off")
    for _ in range(2):
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]):
            pass
    assert copies(tmp_path) == [copy]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert before.execute("SELECT count(*) FROM workspaces").fetchall() == [(2,)]


async def test_a_file_that_can_not_be_copied_is_not_migrated(
    tmp_path: Path, wording: Callable[[str, str], None]
) -> None:
    file = tmp_path / "bot.db"
    await make_first(f"sqlite:///{file}")
    (tmp_path / "bot.db-0001").mkdir()
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(f"sqlite:///{file}"), [KEY]):
            pass
    wording("no copy", caught.value.sentence.replace(str(tmp_path), "DIRECTORY"))
    with closing(sqlite3.connect(file)) as same:
        assert same.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


async def test_a_file_of_an_older_version_is_used_with_all_that_is_in_it(tmp_path: Path) -> None:
    """The version of revision 0002 wrote it: `rows.save`, `rows.set_key`, `admins.record`, `notices.claim`.

    It was made small with `PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM`.
    """
    file, key = tmp_path / "bot.db", Secret("YSBrZXkgb2YgMzIgYnl0ZXMsIG9ubHkgaW4gdGVzdHM=")
    shutil.copy(Path(__file__).parents[2] / "samples/anchor-bot-0002.db", file)
    async with open_store(Secret(f"sqlite:///{file}"), [key]) as store:
        found = await store.rows.find("T0HOME00001")
        assert found
        assert (found.bot_token, found.key_version) == (Secret("xoxb-of-acme"), 8)
        anchor_key = workspace.AnchorKey(Secret("sk-of-acme"), set_by="U0ALICE0001", set_at=1_785_000_060)
        assert found.anchor_key == anchor_key
        assert await store.admins.of("T0HOME00001") == ["U0ALICE0001"]
        assert not await store.notices.claim("T0HOME00001", "users:read", 1_785_000_200)

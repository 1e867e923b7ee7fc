"""A database of an older version of the bot is brought up to date with what is in it."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, select, text

import bot.outbound.store
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, Workspace
from bot.outbound.store.database import connect
from bot.outbound.store.errors import StoreNotUsableError
from bot.outbound.store.fields import FieldCipher, FieldRef
from bot.outbound.store.migrations import HEAD
from bot.outbound.store.schema import metadata, workspaces
from bot.outbound.store.store import open_store
from harness.databases import KEY
from harness.stored import ACME, GLOBEX

pytestmark = pytest.mark.anyio

INSERT = text(
    "INSERT INTO workspaces (team_id, team_name, app_id, bot_user_id, bot_token, scopes, installed_by, installed_at, "
    "anchor_api_key, alerts_token_digest, alerts_channel) "
    "VALUES (:team_id, 'A team', 'A1', 'U1', :token, 'commands', 'U2', 1785000000, :key, 'd1', 'C1')"
)


def make_first_tables(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", f"{bot.outbound.store.__path__[0]}/migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


async def make(url: str) -> None:
    """A database as the first version leaves it, with a workspace that has a key and one that has none."""
    database, cipher = connect(Secret(url)), FieldCipher([KEY])

    def make_all(connection: Connection) -> None:
        make_first_tables(connection)
        for team_id, key in ((ACME.team_id, Secret("sk-of-acme")), (GLOBEX.team_id, None)):
            row = {
                "team_id": team_id,
                "token": cipher.encrypt(Secret("xoxb-1"), FieldRef(team_id, "bot_token")),
                "key": key and cipher.encrypt(key, FieldRef(team_id, "anchor_api_key")),
            }
            connection.execute(INSERT, row)

    await database.migrate(make_all, within=20)
    await database.close()


def expected(team_id: str, key: AnchorKey | None) -> Workspace:
    return Workspace(
        team_id,
        Secret("xoxb-1"),
        key,
        alerts_token_digest="d1",
        alerts_channel="C1",
        installed_by="U2",
        is_managed=True,
    )


async def test_the_first_versions_workspaces_stay_with_all_they_have(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await make(database_url)
    caplog.set_level("INFO")
    for _ in range(2):
        async with open_store(Secret(database_url), [KEY]) as store:
            found = [await store.rows.find(team) for team in (ACME.team_id, GLOBEX.team_id)]
            checks = await store.database.fetch_all(select(workspaces.c.anchor_api_key_check).order_by("team_id"))
        assert found == [
            expected(ACME.team_id, AnchorKey(Secret("sk-of-acme"))),
            expected(GLOBEX.team_id, None),
        ]
        assert [tuple(row) for row in checks] == [(None,), ("unverified",)]
    migrated = [record for record in caplog.records if record.message == "database migrated"]
    assert [(vars(record)["before"], vars(record)["after"]) for record in migrated] == [("0001", HEAD)]


Tables = dict[str, Any]


def readable(found: Mapping[str, Any]) -> str:
    """An index or a constraint, with its condition as text."""
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return repr({**found, "dialect_options": options})


def look(connection: Connection) -> Tables:
    """Every table with its columns, keys and indexes, and the revision."""
    found = inspect(connection)
    tables: Tables = {
        name: (
            {column["name"]: (str(column["type"]), column["nullable"], column["default"]) for column in columns},
            found.get_pk_constraint(name)["constrained_columns"],
            [
                (key["constrained_columns"], key["referred_table"], key["options"])
                for key in found.get_foreign_keys(name)
            ],
            sorted(map(readable, [*found.get_indexes(name), *found.get_unique_constraints(name)])),
        )
        for (_, name), columns in found.get_multi_columns().items()
    }
    return tables | {"revision": connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()}


async def look_into(url: str) -> Tables:
    async with open_store(Secret(url), [KEY]) as store:
        return await store.database.change(look)


def drop(connection: Connection) -> None:
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))


async def test_a_new_database_is_like_one_that_all_migrations_have_made(database_url: str) -> None:
    await make(database_url)
    migrated = await look_into(database_url)
    assert migrated["revision"] == HEAD
    async with open_store(Secret(database_url), [KEY]) as store:
        await store.database.change(drop)
    assert await look_into(database_url) == migrated


async def test_what_belongs_to_them_from_then_on_goes_with_them(database_url: str) -> None:
    await make(database_url)
    async with open_store(Secret(database_url), [KEY]) as store:
        for team_id in (ACME.team_id, GLOBEX.team_id):
            await store.admins.record(team_id, "U1", 0)
            assert await store.notices.claim(team_id, "welcome", 0)
        assert await store.rows.delete(ACME.team_id)
        assert [await store.admins.of(team_id) for team_id in (ACME.team_id, GLOBEX.team_id)] == [[], ["U1"]]


async def test_what_an_older_version_still_writes_can_be_read(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        token = store.cipher.encrypt(Secret("xoxb-1"), FieldRef(ACME.team_id, "bot_token"))
        await store.database.execute(INSERT, {"team_id": ACME.team_id, "token": token, "key": None})
        assert await store.rows.find(ACME.team_id) == expected(ACME.team_id, None)


def copies(file: Path) -> list[Path]:
    return list(file.parent.glob(f"{file.name}-0*"))


async def test_a_file_is_copied_before_it_is_migrated_and_the_copy_leads_back(tmp_path: Path) -> None:
    file, copy = tmp_path / "bot.db", tmp_path / "bot.db-0001"
    await make(f"sqlite:///{file}")
    copy.write_text("of an earlier attempt, which broke off")
    for _ in range(2):
        assert (await look_into(f"sqlite:///{file}"))["revision"] == HEAD
    assert copies(file) == [copy]
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.replace(file)
    with closing(sqlite3.connect(file)) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert before.execute("SELECT count(*) FROM workspaces").fetchall() == [(2,)]


async def test_a_file_that_can_not_be_copied_is_not_migrated(
    tmp_path: Path, wording: Callable[[str, str], None]
) -> None:
    file = tmp_path / "bot.db"
    await make(f"sqlite:///{file}")
    (tmp_path / "bot.db-0001").mkdir()
    with pytest.raises(StoreNotUsableError) as caught:
        await look_into(f"sqlite:///{file}")
    wording("no copy", caught.value.sentence.replace(str(tmp_path), "DIRECTORY"))
    with closing(sqlite3.connect(file)) as same:
        assert same.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


OLD_FILE = Path(__file__).parents[2] / "samples/anchor-bot-0002.db"
OLD_KEY = Secret("YSBrZXkgb2YgMzIgYnl0ZXMsIG9ubHkgaW4gdGVzdHM=")
"""A file that the version of revision 0002 has written: `rows.save`, `rows.set_key`, `admins.record`, `notices.claim`.

It was made small with `PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM`.
"""


async def test_a_file_of_an_older_version_is_used_with_all_that_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    shutil.copy(OLD_FILE, file)
    async with open_store(Secret(f"sqlite:///{file}"), [OLD_KEY]) as store:
        found = await store.rows.find("T0HOME00001")
        assert found
        assert (found.bot_token, found.key_version) == (Secret("xoxb-of-acme"), 8)
        assert found.anchor_key == AnchorKey(Secret("sk-of-acme"), set_by="U0ALICE0001", set_at=1_785_000_060)
        assert await store.admins.of("T0HOME00001") == ["U0ALICE0001"]
        assert not await store.notices.claim("T0HOME00001", "users:read", 1_785_000_200)

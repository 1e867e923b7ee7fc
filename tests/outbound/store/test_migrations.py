"""A database of an older version of the bot is brought up to date with what is in it."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select, text

import bot.outbound.store
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, Workspace
from bot.outbound.store.database import connect
from bot.outbound.store.fields import FieldCipher, FieldRef
from bot.outbound.store.schema import workspaces
from bot.outbound.store.store import open_store
from harness.databases import KEY
from outbound.store.test_workspace_rows import ACME, GLOBEX

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
    async with database.transaction() as connection:
        await connection.run_sync(make_first_tables)
        for team_id, key in ((ACME.team_id, Secret("sk-of-acme")), (GLOBEX.team_id, None)):
            row = {
                "team_id": team_id,
                "token": cipher.encrypt(Secret("xoxb-1"), FieldRef(team_id, "bot_token")),
                "key": key and cipher.encrypt(key, FieldRef(team_id, "anchor_api_key")),
            }
            await connection.execute(INSERT, row)
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
    migrated = [record for record in caplog.records if record.name == "bot.outbound.store.store"]
    assert [(vars(record)["before"], vars(record)["after"]) for record in migrated] == [("0001", "0002")]


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
        async with store.database.transaction() as connection:
            await connection.execute(INSERT, {"team_id": ACME.team_id, "token": token, "key": None})
        assert await store.rows.find(ACME.team_id) == expected(ACME.team_id, None)

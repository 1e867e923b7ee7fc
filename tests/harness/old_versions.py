"""Databases as older versions of the bot leave them, and what is in the tables of one."""

from collections.abc import Mapping
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

import bot.outbound.store
from bot.core.secret import Secret
from bot.outbound.store.database import connect
from bot.outbound.store.schema import metadata
from harness.databases import KEY, encrypted
from harness.product import Store, open_store
from harness.stored import ACME, GLOBEX, execute

_INSERT = text(
    "INSERT INTO workspaces (team_id, team_name, app_id, bot_user_id, bot_token, scopes, installed_by, installed_at, "
    "anchor_api_key, alerts_token_digest, alerts_channel) "
    "VALUES (:team_id, 'A team', 'A1', 'U1', :token, 'commands', 'U2', 1785000000, :key, 'd1', 'C1')"
)


def _row(team_id: str, key: str | None) -> dict[str, object]:
    token = encrypted("xoxb-1", team_id, "bot_token")
    return {"team_id": team_id, "token": token, "key": key and encrypted(key, team_id, "anchor_api_key")}


async def make_first(url: str) -> None:
    """Make the database of the first version, with a workspace that has a key and one that has none."""
    database = connect(Secret(url))

    def make_all(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", f"{bot.outbound.store.__path__[0]}/migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for team_id, key in ((ACME.team_id, "sk-of-acme"), (GLOBEX.team_id, None)):
            connection.execute(_INSERT, _row(team_id, key))

    await database.migrate(make_all, within=20)
    await database.close()


async def install_by_first(store: Store, team_id: str) -> None:
    """Write a workspace as the first version does, which knows no later column."""
    await execute(store, str(_INSERT), **_row(team_id, None))


def _readable(found: Mapping[str, Any]) -> str:
    """An index or a constraint, with its condition as text."""
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return repr({**found, "dialect_options": options})


def _look(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    tables: dict[str, Any] = {
        name: (
            {column["name"]: (str(column["type"]), column["nullable"], column["default"]) for column in columns},
            found.get_pk_constraint(name)["constrained_columns"],
            [
                (key["constrained_columns"], key["referred_table"], key["options"])
                for key in found.get_foreign_keys(name)
            ],
            sorted(map(_readable, [*found.get_indexes(name), *found.get_unique_constraints(name)])),
        )
        for (_, name), columns in found.get_multi_columns().items()
    }
    return tables | {"revision": connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()}


async def tables(url: str) -> dict[str, Any]:
    """Open the store; return every table with its columns, keys and indexes, and the revision."""
    async with open_store(Secret(url), [KEY]) as store:
        return await store.database.change(_look)


async def drop_all(url: str) -> None:
    """Leave an empty database."""

    def drop(connection: Connection) -> None:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))

    async with open_store(Secret(url), [KEY]) as store:
        await store.database.change(drop)

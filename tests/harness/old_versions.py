"""Databases as older versions of the bot leave them, and what is in the tables of one."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

import bot.outbound.store
from bot.core.fields import Secret
from bot.outbound.store.database import connect
from bot.outbound.store.schema import metadata
from harness.databases import encrypted
from harness.stored import ACME, GLOBEX

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


def differences(connection: Connection) -> list[Any]:
    """How the tables of an old database differ from those that the schema describes."""
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))

"""Migrate the database at startup. Of concurrent processes, one migrates and the others wait.

https://alembic.sqlalchemy.org/en/latest/cookbook.html#programmatic-api-use-connection-sharing-with-alembic
"""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.outbound.store.database import Database
from bot.outbound.workspaces import StoreNotUsableError

_log = logging.getLogger(__name__)

_TIMEOUT = 60.0  # seconds, including the wait for other processes
_LOCK_ID = 4_721_130_552_318_604_097  # any number, the same in every process


async def migrate(database: Database) -> None:
    """Create or change the tables, in one transaction.

    Raises StoreNotUsableError if they are from a newer version of the bot, or StoreUnreachableError.
    """
    async with database.transaction(within=_TIMEOUT) as connection:
        await connection.run_sync(_migrate)


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has only one writer
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK_ID})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    before, after = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if before == after:
        return
    if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreNotUsableError(
            "DATABASE_URL: the database is from a newer version of the bot. Run that version, or use another database."
        )
    command.upgrade(config, "head")
    _log.info("database migrated", extra={"before": before, "after": after})

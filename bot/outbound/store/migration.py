"""Create the tables, or migrate those of an older version of the bot."""

import logging
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, text

from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreNotUsableError
from bot.outbound.store.migrations import HEAD
from bot.outbound.store.schema import metadata
from bot.outbound.store.sqlite import OWNER_ONLY

if TYPE_CHECKING:
    from alembic.config import Config

_log = logging.getLogger(__name__)

_TIMEOUT = 60.0  # seconds, including the wait for other processes
_LOCK_ID = 4_721_130_552_318_604_097  # any number, the same in every process
_NEWER = "DATABASE_URL: the database is from a newer version of the bot. Run that version, or use another database."

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""The table in which Alembic keeps the revision of a database."""


async def migrate(database: Database) -> None:
    """Create or change the tables, in one transaction. Of concurrent processes, one does, and the others wait.

    A SQLite file is copied before its tables are changed. Raises StoreNotUsableError if they are from a newer version
    of the bot or if the file cannot be copied, or StoreUnreachableError.
    """
    await database.migrate(partial(_migrate, database.file), within=_TIMEOUT)


async def find_revision(database: Database) -> tuple[str | None, bool]:
    """Return the revision of the tables, None without any, and whether this version of the bot knows it.

    If it is the newest one, the database can be used afterwards. Raises StoreUnreachableError.
    """
    revision = await database.inspect(_revision)
    if revision == HEAD:
        database.migrated.set()
    return revision, revision in {None, HEAD} or revision in _known(_config())


def _migrate(file: Path | None, connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has only one writer
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK_ID})
    before = _revision(connection)
    if before == HEAD:
        return
    if before is None:
        _create(connection)
    else:
        _upgrade(connection, before, file)
    _log.info("database migrated", extra={"before": before, "after": HEAD})


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_alembic_version.name):
        return None
    return connection.execute(select(_alembic_version.c.version_num)).scalar()


def _create(connection: Connection) -> None:
    """Create the tables as all migrations together would.

    https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
    """
    metadata.create_all(connection, checkfirst=False)
    _alembic_version.create(connection)
    connection.execute(insert(_alembic_version).values(version_num=HEAD))


def _upgrade(connection: Connection, before: str, file: Path | None) -> None:
    """https://alembic.sqlalchemy.org/en/latest/cookbook.html#programmatic-api-use-connection-sharing-with-alembic."""
    from alembic import command  # noqa: PLC0415 - see HEAD

    config = _config()
    config.attributes["connection"] = connection
    if before not in _known(config):
        raise StoreNotUsableError(_NEWER)
    if file is not None:
        _copy(file, Path(f"{file}-{before}"))
    command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see HEAD

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _known(config: "Config") -> set[str]:
    """Return the revisions that this version of the bot can migrate."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see HEAD

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _copy(file: Path, copy: Path) -> None:
    """Copy a SQLite file as it is committed. Nobody else writes meanwhile, since the caller is in a transaction."""
    try:
        copy.unlink(missing_ok=True)
        copy.touch(OWNER_ONLY)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreNotUsableError(
            f"DATABASE_URL: cannot copy {file} to {copy} before its tables are changed ({error})."
        ) from None
    _log.info("database copied", extra={"file": str(copy)})

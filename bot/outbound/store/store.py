"""Open the store: migrate the database, check the keys; close it."""

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from bot.core.secret import Secret
from bot.outbound.store.admins_and_notices import Admins, Notices
from bot.outbound.store.database import Database, connect
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.install_states import InstallStates
from bot.outbound.store.key_rotation import check_keys
from bot.outbound.store.schema import key_checks
from bot.outbound.store.workspace_rows import WorkspaceRows
from bot.outbound.workspaces import StoreNotUsableError, StoreUnreachableError

_log = logging.getLogger(__name__)

_MIGRATION_TIMEOUT = 60.0  # seconds, including the wait for other processes
_LEAST_FREE = 50_000_000  # bytes; a change needs a few thousand
_LOCK_ID = 4_721_130_552_318_604_097  # any number, the same in every process


@dataclass(frozen=True, slots=True)
class Store:
    """A migrated database and its repositories."""

    database: Database
    cipher: FieldCipher
    rows: WorkspaceRows
    install_states: InstallStates
    admins: Admins
    notices: Notices

    async def prepare(self) -> None:
        """Migrate the database, and check the keys. Raises StoreNotUsableError or StoreUnreachableError."""
        try:
            await _migrate(self.database)
            await check_keys(self.database, self.cipher)
        except DBAPIError as error:
            raise StoreNotUsableError(unusable(type(error.orig).__name__)) from None

    async def find_problems(self) -> dict[str, str | None]:
        """Return what is wrong with the database, and with the disk of a SQLite file; None for what is not."""
        database = None
        try:
            await self.database.fetch_one(select(key_checks.c.name).limit(1))
        except StoreUnreachableError as error:
            database = f"The database gives no answer ({error})."
        free = self.database.free_bytes()
        is_full = free is not None and free < _LEAST_FREE
        disk = f"The disk of the database is full: {free} bytes are free." if is_full else None
        return {"database": database, "disk": disk}


def unusable(why: str) -> str:
    """Return the sentence about a database that cannot be used."""
    return (
        f"DATABASE_URL: the bot cannot use the database ({why}). Check that it runs, that the user name and "
        "the password are right, and that the user can create tables."
    )


def random_version() -> int:
    """Return a random version of at most nine digits, with room for its successors."""
    return secrets.randbelow(900_000_000)


@asynccontextmanager
async def connect_store(
    url: Secret, keys: Sequence[Secret], *, first_version: Callable[[], int] = random_version
) -> AsyncIterator[Store]:
    """Return the store at `url` (DATABASE_URL), to `prepare`; the first of `keys` encrypts.

    Raises StoreNotUsableError.
    """
    database, cipher = connect(url), FieldCipher(keys)
    try:
        rows = WorkspaceRows(database, cipher, first_version)
        yield Store(database, cipher, rows, InstallStates(database, keys), Admins(database), Notices(database))
    finally:
        await database.close()


@asynccontextmanager
async def open_store(
    url: Secret, keys: Sequence[Secret], *, first_version: Callable[[], int] = random_version
) -> AsyncIterator[Store]:
    """Open the store, prepared. Raises StoreNotUsableError, also if the database gives no answer."""
    async with connect_store(url, keys, first_version=first_version) as store:
        try:
            await store.prepare()
        except StoreUnreachableError as error:
            raise StoreNotUsableError(unusable(str(error))) from None
        yield store


async def _migrate(database: Database) -> None:
    """Create or change the tables, in one transaction. Of concurrent processes, one does, and the others wait.

    Raises StoreNotUsableError if they are from a newer version of the bot, or StoreUnreachableError.
    https://alembic.sqlalchemy.org/en/latest/cookbook.html#programmatic-api-use-connection-sharing-with-alembic
    """
    async with database.transaction(within=_MIGRATION_TIMEOUT) as connection:
        await connection.run_sync(_migrate_connection)


def _migrate_connection(connection: Connection) -> None:
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

"""Open, check and close the store."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from bot.core.secret import Secret
from bot.outbound.store.admins_and_notices import Admins, Notices
from bot.outbound.store.database import Database, connect
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.install_states import InstallStates
from bot.outbound.store.key_rotation import check_keys
from bot.outbound.store.migrate import migrate
from bot.outbound.store.workspace_rows import WorkspaceRows
from bot.outbound.workspaces import StoreNotUsableError, StoreUnreachableError


@dataclass(frozen=True, slots=True)
class Store:
    """A migrated database and its repositories."""

    database: Database
    cipher: FieldCipher
    rows: WorkspaceRows
    install_states: InstallStates
    admins: Admins
    notices: Notices


def random_version() -> int:
    """Return a random version of at most nine digits, with room for its successors."""
    return secrets.randbelow(900_000_000)


@asynccontextmanager
async def open_store(
    url: Secret, keys: Sequence[Secret], *, first_version: Callable[[], int] = random_version
) -> AsyncIterator[Store]:
    """Open the store at `url` (DATABASE_URL); the first of `keys` encrypts. Raises StoreNotUsableError."""
    database, cipher = connect(url), FieldCipher(keys)
    try:
        try:
            await migrate(database)
            await check_keys(database, cipher)
        except (StoreUnreachableError, DBAPIError) as error:
            why = type(error.orig).__name__ if isinstance(error, DBAPIError) else str(error)
            raise StoreNotUsableError(
                f"DATABASE_URL: the bot cannot use the database ({why}). Check that it runs, that the user name and "
                "the password are right, and that the user can create tables."
            ) from None
        rows = WorkspaceRows(database, cipher, first_version)
        yield Store(database, cipher, rows, InstallStates(database), Admins(database), Notices(database))
    finally:
        await database.close()

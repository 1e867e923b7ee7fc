"""The store as a whole: opened, checked and closed in one place."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from bot.core.secret import Secret
from bot.outbound.store.admins import Admins
from bot.outbound.store.database import Database, connect
from bot.outbound.store.encryption import check_keys
from bot.outbound.store.errors import StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.install_states import InstallStates
from bot.outbound.store.installations import Installations
from bot.outbound.store.migrate import migrate
from bot.outbound.store.notices import Notices
from bot.outbound.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Store:
    """A database that is up to date, with keys that fit."""

    database: Database
    vault: Vault
    installations: Installations
    install_states: InstallStates
    admins: Admins
    notices: Notices


def random_version() -> int:
    """A number that nobody has seen; it has nine digits at most, and so have those that follow it."""
    return secrets.randbelow(900_000_000)


@asynccontextmanager
async def open_store(
    url: Secret, keys: Sequence[Secret], *, first_version: Callable[[], int] = random_version
) -> AsyncIterator[Store]:
    """The store at `url`, as DATABASE_URL has it; the first of `keys` encrypts. Raises StoreNotUsableError.

    `first_version` is explained at Installations.
    """
    database, vault = connect(url), Vault(keys)
    try:
        try:
            await migrate(database)
            await check_keys(database, vault)
        except StoreUnreachableError as error:
            raise _not_usable(str(error)) from None
        except DBAPIError as error:
            raise _not_usable(type(error.orig).__name__) from None
        yield _store(database, vault, first_version)
    finally:
        await database.close()


def _store(database: Database, vault: Vault, first_version: Callable[[], int]) -> Store:
    return Store(
        database,
        vault,
        Installations(database, vault, first_version),
        InstallStates(database),
        Admins(database),
        Notices(database),
    )


def _not_usable(why: str) -> StoreNotUsableError:
    return StoreNotUsableError(
        f"DATABASE_URL: the database there does not let the bot in ({why}). Is it up, are name and password right, "
        "and may this user make tables in it?"
    )

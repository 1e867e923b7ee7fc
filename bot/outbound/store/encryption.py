"""Whether the keys fit the database, and a new key for everything in it."""

from typing import Any

from sqlalchemy import Column, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.secret import Secret
from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.errors import StoreNotUsableError, UnreadableError
from bot.outbound.store.installations import SECRET_COLUMNS
from bot.outbound.store.schema import key_checks, workspaces
from bot.outbound.store.vault import Place, Vault

_COLUMN = "ciphertext"
_KNOWN = Secret("These keys fit.")
_ROTATES_WITHIN = 300.0  # seconds
_WRONG_KEYS = (
    "ENCRYPTION_KEYS does not fit the database: none of its keys decrypts what is in there. Put the key back that it "
    "was made with; without that key its secrets are lost, and a new database must be begun."
)


async def check_keys(database: Database, vault: Vault) -> None:
    """Leave a check of the first key, and read those of all keys that were first before.

    Raises StoreNotUsableError where none of the keys fits one of them, or StoreUnreachableError.
    """
    check = Place(vault.name, _COLUMN)
    async with database.changing() as connection:
        row = {"name": check.owner, _COLUMN: vault.encrypt(_KNOWN, check)}
        await connection.execute(INSERT[connection.dialect.name](key_checks).values(row).on_conflict_do_nothing())
        try:
            for name, ciphertext in await connection.execute(select(key_checks.c.name, key_checks.c.ciphertext)):
                vault.decrypt(ciphertext, Place(name, _COLUMN))
        except UnreadableError:
            raise StoreNotUsableError(_WRONG_KEYS) from None  # and no check of a wrong key stays


async def rotate(database: Database, vault: Vault) -> int:
    """Encrypt everything anew with the first key, or nothing at all, and say how many secrets those were.

    Raises UnreadableError where none of the keys fits one of them, or StoreUnreachableError.
    """
    async with database.changing(within=_ROTATES_WITHIN) as connection:
        await connection.execute(delete(key_checks).where(key_checks.c.name != vault.name))
        return sum([await _rotate(connection, vault, workspaces.c[name]) for name in SECRET_COLUMNS])


async def _rotate(connection: AsyncConnection, vault: Vault, column: Column[Any]) -> int:
    locked = select(workspaces.c.team_id, column).where(column.is_not(None)).with_for_update()
    rows = (await connection.execute(locked)).all()
    for team_id, ciphertext in rows:
        place = Place(team_id, column.name)
        anew = vault.encrypt(vault.decrypt(ciphertext, place), place)
        its = update(workspaces).where(workspaces.c.team_id == team_id)
        await connection.execute(its.values({column.name: anew}))
    return len(rows)

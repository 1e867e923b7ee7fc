"""Whether the keys fit the database, and a new key for everything in it."""

from typing import Any

from sqlalchemy import Column, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.secret import Secret
from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.errors import StoreNotUsableError, UnreadableError
from bot.outbound.store.installations import SECRET_COLUMNS
from bot.outbound.store.schema import key_checks, workspaces
from bot.outbound.store.vault import Place, Vault

_CHECK = Place("check", "ciphertext")
_KNOWN = Secret("These keys fit.")
_ROTATES_WITHIN = 300.0  # seconds
_WRONG_KEYS = (
    "ENCRYPTION_KEYS does not fit the database: none of its keys decrypts what is in there. Put the key back that it "
    "was made with; without that key its secrets are lost, and a new database must be begun."
)


async def check_keys(database: Database, vault: Vault) -> None:
    """Leave a check in a new database, and read the one of an old one.

    Raises StoreNotUsableError where none of the keys fits, or StoreUnreachableError.
    """
    async with database.changing() as connection:
        row = {"name": _CHECK.owner, "ciphertext": vault.encrypt(_KNOWN, _CHECK)}
        await connection.execute(INSERT[connection.dialect.name](key_checks).values(row).on_conflict_do_nothing())
        ciphertext = (await connection.execute(select(key_checks.c.ciphertext))).scalar_one()
    try:
        vault.decrypt(ciphertext, _CHECK)
    except UnreadableError:
        raise StoreNotUsableError(_WRONG_KEYS) from None


async def rotate(database: Database, vault: Vault) -> int:
    """Encrypt everything anew with the first key, or nothing at all, and say how many secrets those were.

    Raises UnreadableError where none of the keys fits one of them, or StoreUnreachableError.
    """
    async with database.changing(within=_ROTATES_WITHIN) as connection:
        return sum(
            [
                await _rotate(connection, vault, workspaces, workspaces.c.team_id, workspaces.c[name])
                for name in SECRET_COLUMNS
            ],
            await _rotate(connection, vault, key_checks, key_checks.c.name, key_checks.c.ciphertext),
        )


async def _rotate(
    connection: AsyncConnection, vault: Vault, table: Table, owner: Column[Any], column: Column[Any]
) -> int:
    locked = select(owner, column).where(column.is_not(None)).with_for_update()
    rows = (await connection.execute(locked)).all()
    for its_owner, ciphertext in rows:
        place = Place(its_owner, column.name)
        anew = vault.encrypt(vault.decrypt(ciphertext, place), place)
        await connection.execute(update(table).where(owner == its_owner).values({column.name: anew}))
    return len(rows)

"""Check the encryption keys against the database, and rotate them."""

from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, delete, select, update

from bot.core.fields import Secret
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreNotUsableError, UnreadableError
from bot.outbound.store.fields import FieldCipher, FieldRef
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import key_checks, orders, workspaces
from bot.outbound.store.workspace_rows import SECRET_COLUMNS

_COLUMN = "ciphertext"
_PLAINTEXT = Secret("These keys fit.")
_ROTATION_TIMEOUT = 300.0
_WRONG_KEYS = (
    "ENCRYPTION_KEYS does not fit the database: no key decrypts its secrets. Add the key that the database was created "
    "with; without it the secrets are lost, and you need a new database."
)


async def check_keys(database: Database, cipher: FieldCipher) -> None:
    """Save a check of the first key, and decrypt the checks of all earlier first keys.

    Raises StoreNotUsableError if no key decrypts one of them, or StoreUnreachableError.
    """
    check = FieldRef(cipher.key_id, _COLUMN)
    row = {"name": check.owner, _COLUMN: cipher.encrypt(_PLAINTEXT, check)}

    def compare(connection: Connection) -> None:
        connection.execute(INSERT[connection.dialect.name](key_checks).values(row).on_conflict_do_nothing())
        try:
            for name, ciphertext in connection.execute(select(key_checks.c.name, key_checks.c.ciphertext)):
                cipher.decrypt(ciphertext, FieldRef(name, _COLUMN))
        except UnreadableError:
            raise StoreNotUsableError(_WRONG_KEYS) from None  # which rolls back the check of the wrong key

    await database.change(compare)


async def can_decrypt(database: Database, cipher: FieldCipher) -> bool:
    """Return whether the keys decrypt the checks, and the addresses of results that are not told yet.

    Raises StoreUnreachableError.
    """
    checks = select(key_checks.c.name, key_checks.c.ciphertext)
    replies = select(orders.c.id, orders.c.reply).where(orders.c.reply.is_not(None))
    try:
        for query, column in ((checks, _COLUMN), (replies, orders.c.reply.name)):
            for owner, ciphertext in await database.fetch_all(query):
                cipher.decrypt(ciphertext, FieldRef(owner, column))
    except UnreadableError:
        return False
    return True


async def rotate(database: Database, cipher: FieldCipher) -> int:
    """Re-encrypt all secrets with the first key, and return their number; on an error change nothing.

    Raises UnreadableError if no key decrypts one of them, or StoreUnreachableError.
    """
    return await database.change(partial(_rotate, cipher), within=_ROTATION_TIMEOUT)


def _rotate(cipher: FieldCipher, connection: Connection) -> int:
    connection.execute(delete(key_checks).where(key_checks.c.name != cipher.key_id))
    columns = [(workspaces.c.team_id, workspaces.c[name]) for name in SECRET_COLUMNS] + [(orders.c.id, orders.c.reply)]
    return sum(_rotate_column(connection, cipher, *pair) for pair in columns)


def _rotate_column(connection: Connection, cipher: FieldCipher, owner: Column[Any], column: Column[Any]) -> int:
    locked = select(owner, column).where(column.is_not(None)).with_for_update()
    rows = connection.execute(locked).all()
    for owner_id, ciphertext in rows:
        field = FieldRef(owner_id, column.name)
        values = {column.name: cipher.encrypt(cipher.decrypt(ciphertext, field), field)}
        connection.execute(update(column.table).where(owner == owner_id).values(values))
    return len(rows)

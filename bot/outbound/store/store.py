"""Open the store: create the tables, check the keys; close it."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.core.fields import Secret
from bot.outbound.store import errors
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.database import Database, connect
from bot.outbound.store.installs import InstallStates
from bot.outbound.store.marks import Notices
from bot.outbound.store.people import People
from bot.outbound.store.schema import columns, prepare
from bot.outbound.store.secrets import FieldCipher, check_keys
from bot.outbound.store.workspaces import WorkspaceRows

_LONG_LOG = (
    "The write-ahead log of the database has {megabytes} MB, probably because another program reads the database for "
    "long. End that program before the disk is full."
)
MOST_LOG = 100_000_000  # bytes
LEAST_FREE = 50_000_000  # bytes; a change needs a few thousand


@dataclass(frozen=True, slots=True)
class Store:
    """A database and its repositories. The keys of a bot of one workspace need not fit: they change with its token."""

    database: Database
    cipher: FieldCipher
    rows: WorkspaceRows
    install_states: InstallStates
    notices: Notices
    people: People
    audit: AuditTrail
    keys_must_fit: bool

    async def prepare(self) -> None:
        """Create the tables, and check the keys. Raises StoreNotUsableError or StoreUnreachableError."""
        try:
            await prepare(self.database)
            if self.keys_must_fit:
                await check_keys(self.database, self.cipher)
        except (errors.StoreBrokenError, errors.IntegrityError) as error:
            raise errors.StoreNotUsableError(unusable(str(error), self.database.file)) from None
        self.database.broken = None  # by an earlier attempt

    async def find_problems(self) -> dict[str, str | None]:
        """Return what is wrong with the database, and the disk and the log of a SQLite file; None for what is not."""
        database, table = None, ""
        looks = {name: f"SELECT {its_columns} FROM {name} LIMIT 1" for name, its_columns in columns().items()}
        try:
            try:
                await self.database.read(lambda connection: list(connection.fetch_each(*looks.values())))
            except errors.StoreUnreachableError:
                for name, look in looks.items():
                    table = name
                    await self.database.fetch_one(look)
            if self.database.broken is not None:
                database = f"The database fails ({self.database.broken})."
        except errors.StoreUnreachableError as error:
            database = f"The database fails{table and f' at the table {table}'} ({error})."
        self.database.broken = None
        free = self.database.free_bytes()
        is_full = free is not None and free < LEAST_FREE
        disk = f"The disk of the database is full: {free} bytes are free." if is_full else None
        log = self.database.log_bytes() or 0
        wal = _LONG_LOG.format(megabytes=log // 1_000_000) if log >= MOST_LOG else None
        return {"database": database, "disk": disk, "wal": wal}


def unusable(why: str, file: Path | None) -> str:
    """Return the sentence about a database that cannot be used; `file` is that of SQLite."""
    if file is not None:
        return (
            f"DATABASE_URL: the bot cannot use the file {file} ({why}). Check that it is a database, that the bot can "
            "write it and its directory, and that the disk is not full."
        )
    return (
        f"DATABASE_URL: the bot cannot use the database ({why}). Check that it runs, that the user name and "
        "the password are right, and that the user can create tables."
    )


def explain(error: errors.StoreNotUsableError | errors.StoreUnreachableError, file: Path | None) -> str:
    """Return the sentence about a database that could not be prepared."""
    return str(error) if isinstance(error, errors.StoreNotUsableError) else unusable(str(error), file)


_Version = Callable[[], int]


def random_version() -> int:
    """Return a random version of at most nine digits, with room for its successors."""
    return secrets.randbelow(900_000_000)


@asynccontextmanager
async def connect_store(
    url: Secret, keys: Sequence[Secret], *, first_version: _Version = random_version, keys_must_fit: bool = True
) -> AsyncIterator[Store]:
    """Return the store at `url` (DATABASE_URL), to `prepare`; the first of `keys` encrypts.

    Raises StoreNotUsableError if `url` is invalid.
    """
    database, cipher = connect(url), FieldCipher(keys)
    audit = AuditTrail(database, cipher)
    async with AsyncExitStack() as stack:  # the database is closed also if the end of the trail is cancelled
        stack.push_async_callback(database.close)
        stack.push_async_callback(audit.close)
        rows = WorkspaceRows(database, cipher, audit, first_version)
        states, notices, people = InstallStates(database, keys), Notices(database), People(database)
        yield Store(database, cipher, rows, states, notices, people, audit, keys_must_fit)


@asynccontextmanager
async def open_store(
    url: Secret, keys: Sequence[Secret], *, first_version: _Version = random_version, keys_must_fit: bool = True
) -> AsyncIterator[Store]:
    """Open the store, prepared. Raises StoreNotUsableError, or StoreDownError if the database gives no answer."""
    async with connect_store(url, keys, first_version=first_version, keys_must_fit=keys_must_fit) as store:
        try:
            await store.prepare()
        except errors.StoreUnreachableError as error:
            raise errors.StoreDownError(explain(error, store.database.file)) from None
        yield store

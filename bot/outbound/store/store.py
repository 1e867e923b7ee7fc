"""Open the store: create the tables, check the keys, report in /readyz while it can't be used; close it."""

import asyncio
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.core.fields import Secret
from bot.health import Readiness
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database, connect
from bot.outbound.store.errors import StoreBrokenError, StoreDownError, StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.installs import InstallStates
from bot.outbound.store.marks import Notices
from bot.outbound.store.people import People
from bot.outbound.store.schema import TABLES, find_version, prepare
from bot.outbound.store.secrets import FieldCipher, check_keys
from bot.outbound.store.sqlite import lock
from bot.outbound.store.workspaces import WorkspaceRows
from bot.runtime import Tasks, happens, run_periodically

_log = logging.getLogger(__name__)

LEAST_FREE = 50_000_000  # bytes; a change needs a few thousand
CHECK_INTERVAL = 8.0  # seconds
LOCK_WAIT = 30.0  # seconds for which a bot waits for another one on the same SQLite file; a stop takes 10
RETRY_DELAY = 2.0
FIRST_ATTEMPT = 2.0  # seconds for which a start waits for its database: it can hang, or be locked
_NAME = "database"


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
        """Create the tables, and check the keys. Raises StoreNotUsableError, or StoreDownError if that can pass."""
        with self._explained():
            await prepare(self.database)
            if self.keys_must_fit:
                await check_keys(self.database, self.cipher)
        self.database.broken = None  # by an earlier attempt

    async def find_version(self) -> str | None:
        """Return the version of the tables, None without any. Raises what `prepare` does, and changes nothing."""
        with self._explained():
            return await find_version(self.database)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StoreUnreachableError as error:
            kind = StoreNotUsableError if isinstance(error, StoreBrokenError) else StoreDownError
            raise kind(unusable(str(error), self.database.file)) from None

    async def find_problems(self) -> dict[str, str | None]:
        """Return what is wrong with the database, and the disk of a SQLite file; None for what is not."""
        database = disk = None
        looked_at, file = [""], self.database.file

        def look(connection: Connection) -> None:
            for table in TABLES:
                looked_at.append(f" at the table {table}")
                connection.fetch_all(f"SELECT * FROM {table} LIMIT 1")

        try:
            await self.database.read(look)
            if self.database.broken is not None:
                database = f"The database fails ({self.database.broken})."
        except StoreUnreachableError as error:
            database = f"The database fails{looked_at[-1]} ({error})."
        self.database.broken = None
        with suppress(OSError):  # the directory is gone
            if file is not None and (free := shutil.disk_usage(file.parent).free) < LEAST_FREE:
                disk = f"The disk of the database is full: {free} bytes are free."
        return {"database": database, "disk": disk}


def random_version() -> int:
    """Return a random version of at most nine digits, with room for its successors."""
    return secrets.randbelow(900_000_000)


@asynccontextmanager
async def open_store(
    url: Secret, keys: Sequence[Secret], *, keys_must_fit: bool = True, is_prepared: bool = True
) -> AsyncIterator[Store]:
    """Open the store at `url` (DATABASE_URL), prepared or to `prepare`; the first of `keys` encrypts.

    Raises StoreNotUsableError, or StoreDownError if the database gives no answer.
    """
    database, cipher = connect(url), FieldCipher(keys)
    audit = AuditTrail(database, cipher)
    try:
        rows = WorkspaceRows(database, cipher, audit, random_version)
        states, notices, people = InstallStates(database, keys), Notices(database), People(database)
        store = Store(database, cipher, rows, states, notices, people, audit, keys_must_fit)
        if is_prepared:
            await store.prepare()
        yield store
    finally:
        await database.close()


@dataclass(eq=False)
class WatchedStore:
    """The store of a running bot. Until it is prepared, each of its queries raises StoreUnreachableError.

    Without one that `is_required` the bot is not ready; without another one it is degraded. `preparing` ends when it is
    prepared. It raises StoreNotUsableError if the store is required, and waiting does not help.
    """

    store: Store
    readiness: Readiness
    is_required: bool
    locks: AsyncExitStack
    tasks: Tasks

    def __post_init__(self) -> None:
        self._unlocked = self.store.database.file
        self._is_tried = asyncio.Event()
        self.preparing: asyncio.Task[None]

    async def lock(self, within: float) -> None:
        """Let no other bot use a SQLite file. Raises StoreDownError if one does, or StoreNotUsableError."""
        if self._unlocked is not None:
            await self.locks.enter_async_context(lock(self._unlocked, within=within))
            self._unlocked = None

    async def begin(self) -> None:
        """Begin to prepare it, and then to check it. Wait for the first attempt, but not for long."""
        self.preparing = self.tasks.start(self._prepare())
        if not await happens(self._is_tried, within=FIRST_ATTEMPT):
            self._report(unusable("it does not answer yet", None))
        if self.preparing.done():
            self.preparing.result()

    async def _prepare(self) -> None:
        while True:
            try:
                await self.lock(within=0.0)
                await self.store.prepare()
                break
            except StoreNotUsableError as error:
                if self.is_required and not isinstance(error, StoreDownError):
                    raise
                self._report(str(error))
            finally:
                self._is_tried.set()
            await asyncio.sleep(RETRY_DELAY)
        self.readiness.clear(_NAME)
        self.readiness.recover(_NAME)
        self.tasks.start(run_periodically(self._check))
        self.tasks.start(run_periodically(self.store.database.empty_log))

    def _report(self, why: str) -> None:
        if self.is_required:
            self.readiness.block(_NAME, why)
            _log.warning("the database can't be reached", extra={"why": why})
        else:
            self.readiness.degrade(_NAME, why)

    async def _check(self) -> float:
        for name, problem in (await self.store.find_problems()).items():
            if problem is None:
                self.readiness.recover(name)
            else:
                self.readiness.degrade(name, problem)
        return CHECK_INTERVAL


@asynccontextmanager
async def open_watched(
    url: Secret, keys: Sequence[Secret], readiness: Readiness, *, is_required: bool, lock_wait: float
) -> AsyncIterator[WatchedStore]:
    """Open the store at `url`, prepared if it can be used now. `keys` must fit the database if it `is_required`.

    Raises StoreDownError if another bot uses the SQLite file, for `lock_wait` seconds; StoreNotUsableError if `url` is
    invalid, or if the store is required and waiting does not help.
    """
    opening = open_store(url, keys, keys_must_fit=is_required, is_prepared=False)
    async with AsyncExitStack() as locks, opening as store:
        store.database.is_exclusive |= store.database.file is not None
        watched = WatchedStore(store, readiness, is_required, locks, Tasks())
        try:
            await watched.lock(lock_wait)
        except StoreDownError:
            raise
        except StoreNotUsableError:
            pass  # the first attempt reports it
        try:
            await watched.begin()
            yield watched
        finally:
            await watched.tasks.cancel()

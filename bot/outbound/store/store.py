"""Open the store: create the tables, check the keys, report in /readyz while it can't be used; close it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.core.fields import Secret
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.database import Database, connect
from bot.outbound.store.encryption import FieldCipher, can_decrypt
from bot.outbound.store.errors import StoreBrokenError, StoreDownError, StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.install_states import InstallStates
from bot.outbound.store.people import People
from bot.outbound.store.schema import find_version, prepare
from bot.outbound.store.sqlite import lock
from bot.outbound.store.workspaces import Notices, WorkspaceRows
from bot.runtime import Readiness, Tasks, happens, run_periodically

_log = logging.getLogger(__name__)

RETRY_DELAY = 2.0  # seconds, also while another bot uses the same SQLite file: a stop takes 10
FIRST_ATTEMPT = 2.0  # seconds for which a start waits for its database: it can hang, or be locked
_NAME = "database"
_FILE_CHECKS = "it is a database, that the bot can write it and its directory, and that the disk is not full"
_SERVER_CHECKS = "it runs, that the user name and the password are right, and that the user can create tables"
_WRONG_KEYS = (
    "ENCRYPTION_KEYS does not fit the database: no key decrypts its secrets. Add the key that the database was created "
    "with; without it the secrets are lost, and you need a new database."
)


def unusable(why: str, file: Path | None) -> str:
    """Return the sentence about a database that cannot be used; `file` is that of SQLite."""
    what, checks = ("the database", _SERVER_CHECKS) if file is None else (f"the file {file}", _FILE_CHECKS)
    return f"DATABASE_URL: the bot cannot use {what} ({why}). Check that {checks}."


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
            if self.keys_must_fit and not await can_decrypt(self.database, self.cipher):
                raise StoreNotUsableError(_WRONG_KEYS)

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
        rows = WorkspaceRows(database, cipher, audit)
        states, notices, people = InstallStates(database, keys), Notices(database), People(database)
        store = Store(database, cipher, rows, states, notices, people, audit, keys_must_fit)
        if is_prepared:
            await store.prepare()
        yield store
    finally:
        await database.close()


@asynccontextmanager
async def open_watched(
    url: Secret, keys: Sequence[Secret], readiness: Readiness, *, is_required: bool
) -> AsyncIterator[tuple[Store, asyncio.Task[None]]]:
    """Open the store of a running bot. Yield it, soon after the first attempt to prepare it, and the task that does.

    Until then each of its queries raises StoreUnreachableError, and a bot whose store `is_required` is not ready;
    another one is degraded. Raises StoreNotUsableError if `url` is invalid, as does the task if waiting does not help
    such a bot. The keys must fit its database.
    """
    tasks, is_tried = Tasks(), asyncio.Event()
    report = partial(_report, readiness, is_required)

    async def prepare(store: Store, locks: ExitStack) -> None:
        unlocked = store.database.file
        while True:
            try:
                if unlocked is not None:
                    locks.enter_context(lock(unlocked))
                    unlocked = None
                await store.prepare()
                break
            except StoreNotUsableError as error:
                if is_required and not isinstance(error, StoreDownError):
                    raise
                report(str(error))
            finally:
                is_tried.set()
            await asyncio.sleep(RETRY_DELAY)
        readiness.clear(_NAME)
        readiness.recover(_NAME)
        tasks.start(run_periodically(store.database.empty_log))

    opening = open_store(url, keys, keys_must_fit=is_required, is_prepared=False)
    with ExitStack() as locks:
        async with opening as store:
            preparing = tasks.start(prepare(store, locks))
            try:
                if not await happens(is_tried, within=FIRST_ATTEMPT):
                    report(unusable("it does not answer yet", None))
                if preparing.done():
                    preparing.result()
                yield store, preparing
            finally:
                await tasks.cancel()


def _report(readiness: Readiness, is_required: bool, why: str) -> None:  # noqa: FBT001 - bound in one place
    if is_required:
        readiness.block(_NAME, why)
        _log.warning("the database can't be reached", extra={"why": why})
    else:
        readiness.degrade(_NAME, why)

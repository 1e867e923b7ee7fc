"""Open the store of a running bot, and report in /readyz while it can't be used."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.core.fields import Secret
from bot.health import Readiness, repeat
from bot.outbound.store.database import CUT_INTERVAL
from bot.outbound.store.errors import StoreInUseError, StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.sqlite import lock
from bot.outbound.store.store import Store, connect_store, explain, unusable
from bot.runtime import Tasks

_log = logging.getLogger(__name__)

CHECK_INTERVAL = 8.0  # seconds
LOCK_WAIT = 30.0  # seconds for which a bot waits for another one on the same SQLite file; a stop takes 10
RETRY_DELAY = 2.0
FIRST_ATTEMPT = 2.0  # seconds for which a start waits for its database: it can hang, or be locked
_NAME = "database"


@dataclass(eq=False)
class WatchedStore:
    """The store of a running bot. Until it is prepared, each of its queries raises StoreUnreachableError.

    Without one that `is_required` the bot is not ready; without another one it is degraded.
    """

    store: Store
    readiness: Readiness
    is_required: bool
    locks: AsyncExitStack

    def __post_init__(self) -> None:
        self._tasks = Tasks()
        self._attempt: asyncio.Task[bool]
        self._is_locked = self.store.database.file is None

    async def lock(self, within: float) -> None:
        """Let no other bot use a SQLite file. Raises StoreInUseError, or StoreNotUsableError if it can't be locked."""
        if not self._is_locked and (file := self.store.database.file) is not None:
            await self.locks.enter_async_context(lock(file, within=within))
            self._is_locked = True

    async def begin(self) -> None:
        """Try to prepare the store, without waiting for long. Raises StoreNotUsableError."""
        self._attempt = self._tasks.start(self._prepare())
        await asyncio.wait({self._attempt}, timeout=FIRST_ATTEMPT)
        if self._attempt.done():
            self._attempt.result()
        else:
            self._report(unusable("it does not answer yet", None))

    async def until_prepared(self) -> None:
        """Prepare the store as soon as its database can be used.

        Raises StoreNotUsableError if the store is required, and waiting does not help.
        """
        while not await self._attempt:
            await asyncio.sleep(RETRY_DELAY)
            self._attempt = self._tasks.start(self._prepare())

    async def watch(self) -> None:
        """Prepare the store, and then check it, until cancelled."""
        await self.until_prepared()
        empty_log = self.store.database.empty_log
        await asyncio.gather(repeat(self._check, every=CHECK_INTERVAL), repeat(empty_log, every=CUT_INTERVAL))

    async def close(self) -> None:
        """End an attempt that is under way."""
        await self._tasks.cancel()

    async def _prepare(self) -> bool:
        """Return whether the store can be used now. Raises StoreNotUsableError if it is required."""
        try:
            await self.lock(within=0.0)
            await self.store.prepare()
        except (StoreNotUsableError, StoreUnreachableError) as error:
            if self.is_required and isinstance(error, StoreNotUsableError):
                raise
            self._report(explain(error, self.store.database.file))
            return False
        self.readiness.clear(_NAME)
        self.readiness.recover(_NAME)
        return True

    def _report(self, why: str) -> None:
        if self.is_required:
            self.readiness.block(_NAME, why)
            _log.warning("the database can't be reached", extra={"why": why})
        else:
            self.readiness.degrade(_NAME, why)

    async def _check(self) -> None:
        for name, problem in (await self.store.find_problems()).items():
            if problem is None:
                self.readiness.recover(name)
            else:
                self.readiness.degrade(name, problem)


@asynccontextmanager
async def open_watched(
    url: Secret, keys: Sequence[Secret], readiness: Readiness, *, is_required: bool, lock_wait: float
) -> AsyncIterator[WatchedStore]:
    """Open the store at `url`, prepared if it can be used now. `keys` must fit the database if it `is_required`.

    Raises StoreInUseError if another bot uses the SQLite file, for `lock_wait` seconds; StoreNotUsableError if `url`
    is invalid, or if the store is required and waiting does not help.
    """
    async with AsyncExitStack() as locks, connect_store(url, keys, keys_must_fit=is_required) as store:
        store.database.is_exclusive |= store.database.file is not None
        watched = WatchedStore(store, readiness, is_required, locks)
        try:
            await watched.lock(lock_wait)
        except StoreInUseError:
            raise
        except StoreNotUsableError:
            pass  # the first attempt reports it
        try:
            await watched.begin()
            yield watched
        finally:
            await watched.close()

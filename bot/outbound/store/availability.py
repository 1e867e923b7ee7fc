"""Open the store of a running bot, and report in /readyz while it can't be used."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from bot.core.fields import Secret
from bot.health import Readiness, repeat
from bot.outbound.store.errors import StoreInUseError, StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.sqlite import IN_MEMORY, file_of, lock
from bot.outbound.store.store import Store, connect_store, explain, open_store, unusable
from bot.runtime import Tasks

_log = logging.getLogger(__name__)

CHECK_INTERVAL = 10.0  # seconds
LOCK_WAIT = 30.0  # seconds for which a bot waits for another one on the same SQLite file; a stop takes 10
RETRY_DELAY = 2.0
_FIRST_ATTEMPT = 1.0  # seconds for which a bot of one workspace waits for a database on the network
_UNTIL_RESTART = "Until you fix this and restart the bot, it keeps its data in memory only."


@asynccontextmanager
async def connect_locked(url: Secret, keys: Sequence[Secret], *, lock_wait: float) -> AsyncIterator[Store]:
    """Return the store at `url`, to `prepare`; no other bot uses it if it is a SQLite file.

    Raises StoreNotUsableError, and StoreInUseError after `lock_wait` seconds.
    """
    async with AsyncExitStack() as stack:
        if (file := file_of(url)) is not None:
            await stack.enter_async_context(lock(file, within=lock_wait))
        store = await stack.enter_async_context(connect_store(url, keys))
        store.database.is_exclusive = file is not None
        yield store


async def prepare(store: Store, readiness: Readiness) -> bool:
    """Return whether the store can be used now. Raises StoreNotUsableError if waiting does not help."""
    try:
        await store.prepare()
    except StoreUnreachableError as error:
        why = explain(error, store.database.file)
        readiness.block("database", why)
        _log.warning("the database can't be reached", extra={"why": why})
        return False
    readiness.clear("database")
    return True


async def wait_until_prepared(store: Store, readiness: Readiness, *, is_prepared: bool) -> None:
    """Prepare the store as soon as its database answers."""
    while not is_prepared:
        await asyncio.sleep(RETRY_DELAY)
        is_prepared = await prepare(store, readiness)
    _log.info("ready")


async def check(store: Store, readiness: Readiness, *, keys_must_fit: bool = True) -> None:
    """Report what is wrong with the database."""
    for name, problem in (await store.find_problems(keys_must_fit=keys_must_fit)).items():
        if problem is None:
            readiness.recover(name)
        else:
            readiness.degrade(name, problem)


def open_optional(
    url: Secret, keys: Sequence[Secret], readiness: Readiness, *, lock_wait: float
) -> AbstractAsyncContextManager[Store]:
    """Open the store of a bot that also serves without its database. `keys` need not fit the database.

    A database in memory takes the place of a SQLite file that can't be used. A server is tried again until it answers;
    meanwhile the store raises StoreUnreachableError.
    Raises StoreInUseError, or StoreNotUsableError if `url` is invalid.
    """
    if file_of(url) is None:
        return _open_when_it_answers(url, keys, readiness)
    return _open_file_or_memory(url, keys, readiness, lock_wait)


@asynccontextmanager
async def _open_file_or_memory(
    url: Secret, keys: Sequence[Secret], readiness: Readiness, lock_wait: float
) -> AsyncIterator[Store]:
    checks = Tasks()
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(connect_locked(url, keys, lock_wait=lock_wait))
            await store.prepare(keys_must_fit=False)
        except StoreInUseError:
            raise
        except (StoreNotUsableError, StoreUnreachableError) as error:
            await stack.aclose()
            readiness.degrade("database", f"{explain(error, file_of(url))} {_UNTIL_RESTART}")
            store = await stack.enter_async_context(open_store(IN_MEMORY, keys))
        else:
            stack.push_async_callback(checks.cancel)
            checks.start(repeat(partial(check, store, readiness, keys_must_fit=False), every=CHECK_INTERVAL))
        yield store


@asynccontextmanager
async def _open_when_it_answers(url: Secret, keys: Sequence[Secret], readiness: Readiness) -> AsyncIterator[Store]:
    tasks = Tasks()
    async with connect_store(url, keys) as store:
        attempt = tasks.start(_try(store, readiness))
        await asyncio.wait({attempt}, timeout=_FIRST_ATTEMPT)
        if not attempt.done():
            readiness.degrade("database", unusable("it does not answer yet", None))
        tasks.start(_attend(store, readiness, attempt))
        try:
            yield store
        finally:
            await tasks.cancel()


async def _attend(store: Store, readiness: Readiness, attempt: Awaitable[bool]) -> None:
    """Prepare the store as soon as its database answers, and then check it, until cancelled."""
    while not await attempt:
        await asyncio.sleep(RETRY_DELAY)
        attempt = _try(store, readiness)
    await repeat(partial(check, store, readiness), every=CHECK_INTERVAL)


async def _try(store: Store, readiness: Readiness) -> bool:
    """Prepare the store. Return whether it can be used now."""
    try:
        await store.prepare(keys_must_fit=False)
    except (StoreNotUsableError, StoreUnreachableError) as error:
        readiness.degrade("database", explain(error, None))
        return False
    readiness.recover("database")
    return True

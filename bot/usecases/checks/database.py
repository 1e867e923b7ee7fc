"""Check the database: its connection, its tables, and the keys that decrypt it. Nothing is created or changed."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.core.checks import Finding, Good, Questionable, Unanswered, Wrong
from bot.core.fields import Secret
from bot.outbound.store.errors import StoreBrokenError, StoreNotUsableError, StoreUnreachableError
from bot.outbound.store.key_rotation import can_decrypt
from bot.outbound.store.migrations import find_revision, newest
from bot.outbound.store.sqlite import IN_MEMORY, file_of
from bot.outbound.store.store import Store, connect_store, explain, unusable


@asynccontextmanager
async def inspected(url: Secret, keys: Sequence[Secret]) -> AsyncIterator[tuple[Finding, Store | None]]:
    """Check the connection and the tables. The store is open meanwhile, if its tables are current."""
    file = file_of(url)
    if url == IN_MEMORY:
        yield Finding(Good.DATABASE_IN_MEMORY), None
    elif file is not None and not file.exists():
        yield _judge_directory(file), None
    else:
        async with AsyncExitStack() as stack:
            finding, store = await _connect(stack, url, keys)
            yield finding, store if finding.kind is Good.DATABASE_CURRENT else None


async def _connect(stack: AsyncExitStack, url: Secret, keys: Sequence[Secret]) -> tuple[Finding, Store | None]:
    try:
        store = await stack.enter_async_context(connect_store(url, keys))
    except StoreNotUsableError as error:
        return Finding(Wrong.DATABASE_UNUSABLE, {"sentence": error.sentence}), None
    return await _judge(store), store


def _judge_directory(file: Path) -> Finding:
    if os.access(file.absolute().parent, os.W_OK):
        return Finding(Good.DATABASE_NEW)
    return Finding(Wrong.DATABASE_UNUSABLE, {"sentence": unusable("there is none, and none can be made", file)})


async def _judge(store: Store) -> Finding:
    try:
        revision, is_known = await find_revision(store.database)
    except StoreBrokenError as error:
        return Finding(Wrong.DATABASE_UNUSABLE, {"sentence": unusable(str(error), store.database.file)})
    except StoreUnreachableError as error:
        return database_down(store, error)
    if revision is None:
        return Finding(Good.DATABASE_NEW)
    values = {"revision": revision, "head": newest()}
    if not is_known:
        return Finding(Wrong.DATABASE_NEWER, values)
    return Finding(Good.DATABASE_CURRENT if revision == newest() else Wrong.DATABASE_OLD, values)


async def check_encryption(store: Store, *, is_one: bool) -> Finding:
    """Check whether the keys decrypt the database; `is_one`: a bot of one workspace can do without."""
    try:
        is_readable = await can_decrypt(store.database, store.cipher)
    except StoreUnreachableError as error:
        return database_down(store, error)
    if is_readable:
        return Finding(Good.KEYS_FIT)
    return Finding(Questionable.RESULTS_LOST if is_one else Wrong.KEYS_UNFIT)


def database_down(store: Store, error: StoreUnreachableError) -> Finding:
    """Return the finding about a database that gives no answer."""
    return Finding(Unanswered.DATABASE_DOWN, {"sentence": explain(error, store.database.file)})

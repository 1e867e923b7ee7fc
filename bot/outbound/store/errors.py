"""The errors of the store, and how to do without its answer."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")
_Default = TypeVar("_Default")


class StoreError(Exception):
    """The database cannot be read or changed. The text says why, without secrets."""


class StoreUnreachableError(StoreError):
    """The database gives no answer."""


class StoreBrokenError(StoreUnreachableError):
    """The database answers with an error that waiting does not end, such as a missing table."""


class ValueRefusedError(StoreBrokenError):
    """The database refuses a value, and will again."""


class LockedError(StoreUnreachableError):
    """A lock was not granted in time: another transaction holds it."""


class UnreadableError(StoreError):
    """A value in the database cannot be decrypted or decoded, or belongs to another row."""


class StoreNotUsableError(Exception):
    """The bot cannot start with this database; the text names the setting, the reason and the remedy."""


class StoreDownError(StoreNotUsableError):
    """The bot cannot use the database now: it gives no answer, or another bot uses the file."""


async def or_default(answer: Awaitable[_T], default: _Default, *, within: float) -> _T | _Default:
    """Return the answer of the database; `default` if it fails or takes longer than so many seconds."""
    with suppress(StoreError, TimeoutError):
        async with asyncio.timeout(within):
            return await answer
    return default

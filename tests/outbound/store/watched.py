"""Rows that count how often they are read, a clock that tests put forward, and a time in which no change succeeds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_directory import WorkspaceDirectory
from bot.outbound.store.workspace_rows import WorkspaceRows


class Watched(WorkspaceRows):
    """A read waits for `unblocked`, and then raises `error`, if they are set."""

    error: Exception | None = None
    unblocked: asyncio.Event | None = None
    reads: list[str]
    seen: list[str]

    @classmethod
    def of(cls, store: Store) -> "Watched":
        watched = cls(store.database, store.cipher, lambda: 0)
        watched.reads, watched.seen = [], []
        return watched

    def with_on_change(self, on_change: Callable[[str], AbstractContextManager[None]]) -> "Watched":
        self._on_change = on_change
        return self

    async def find(self, team_id: str) -> Workspace | None:
        self.reads.append(team_id)
        found = await super().find(team_id)
        self.seen.append(team_id)
        if self.unblocked is not None:
            await self.unblocked.wait()
        if self.error is not None:
            raise self.error
        return found

    async def until_read(self, times: int) -> None:
        """Wait until so many reads have begun, and have seen what they see."""
        async with asyncio.timeout(20):
            while len(self.seen) < times:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)


class Time:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def served(
    store: Store, rows: WorkspaceRows, clock: Callable[[], float], *, read_timeout: float = 5.0
) -> WorkspaceDirectory:
    """The workspaces of these rows."""
    return WorkspaceDirectory(replace(store, rows=rows), clock, lambda: 1_785_000_000.5, read_timeout=read_timeout)


NOT_MADE = (StoreUnreachableError, ProgrammingError)
"""The errors that a change raises then."""


@asynccontextmanager
async def without_table(store: Store) -> AsyncIterator[None]:
    """Meanwhile the rows are elsewhere."""
    for before, after in (("workspaces", "elsewhere"), ("elsewhere", "workspaces")):
        await store.database.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
        if after == "elsewhere":
            yield


def token(found: Workspace | None) -> str | None:
    return found.bot_token.reveal() if found else None

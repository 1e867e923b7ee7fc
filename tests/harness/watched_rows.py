"""Rows of workspaces that count how often they are read, and fail or hang as told."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_directory import WorkspaceDirectory
from bot.outbound.store.workspace_rows import WorkspaceRows
from harness.stored import NOW, Time


class WatchedRows(WorkspaceRows):
    """A read waits for `unblocked`, and then raises `error`, if they are set."""

    def __init__(
        self, store: Store, on_change: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
    ) -> None:
        super().__init__(store.database, store.cipher, lambda: 0, on_change)
        self.store = store
        self.error: Exception | None = None
        self.unblocked: asyncio.Event | None = None
        self.reads: list[str] = []
        self.seen: list[str] = []

    def with_on_change(self, on_change: Callable[[str], AbstractContextManager[None]]) -> "WatchedRows":
        WatchedRows.__init__(self, self.store, on_change)
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

    def refuse(self) -> None:
        self.error = StoreUnreachableError("gone")

    def hang(self) -> None:
        self.unblocked = asyncio.Event()

    def come_back(self) -> None:
        if self.unblocked:
            self.unblocked.set()
        self.error = self.unblocked = None


def served(
    rows: WatchedRows, clock: Time | None = None, *, read_timeout: float = 5.0, most_reads: int = 10_000
) -> WorkspaceDirectory:
    """Serve the workspaces of these rows."""
    store = replace(rows.store, rows=rows)
    return WorkspaceDirectory(store, clock or Time(), lambda: NOW, read_timeout=read_timeout, most_reads=most_reads)

"""A read that begins after a change sees it, however reads and changes fall together."""

import asyncio
import random
from dataclasses import replace

import pytest

from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_rows import WorkspaceRows
from outbound.store.test_workspace_rows import ACME
from outbound.store.watched import Time, served

pytestmark = pytest.mark.anyio

FINDS, CHANGES = 150, 30


class Slow(WorkspaceRows):
    """Rows that are read at one moment of a wait, as over a network."""

    chance: random.Random

    async def find(self, team_id: str) -> Workspace | None:
        await asyncio.sleep(self.chance.choice([0, 0, 0.001, 0.003]))
        found = await super().find(team_id)
        await asyncio.sleep(self.chance.choice([0, 0, 0.001, 0.003]))
        return found


@pytest.mark.parametrize("seed", range(2))
async def test_no_read_is_older_than_its_question(store: Store, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it must be the same each time
    rows = Slow(store.database, store.cipher, lambda: 0)
    rows.chance = chance
    workspaces = served(store, rows, Time())
    committed = 0

    async def change() -> None:
        nonlocal committed
        for number in range(1, CHANGES + 1):
            await asyncio.sleep(chance.uniform(0, 0.004))
            installation = replace(ACME, bot_token=Secret(f"xoxb-{number}"))
            changing = workspaces.rows.save if chance.random() < 0.3 else store.rows.save
            await changing(installation)
            committed = number

    async def ask(after: float) -> None:
        await asyncio.sleep(after)
        least = committed
        found = await workspaces.find(ACME.team_id)
        assert int(found.bot_token.reveal().removeprefix("xoxb-") if found else 0) >= least

    await asyncio.gather(change(), *(ask(chance.uniform(0, CHANGES * 0.006)) for _ in range(FINDS)))
    assert committed == CHANGES

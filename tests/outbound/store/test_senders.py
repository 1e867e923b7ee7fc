"""When an alert token was last used, and the channels that it named in vain."""

import time

import pytest

from bot.outbound.store.marks import SenderUse
from harness.product import Store, Tasks, workspace
from harness.stored import ACME, GLOBEX, execute

pytestmark = pytest.mark.anyio

TOKEN = workspace.AlertToken("spend-monitor", "d1", channels=frozenset({"C0KNOWN0001"}))


@pytest.fixture
async def both(store: Store) -> Store:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    return store


async def note(store: Store, *asked_for: str, team_id: str = ACME.team_id, name: str = TOKEN.name) -> None:
    """Note alerts with the token, by a process of its own, and wait until that is written."""
    tasks = Tasks()
    use = SenderUse(store.database, tasks)
    for channel in asked_for or ("",):
        use.note(team_id, name, channel)
        await tasks.settle(within=10)


async def test_a_database_that_fails_holds_nothing_up_and_makes_nothing_known(both: Store) -> None:
    await execute(both, "ALTER TABLE marks RENAME TO gone")
    await note(both, "C0OTHER0001")
    use = await SenderUse(both.database, Tasks()).find(ACME.team_id)
    assert (use.last(TOKEN), use.asked_for(TOKEN, time.time())) == (None, [])
    await execute(both, "ALTER TABLE gone RENAME TO marks")

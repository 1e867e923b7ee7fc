"""When an alert token was last used, and the channels that it named in vain."""

import time

import pytest

from bot.outbound.store.marks import ASKED_KEPT, MOST_ASKED, SenderUse
from harness.product import Store, Tasks, workspace
from harness.stored import ACME, GLOBEX, execute, fetch

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


async def test_the_newest_channels_are_offered_but_for_those_that_it_reaches(both: Store) -> None:
    await note(both, "C0KNOWN0001", *(f"C0OTHER{number:04}" for number in range(20)))
    await note(both, "C0GRAFANA01", name="spend-monitor-2")
    use, now = await SenderUse(both.database, Tasks()).find(ACME.team_id), time.time()
    assert use.asked_for(TOKEN, now) == [f"C0OTHER{number:04}" for number in range(19, 19 - MOST_ASKED, -1)]
    assert use.asked_for(workspace.AlertToken("spend-monitor-2", "d2"), now) == ["C0GRAFANA01"]
    assert use.asked_for(TOKEN, now + ASKED_KEPT + 1) == []


async def test_nothing_is_recorded_of_a_workspace_that_is_not_there_and_all_goes_with_it(both: Store) -> None:
    await note(both, "C0OTHER0001", team_id="T0NOBODY001")
    await note(both, "C0OTHER0001")
    marks = "SELECT scope, name FROM marks WHERE name LIKE 'sender%' ORDER BY name"
    asked, used = "sender asked spend-monitor C0OTHER0001", "sender used spend-monitor"
    assert await fetch(both, marks) == [(ACME.team_id, asked), (ACME.team_id, used)]
    assert await both.rows.delete(ACME.team_id)
    assert await fetch(both, marks) == []


async def test_a_database_that_fails_holds_nothing_up_and_makes_nothing_known(both: Store) -> None:
    await execute(both, "ALTER TABLE marks RENAME TO gone")
    await note(both, "C0OTHER0001")
    use = await SenderUse(both.database, Tasks()).find(ACME.team_id)
    assert (use.last(TOKEN), use.asked_for(TOKEN, time.time())) == (None, [])
    await execute(both, "ALTER TABLE gone RENAME TO marks")

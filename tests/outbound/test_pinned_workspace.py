"""The workspace of the settings: it is found without the database, which has its ids, its notices and its admins."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.outbound.workspaces import Workspaces
from harness.databases import KEY
from harness.product import Secret, Store, open_store, workspace
from harness.stored import ACME, fetch, uninstall

pytestmark = pytest.mark.anyio

TEAM, OTHER = ACME.team_id, "T0GLOBEX001"
PINNED = workspace.Workspace(
    "", Secret("xoxb-1"), workspace.AnchorKey(Secret("sk-1")), auto_pause=workspace.AutoPause.ON
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(Secret(database_url), [KEY]) as opened:
        yield opened


def pinned(store: Store) -> Workspaces:
    return Workspaces(store, PINNED)


@pytest.fixture
def one(store: Store) -> Workspaces:
    identified = pinned(store)
    identified.identify(TEAM, "")
    return identified


async def rows(store: Store) -> list[tuple[object, ...]]:
    return await fetch(store, "SELECT team_id, enterprise_id, bot_token, anchor_api_key, policy FROM workspaces")


async def test_it_is_found_for_everybody_until_it_is_known_whose_it_is(store: Store) -> None:
    one = pinned(store)
    assert await one.find(OTHER) is not None
    await one.keep_row()
    assert (await rows(store), await one.pausing_teams()) == ([], [])
    one.identify(TEAM, "E0GRID00001")
    await one.delete_uninstalled(uninstall())
    found = await one.find(TEAM)
    assert found == replace(PINNED, team_id=TEAM, enterprise_id="E0GRID00001")
    assert await one.find(OTHER) is None
    assert await one.pausing_teams() == [TEAM]
    assert await one.owner_of_alerts("") == found
    assert await one.owner_of_alerts(TEAM) is None


async def test_its_ids_count_for_the_bot_token_with_which_they_were_stored(store: Store, one: Workspaces) -> None:
    assert [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2")] == [None, None]
    await one.keep_row()
    assert [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2")] == [(TEAM, ""), None]
    again = pinned(store)
    await again.keep_row()
    assert (await again.find(TEAM), await again.find(OTHER)) == (replace(PINNED, team_id=TEAM), None)
    again.identify(TEAM, "E0GRID00001")  # it has joined an organisation since
    await again.keep_row()
    for token in ("xoxb-3", "xoxb-2"):
        await store.rows.save_ids(workspace.Workspace(OTHER, Secret(token), None))
    found = [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2", "xoxb-3")]
    assert found == [(TEAM, "E0GRID00001"), (OTHER, ""), None]


async def test_the_database_has_only_its_ids_and_to_others_it_is_not_installed(store: Store) -> None:
    one = pinned(store)
    one.identify(TEAM, "E0GRID00001")
    for _ in range(2):
        await one.keep_row()
    assert await rows(store) == [(TEAM, "E0GRID00001", "", None, None)]
    assert await store.rows.find(TEAM) is None
    assert await store.rows.summaries() == []
    assert not await store.rows.set_alerts_channel(TEAM, "C1")
    assert not await store.rows.delete(TEAM)
    assert not await store.rows.save(ACME)
    installed = await store.rows.find(TEAM)
    assert installed
    assert installed.bot_token == ACME.bot_token


async def test_only_its_own_team_and_the_current_key_count(one: Workspaces) -> None:
    for team_id, version in ((OTHER, 0), (TEAM, 1), (TEAM, 0)):
        await one.record_key_check(team_id, version, workspace.KeyCheck.REFUSED)
        found = await one.find(TEAM)
        assert found and found.anchor_key  # noqa: PT018 - for mypy
        is_recorded = found.anchor_key.check is workspace.KeyCheck.REFUSED
        assert is_recorded is ((team_id, version) == (TEAM, 0))

"""The admins of a workspace, and the notices that it gets once."""

import pytest
from sqlalchemy import select

from bot.outbound.store.schema import admins, notices
from bot.outbound.store.store import Store
from harness.stored import ACME, GLOBEX

pytestmark = pytest.mark.anyio

NOW = 1_785_000_000.5
DAY = 86_400


@pytest.fixture
async def both(store: Store) -> Store:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    return store


async def seen_at(store: Store) -> dict[str, int]:
    return {row.user_id: row.seen_at for row in await store.database.fetch_all(select(admins))}


async def test_the_admin_who_was_met_last_comes_first(both: Store) -> None:
    assert await both.admins.of(ACME.team_id) == []
    for user_id, later in (("U3", 0), ("U2", 0), ("U1", 1)):
        await both.admins.record(ACME.team_id, user_id, NOW + later)
    assert await both.admins.of(ACME.team_id) == ["U1", "U2", "U3"]
    await both.admins.record(ACME.team_id, "U3", NOW + DAY)
    assert await both.admins.of(ACME.team_id) == ["U3", "U1", "U2"]
    assert await both.admins.of(GLOBEX.team_id) == []
    await both.admins.record(GLOBEX.team_id, "U1", NOW)
    assert await both.admins.of(GLOBEX.team_id) == ["U1"]


async def test_an_admin_who_is_met_again_on_the_same_day_is_not_noted_again(both: Store) -> None:
    await both.admins.record(ACME.team_id, "U1", NOW)
    await both.admins.record(ACME.team_id, "U2", NOW)
    for later, noted in ((60, 0), (DAY - 1, 0), (-DAY, 0), (DAY, DAY), (DAY + 60, DAY)):
        await both.admins.record(ACME.team_id, "U1", NOW + later)
        assert await seen_at(both) == {"U1": int(NOW) + noted, "U2": int(NOW)}


async def test_a_workspace_that_is_gone_has_no_admins_and_is_told_nothing(store: Store) -> None:
    await store.admins.record("T0NOBODY001", "U1", NOW)
    assert await store.admins.of("T0NOBODY001") == []
    assert not await store.notices.claim("T0NOBODY001", "welcome", NOW)
    assert await store.database.fetch_all(select(notices)) == []


async def test_each_workspace_is_told_each_thing_once(both: Store) -> None:
    for team_id in (ACME.team_id, GLOBEX.team_id):
        for name in ("welcome", "scopes"):
            assert [await both.notices.claim(team_id, name, NOW + n) for n in range(3)] == [True, False, False]
    rows = await both.database.fetch_all(select(notices))
    assert [row.told_at for row in rows] == [int(NOW)] * 4

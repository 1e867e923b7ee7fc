"""The admins of a workspace, and the notices that it gets once."""

import pytest

from harness.product import Store
from harness.stored import ACME, DAY, GLOBEX, NOW, fetch

pytestmark = pytest.mark.anyio


@pytest.fixture
async def both(store: Store) -> Store:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    return store


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
    await both.admins.record(ACME.team_id, "U2", NOW)
    for later, noted in ((0, 0), (60, 0), (DAY - 1, 0), (-DAY, 0), (DAY, DAY), (DAY + 60, DAY)):
        await both.admins.record(ACME.team_id, "U1", NOW + later)
        seen_at = dict(await fetch(both, "SELECT user_id, seen_at FROM admins"))
        assert seen_at == {"U1": int(NOW) + noted, "U2": int(NOW)}


async def test_each_workspace_is_told_each_thing_once_and_one_that_is_gone_nothing(both: Store) -> None:
    for team_id in (ACME.team_id, GLOBEX.team_id):
        for name in ("welcome", "scopes"):
            assert [await both.notices.claim(team_id, name, NOW + n) for n in range(3)] == [True, False, False]
    await both.admins.record("T0NOBODY001", "U1", NOW)
    assert await both.admins.of("T0NOBODY001") == []
    assert not await both.notices.claim("T0NOBODY001", "welcome", NOW)
    await both.notices.release(ACME.team_id, "welcome")
    for name, is_free in (("scopes", False), ("welcome", True)):
        assert await both.notices.claim(ACME.team_id, name, NOW) is is_free
    assert await fetch(both, "SELECT told_at FROM notices") == [(int(NOW),)] * 4

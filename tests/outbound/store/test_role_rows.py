"""What Slack has reported about people: it is kept for a week, and goes with the workspace."""

from dataclasses import replace

import pytest

from harness.product import Store, policy
from harness.stored import ACME, DAY, GLOBEX, NOW, execute, fetch

pytestmark = pytest.mark.anyio

BOB = policy.Profile("T0HOME00001", "E1", frozenset({"T1", "T2"}), is_admin=True, is_guest=True, is_bot=True)
OTHER = policy.Profile("", is_deactivated=True, is_stranger=True)


async def users(store: Store) -> set[tuple[str, str, int]]:
    return set(await fetch(store, "SELECT team_id, user_id, seen_at FROM roles"))


async def test_a_report_is_found_for_a_week(store: Store) -> None:
    assert await store.roles.find(ACME.team_id, "U1", NOW) is None
    await store.roles.record({(ACME.team_id, "U1"): (BOB, NOW)}, NOW)
    await store.roles.record({(ACME.team_id, "U2"): (OTHER, NOW)}, NOW)
    found = await store.roles.find(ACME.team_id, "U1", NOW + 60)
    assert found == (BOB, 60.5)
    assert await store.roles.find(ACME.team_id, "U2", NOW - 60) == (OTHER, 0.0), "a clock that was put back"
    assert await store.roles.find(GLOBEX.team_id, "U1", NOW) is None
    assert await store.roles.find(ACME.team_id, "U1", NOW + 7 * DAY) is None


async def test_it_is_replaced_if_it_has_changed_or_is_a_day_old(store: Store) -> None:
    for later, profile, written in (
        (0, BOB, 0),
        (DAY - 1, BOB, 0),
        (DAY - 1, replace(BOB, is_bot=False), DAY - 1),
        (2 * DAY, replace(BOB, is_bot=False), 2 * DAY),
    ):
        await store.roles.record({(ACME.team_id, "U1"): (profile, NOW + later)}, NOW + later)
        assert await users(store) == {(ACME.team_id, "U1", int(NOW) + written)}
        assert await store.roles.find(ACME.team_id, "U1", int(NOW) + written) == (profile, 0.0)


async def test_those_of_long_ago_are_deleted(store: Store) -> None:
    for user_id, later in (("U1", 0), ("U2", DAY), ("U3", 7.5 * DAY)):
        await store.roles.record({(ACME.team_id, user_id): (BOB, NOW + later)}, NOW + later)
    assert {user_id for _, user_id, _ in await users(store)} == {"U2", "U3"}


async def test_they_go_with_their_workspace(store: Store) -> None:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
        await store.roles.record({(one.team_id, "U1"): (BOB, NOW)}, NOW)
    assert await store.rows.delete(ACME.team_id)
    assert not await store.rows.delete("T0OTHER0001")
    assert {team_id for team_id, _, _ in await users(store)} == {GLOBEX.team_id}


@pytest.mark.parametrize(
    "profile", ['{"team_id": "T1", "teams": [], "is_new": true}', "{}", "[]", "no JSON", "[" * 9999]
)
async def test_what_another_version_wrote_does_not_count(store: Store, profile: str) -> None:
    await store.roles.record({(ACME.team_id, "U1"): (BOB, NOW)}, NOW)
    await execute(store, "UPDATE roles SET profile = :profile", profile=profile)
    assert await store.roles.find(ACME.team_id, "U1", NOW) is None

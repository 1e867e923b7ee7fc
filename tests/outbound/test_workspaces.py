"""The workspace of the settings: the state of its key, and the notices that it gets once."""

import pytest

from bot.outbound.workspaces import SingleWorkspace
from harness.product import Secret, workspace
from harness.stored import uninstall

pytestmark = pytest.mark.anyio

TEAM, OTHER = "T0HOME00001", "T0GLOBEX001"
KEY = workspace.AnchorKey(Secret("sk-1"))


def single(key: workspace.AnchorKey | None = KEY) -> SingleWorkspace:
    return SingleWorkspace(workspace.Workspace("", Secret("xoxb-1"), key))


@pytest.fixture
def one() -> SingleWorkspace:
    identified = single()
    identified.identify(TEAM, "")
    return identified


async def test_it_serves_everybody_until_slack_has_said_whose_it_is() -> None:
    one = single()
    assert await one.find(OTHER) is not None
    one.identify(TEAM, "E0GRID00001")
    await one.delete_uninstalled(uninstall())
    found = await one.find(TEAM)
    assert found
    assert (found.team_id, found.enterprise_id) == (TEAM, "E0GRID00001")
    assert await one.find(OTHER) is None
    assert await one.owner_of_alerts("") == found
    assert await one.owner_of_alerts(TEAM) is None


async def test_only_its_own_team_and_the_current_key_count(one: SingleWorkspace) -> None:
    for team_id, version in ((OTHER, 0), (TEAM, 1), (TEAM, 0)):
        await one.record_key_check(team_id, version, workspace.KeyCheck.REFUSED)
        found = await one.find(TEAM)
        assert found and found.anchor_key  # noqa: PT018 - for mypy
        is_recorded = found.anchor_key.check is workspace.KeyCheck.REFUSED
        assert is_recorded is ((team_id, version) == (TEAM, 0))
    assert not await one.claim_notice(OTHER, "welcome")
    assert [await one.claim_notice(TEAM, "welcome") for _ in range(2)] == [True, False]
    await one.release_notice(OTHER, "welcome")
    assert not await one.claim_notice(TEAM, "welcome")
    await one.release_notice(TEAM, "welcome")
    assert await one.claim_notice(TEAM, "welcome")


async def test_the_last_hundred_admins_are_remembered(one: SingleWorkspace) -> None:
    for user_id in ("U1", "U2", "U1"):
        await one.record_admin(TEAM, user_id)
        await one.record_admin(OTHER, "U9")
    assert (await one.admins(TEAM), await one.admins(OTHER)) == (["U1", "U2"], [])
    for number in range(200):
        await one.record_admin(TEAM, f"U{number}")
    assert await one.admins(TEAM) == [f"U{number}" for number in range(199, 99, -1)]

"""The workspace of the settings: the state of its key, and the notices that it gets once."""

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.installation import Departure
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.workspaces import SingleWorkspace

pytestmark = pytest.mark.anyio

TEAM, OTHER = "T0HOME00001", "T0GLOBEX001"
KEY = AnchorKey(Secret("sk-1"))


def single(key: AnchorKey | None = KEY) -> SingleWorkspace:
    return SingleWorkspace(Workspace(None, Secret("xoxb-1"), key))


@pytest.fixture
def one() -> SingleWorkspace:
    identified = single()
    identified.identify(TEAM)
    return identified


async def test_it_serves_everybody_until_slack_has_said_whose_it_is() -> None:
    one = single()
    assert await one.find(OTHER) is not None
    one.identify(TEAM)
    await one.forget(Departure(TEAM, 0))
    found = await one.find(TEAM)
    assert found
    assert found.team_id == TEAM
    assert await one.find(OTHER) is None
    assert await one.owner_of_alerts("") == found
    assert await one.owner_of_alerts(TEAM) is None


async def test_a_change_of_the_state_of_the_key_is_news_once(one: SingleWorkspace) -> None:
    assert not await one.note_check(TEAM, 0, KeyCheck.UNVERIFIED)
    for check in (KeyCheck.REFUSED, KeyCheck.VERIFIED):
        assert not await one.note_check(OTHER, 0, check)
        assert not await one.note_check(TEAM, 1, check)
        assert [await one.note_check(TEAM, 0, check) for _ in range(2)] == [True, False]
        found = await one.find(TEAM)
        assert found
        assert found.anchor_key == AnchorKey(Secret("sk-1"), check)
    assert not await single(None).note_check(TEAM, 0, KeyCheck.REFUSED)


async def test_each_notice_is_sent_once_and_to_nobody_else(one: SingleWorkspace) -> None:
    assert not await one.is_first(OTHER, "welcome")
    assert [await one.is_first(TEAM, "welcome") for _ in range(2)] == [True, False]
    assert await one.is_first(TEAM, "scopes")
    await one.take_back(OTHER, "scopes")
    assert not await one.is_first(TEAM, "scopes")
    await one.take_back(TEAM, "scopes")
    assert await one.is_first(TEAM, "scopes")


async def test_the_last_hundred_admins_are_remembered(one: SingleWorkspace) -> None:
    for user_id in ("U1", "U2", "U1"):
        await one.note_admin(TEAM, user_id)
        await one.note_admin(OTHER, "U9")
    assert (await one.admins(TEAM), await one.admins(OTHER)) == (["U1", "U2"], [])
    for number in range(200):
        await one.note_admin(TEAM, f"U{number}")
    assert await one.admins(TEAM) == [f"U{number}" for number in range(199, 99, -1)]

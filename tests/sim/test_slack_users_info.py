"""What simulated Slack tells about people."""

import aiohttp
import pytest

from bot.sim.slack import Enterprise, Installation, Rule, SimSlack, Workspace
from sim.api_client import Api, rules

pytestmark = pytest.mark.anyio


async def test_members_and_admins_can_be_told_apart(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with client.get(f"{slack.url}users.info?user=U0ALICE0001", headers=headers) as response:
        answer = await response.json()

    assert answer == {
        "ok": True,
        "user": {
            "id": "U0ALICE0001",
            "team_id": "T0HOME00001",
            "name": "alice",
            "deleted": False,
            "is_admin": True,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": False,
            "is_app_user": False,
            "updated": 1_784_000_000,
            "profile": {"display_name": "alice", "real_name": "Alice"},
        },
    }


async def test_changed_people_are_shown_as_they_are_now(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.alice, is_admin=False)

    user = (await api.info("U0ALICE0001"))["user"]

    assert isinstance(user, dict)
    assert user["is_admin"] is False


async def test_outsiders_are_strangers(api: Api) -> None:
    assert (await api.info("U0MALLORY01"))["user"] == {
        "id": "U0MALLORY01",
        "team_id": "T0PARTNER01",
        "name": "mallory",
        "deleted": False,
        "is_stranger": True,
        "is_bot": False,
    }


async def test_grid_members_have_their_role_in_the_enterprise(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")

    user = (await api.info("U0ALICE0001"))["user"]

    assert isinstance(user, dict)
    assert user["enterprise_user"] == {
        "id": "U0ALICE0001",
        "enterprise_id": "E0GRID00001",
        "enterprise_name": "Acme Grid",
        "is_admin": False,
        "is_owner": False,
        "teams": ["T0HOME00001"],
    }


async def test_unknown_people_are_not_found(api: Api) -> None:
    assert await api.info("U0NOBODY001") == {"ok": False, "error": "user_not_found"}


async def test_users_info_does_not_read_json(slack: SimSlack, api: Api) -> None:
    assert (await api.call("users.info", user="U0ALICE0001"))["error"] == "user_not_found"
    assert rules(slack) == [Rule.JSON_TO_FORM_METHOD]


async def test_a_colleague_from_another_workspace_of_the_grid_is_no_stranger(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    sister = Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), slack.home.enterprise)
    slack.add_workspace(sister)
    colleague = slack.home.add_user("U0COLLEAG01", "carol", team_id="T0SISTER001", is_admin=True)

    user = (await api.info(colleague.id))["user"]

    assert isinstance(user, dict)
    assert "is_stranger" not in user
    assert (user["team_id"], user["is_admin"]) == ("T0SISTER001", False)
    assert (user["enterprise_user"]["enterprise_id"], user["enterprise_user"]["teams"]) == (
        "E0GRID00001",
        ["T0SISTER001"],
    )


async def test_a_workspace_outside_the_grid_has_strangers(slack: SimSlack, api: Api) -> None:
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner")))

    for enterprise in (None, Enterprise("E0GRID00001", "Acme Grid")):
        slack.home.enterprise = enterprise
        user = (await api.info("U0MALLORY01"))["user"]
        assert isinstance(user, dict)
        assert user["is_stranger"] is True

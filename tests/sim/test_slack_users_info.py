"""What simulated Slack tells about people."""

from typing import Any

import aiohttp
import pytest

from bot.sim.slack import Enterprise, Installation, Rule, SimSlack, Workspace
from sim.api_client import FORM, Api, rules
from sim.screens import sample

pytestmark = pytest.mark.anyio

VARIANTS = sample("webapi.users.info.variants")
ROLES = ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted")


async def told(api: Api, user_id: str) -> dict[str, Any]:
    answer = await api.info(user_id)
    assert isinstance(answer["user"], dict)
    return answer["user"]


async def test_an_admin_is_told_as_slack_does(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with client.get(f"{slack.url}users.info?user=U0ALICE0001", headers=headers) as response:
        answer = await response.json()

    profile = {"display_name": "alice", "real_name": "Alice"}
    assert answer == VARIANTS["admin"] | {"user": VARIANTS["admin"]["user"] | {"profile": profile}}
    assert list(answer["user"]) == list(VARIANTS["admin"]["user"])


@pytest.mark.parametrize(("variant", "user_id"), [("member", "U0BOB000001"), ("guest", "U0GUEST0001")])
async def test_members_and_guests_are_told_apart(api: Api, variant: str, user_id: str) -> None:
    expected = VARIANTS[variant]["user"]

    assert {name: value for name, value in (await told(api, user_id)).items() if name in expected} == expected


async def test_an_owner_is_an_admin_as_well_unless_the_workspace_says_otherwise(slack: SimSlack, api: Api) -> None:
    user = await told(api, slack.carol.id)
    assert (user["name"], [user[name] for name in ROLES]) == ("carol", [True, True, False, False, False])

    slack.home.change_user(slack.carol, is_admin=False, is_primary_owner=True)
    user = await told(api, slack.carol.id)
    assert [user[name] for name in ROLES] == [False, True, True, False, False]


async def test_a_guest_of_one_channel_is_a_guest(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.guest, is_restricted=False)
    user = await told(api, slack.guest.id)
    assert [user[name] for name in ROLES[3:]] == [True, True]

    slack.home.change_user(slack.guest, is_restricted=True, is_ultra_restricted=False)
    user = await told(api, slack.guest.id)
    assert [user[name] for name in ROLES[3:]] == [True, False]


async def test_changed_people_are_shown_as_they_are_now(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.alice, is_admin=False)

    assert (await told(api, "U0ALICE0001"))["is_admin"] is False


async def test_of_deactivated_people_no_role_is_told(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.alice, deleted=True)

    user = await told(api, slack.alice.id)

    assert user == {
        "id": "U0ALICE0001",
        "team_id": "T0HOME00001",
        "name": "alice",
        "deleted": True,
        "is_bot": False,
        "is_app_user": False,
        "updated": 1_784_000_000,
        "profile": {"display_name": "alice", "real_name": "Alice"},
    }


async def test_the_apps_own_bot_is_a_bot(slack: SimSlack, api: Api) -> None:
    user = await told(api, "U0ANCHORBOT")

    assert (user["is_bot"], [user[name] for name in ROLES]) == (True, [False] * 5)
    assert user["profile"] == {
        "display_name": "anchor",
        "real_name": "Anchor",
        "bot_id": "B0ANCHOR001",
        "api_app_id": "A0ANCHOR001",
    }
    slack.home.add_user("U0OTHERBOT1", "other", is_bot=True)
    other = await told(api, "U0OTHERBOT1")
    assert (other["is_bot"], set(other["profile"])) == (True, {"display_name", "real_name"})


async def test_outsiders_are_strangers(api: Api) -> None:
    assert await told(api, "U0MALLORY01") == VARIANTS["slack_connect_stranger"]["user"]


async def test_strangers_with_whom_no_channel_is_shared_are_not_visible(slack: SimSlack, api: Api) -> None:
    slack.archived.members.add(slack.outsider.id)
    slack.alerts.members.discard(slack.outsider.id)

    assert await api.info(slack.outsider.id) == {"ok": False, "error": "user_not_visible"}


async def test_members_are_visible_wherever_they_are(slack: SimSlack, api: Api) -> None:
    newcomer = slack.home.add_user("W0NEWCOMER1", "new")

    assert (await told(api, newcomer.id))["id"] == "W0NEWCOMER1"


async def test_grid_members_have_their_role_in_the_enterprise(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")

    expected = VARIANTS["grid_member"]["user"]
    assert {name: value for name, value in (await told(api, "U0ALICE0001")).items() if name in expected} == expected
    assert list((await told(api, "U0ALICE0001"))["enterprise_user"]) == list(expected["enterprise_user"])

    slack.home.change_user(slack.bob, is_org_admin=True, is_org_owner=True, enterprise_user_id="W0BOB000001")
    user = await told(api, slack.bob.id)
    org = user["enterprise_user"]
    assert (user["id"], user["is_admin"], user["is_owner"]) == ("U0BOB000001", False, False)
    assert (org["id"], org["is_admin"], org["is_owner"]) == ("W0BOB000001", True, True)


async def test_roles_in_an_enterprise_need_one(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.bob, is_org_admin=True)

    assert "enterprise_user" not in await told(api, slack.bob.id)


async def test_unknown_people_are_not_found(api: Api) -> None:
    assert await api.info("U0NOBODY001") == VARIANTS["not_found"]


async def test_roles_ask_for_a_scope(slack: SimSlack, api: Api) -> None:
    slack.home.installation.scopes = {"commands", "chat:write"}

    assert await api.info("U0ALICE0001") == VARIANTS["missing_scope"] | {"provided": "chat:write,commands"}


async def test_users_info_does_not_read_json(slack: SimSlack, api: Api) -> None:
    assert (await api.call("users.info", user="U0ALICE0001"))["error"] == "user_not_found"
    assert rules(slack) == [Rule.JSON_TO_FORM_METHOD]


async def test_a_colleague_from_another_workspace_of_the_grid_is_no_stranger(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    sister = Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), slack.home.enterprise)
    slack.add_workspace(sister)
    colleague = slack.home.add_user(
        "U0COLLEAG01", "col", team_id="T0SISTER001", is_admin=True, is_owner=True, is_primary_owner=True
    )

    user = await told(api, colleague.id)

    assert "is_stranger" not in user
    assert (user["team_id"], [user[name] for name in ROLES]) == ("T0SISTER001", [False] * 5)
    assert (user["enterprise_user"]["enterprise_id"], user["enterprise_user"]["teams"]) == (
        "E0GRID00001",
        ["T0SISTER001"],
    )


async def test_somebody_may_be_in_several_workspaces_of_the_grid(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    sister = Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), slack.home.enterprise)
    stranger = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    for workspace in (sister, stranger):
        slack.add_workspace(workspace)
        workspace.add_user(slack.alice.id, "alice", is_owner=True)
    sister.add_user(slack.bob.id, "bob", team_id="T0HOME00001")

    assert (await told(api, slack.alice.id))["enterprise_user"]["teams"] == ["T0HOME00001", "T0SISTER001"]
    assert (await told(api, slack.bob.id))["enterprise_user"]["teams"] == ["T0HOME00001"]
    body = f"user={slack.alice.id}".encode()
    there: Any = await api.send("users.info", body=body, content_type=FORM, token="xoxb-sister")
    assert (there["user"]["team_id"], there["user"]["is_owner"]) == ("T0SISTER001", True)
    assert there["user"]["enterprise_user"]["teams"] == ["T0SISTER001", "T0HOME00001"]


async def test_a_workspace_outside_the_grid_has_strangers(slack: SimSlack, api: Api) -> None:
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner")))

    for enterprise in (None, Enterprise("E0GRID00001", "Acme Grid")):
        slack.home.enterprise = enterprise
        assert (await told(api, "U0MALLORY01"))["is_stranger"] is True

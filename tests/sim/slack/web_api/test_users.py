"""What simulated Slack tells about people."""

import pytest

from bot.sim.slack import Enterprise, Installation, SimSlack, User, Workspace
from harness.samples import Json, sample
from sim.api_client import Api

pytestmark = pytest.mark.anyio

VARIANTS = sample("webapi.users.info.variants")
ROLES = ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted")
GRID, OTHER_GRID = Enterprise("E0GRID00001", "Acme Grid"), Enterprise("E0OTHER0001", "Partners")


async def info(api: Api, user: User) -> Json:
    user_json: Json = (await api.form("users.info", user=user.id))["user"]
    return user_json


def roles(user: Json) -> list[bool]:
    return [user[name] for name in ROLES]


@pytest.mark.parametrize(("variant", "name"), [("admin", "alice"), ("member", "bob"), ("guest", "guest")])
async def test_people_are_described_as_slack_does(slack: SimSlack, api: Api, variant: str, name: str) -> None:
    expected = VARIANTS[variant]["user"]
    user = await info(api, getattr(slack, name))
    assert user == user | {key: value for key, value in expected.items() if key != "profile"}
    assert list(user) == list(VARIANTS["admin"]["user"])


async def test_deactivated_people_have_no_roles_and_others_have_each_of_theirs(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.carol, is_admin=False, is_primary_owner=True)
    slack.home.change_user(slack.guest, is_restricted=False)
    slack.home.change_user(slack.alice, deleted=True)
    assert roles(await info(api, slack.carol)) == [False, True, True, False, False]
    assert roles(await info(api, slack.guest)) == [False, False, False, True, True]
    assert {*ROLES} & (await info(api, slack.alice)).keys() == set()
    assert await api.form("users.info", user="U0NOBODY001") == VARIANTS["not_found"]


@pytest.mark.parametrize("enterprise", [None, GRID])
async def test_people_of_other_companies_are_strangers_unless_they_share_a_channel_with_the_app(
    slack: SimSlack, api: Api, enterprise: Enterprise | None
) -> None:
    slack.home.enterprise = enterprise
    stranger = VARIANTS["slack_connect_stranger"]["user"]
    assert await info(api, slack.outsider) == {name: stranger[name] for name in stranger if name != "is_stranger"}
    slack.alerts.members.discard(slack.home.installation.bot_user_id)
    assert await info(api, slack.outsider) == stranger
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"), OTHER_GRID))
    assert (await info(api, slack.outsider))["enterprise_user"]["enterprise_id"] == OTHER_GRID.id
    slack.archived.members.add(slack.outsider.id)
    slack.alerts.members.discard(slack.outsider.id)
    answer = await api.form("users.info", user=slack.outsider.id)
    assert answer == {"ok": False, "error": "user_not_visible"}


async def test_members_of_an_organisation_have_roles_in_it(slack: SimSlack, api: Api) -> None:
    slack.home.change_user(slack.bob, is_org_admin=True, is_org_owner=True)
    assert "enterprise_user" not in await info(api, slack.bob)
    slack.home.enterprise = GRID

    expected, alice = VARIANTS["grid_member"]["user"], await info(api, slack.alice)
    assert alice == alice | expected
    assert list(alice["enterprise_user"]) == list(expected["enterprise_user"])
    bob = await info(api, slack.bob)
    assert (roles(bob), bob["enterprise_user"]["is_admin"], bob["enterprise_user"]["is_owner"]) == (
        [False] * 5,
        True,
        True,
    )


async def test_a_colleague_from_another_workspace_has_no_role(slack: SimSlack, api: Api) -> None:
    slack.home.enterprise = GRID
    slack.add_workspace(sister := Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), GRID))
    sister.add_user(slack.bob.id, "bob", team_id="T0HOME00001")
    sister.add_user(slack.alice.id, "alice")
    somebody = {"is_admin": True, "is_owner": True, "is_primary_owner": True}
    colleague = slack.home.add_user("U0COLLEAG01", "col", team_id=sister.team_id, **somebody)
    user = await info(api, colleague)

    assert (user["team_id"], roles(user), "is_stranger" in user) == ("T0SISTER001", [False] * 5, False)
    people = (colleague, slack.bob, slack.alice)
    teams = [(await info(api, person))["enterprise_user"]["teams"] for person in people]
    assert teams == [["T0SISTER001"], ["T0HOME00001"], ["T0HOME00001", "T0SISTER001"]]

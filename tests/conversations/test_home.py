"""The app's Home: everybody sees how the workspace is set up, and admins get the controls to change it."""

import pytest

from bot.messages import home as shown_home
from bot.sim.slack import ApiCall, Slow, View
from harness import BOTH_TRANSPORTS, AdminHarness, ManyHarness, single_workspace
from harness.admin_texts import who_can
from harness.product import Secret, policy, workspace

pytestmark = pytest.mark.anyio


NAMES = ("set_key", "key_menu", "change_policy", "alerts_channel", "test_alert", "alerts_token")


def controls(view: View | None) -> list[str]:
    return [name for name in NAMES if view and view.find(f"anchor_{name}")]


def footer(of: workspace.Workspace, role: policy.Role) -> str:
    """The last line of Home, which tells people whether they can change it, and why not."""
    return str(shown_home.home_view(shown_home.Home(of, role, "")).blocks[-1]["elements"][0]["text"])


def publications(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "views.publish"]


@BOTH_TRANSPORTS
async def test_everybody_sees_how_the_workspace_is_set_up_and_admins_get_the_controls(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    assert controls(await team.open_home(team.member)) == []
    for user in (team.admin, team.second):
        assert controls(await team.open_home(user)) == [one for one in NAMES if one not in {"key_menu", "test_alert"}]
    rows = at.store.rows
    value, check = Secret("sk-of-tenant-1-and-its-end-9876"), workspace.KeyCheck.VERIFIED
    at.anchor.add_key(value.reveal())
    await rows.set_key(team.team_id, workspace.AnchorKey(value, check, team.second.id, 1_785_000_000))
    rule = policy.Rule(frozenset({team.admin.id, team.member.id}), frozenset({team.channel.id}))
    await rows.set_policy(team.team_id, policy.Policy(pause=rule), if_version=await at.policy_version(team.team_id))
    await rows.set_alerts_channel(team.team_id, team.channel.id)
    home = await team.open_home(team.member)
    shown = ("`9876`", f"<@{team.second.id}>", "<!date^1785000000^", who_can("pause", rule), f"<#{team.channel.id}>")
    assert [text for text in shown if text not in home.text] == []
    assert "sk-of-tenant" not in str(home)
    assert controls(home) == []
    assert controls(await team.open_home()) == [one for one in NAMES if one != "set_key"]


async def test_the_home_of_a_single_workspace_shows_its_settings_without_controls() -> None:
    async with single_workspace(PAUSE_USERS="U0ALICE0001", ALLOWED_CHANNELS="C0ALERTS001, C0INCIDENT1") as at:
        await at.slack.open_home(at.person, tab="messages")
        assert at.calls("views.publish") == 0
        await at.slack.open_home(at.person)
        await at.slack.until(lambda: at.slack.home_of(at.person))
        home = at.slack.home_of(at.person)
    assert home is not None
    channels = frozenset({"C0ALERTS001", "C0INCIDENT1"})
    assert who_can("pause", policy.Rule(frozenset({"U0ALICE0001"}), channels)) in home.text
    assert who_can("resume", policy.Rule(channels=channels)) in home.text
    assert footer(workspace.Workspace("", Secret(""), None, policy.EVERYBODY), policy.Role.ADMIN) in home.text
    assert controls(home) == []


async def test_home_and_its_event_do_not_wait_for_slow_answers(at: ManyHarness) -> None:
    team = await AdminHarness.open(at, with_key=True)
    at.slack.faults["users.info"] = Slow(2.5, times=1)
    opened = await at.slack.open_home(team.admin)
    assert (opened.answer.status, publications(at)) == (200, [])
    await at.slack.until(team.home_text)
    assert controls(await team.open_home()) != []

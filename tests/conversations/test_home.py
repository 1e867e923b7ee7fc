"""The app's Home: everybody sees how the workspace is set up, and admins get the controls to change it."""

import asyncio
from unittest.mock import Mock

import pytest

from bot.core.checks import Checked, CheckName, Finding, Good, Skipped
from bot.core.policy import EVERYBODY, Policy, Role, Rule
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.messages.home import Home, home_view
from bot.messages.home_status import home_status
from bot.messages.policy import who_can
from bot.sim.slack import ApiCall, Slow, View, api_error, server_error
from harness import BOTH_TRANSPORTS, HTTP_ONLY, AdminHarness, ManyHarness, another_bot, single_workspace

pytestmark = pytest.mark.anyio

ALL_CONTROLS = (
    "anchor_set_key",
    "anchor_key_menu",
    "anchor_change_policy",
    "anchor_alerts_channel",
    "anchor_test_alert",
    "anchor_alerts_token",
)


GRANTED = str(
    home_status(
        [
            Checked(CheckName.SCOPES, Finding(Good.SCOPES_GRANTED)),
            Checked(CheckName.ALERT_CHANNEL, Finding(Skipped.CHANNEL_UNSET)),
        ],
        install_url="",
    )
)
"""The beginning of the status in Slack if it is good."""


def controls(view: View | None) -> list[str]:
    return [name for name in ALL_CONTROLS if view and view.find(name)]


def footer(workspace: Workspace, role: Role) -> str:
    """The last line of Home, which tells people whether they can change it, and why not."""
    return str(home_view(Home(workspace, role, "")).blocks[-1]["elements"][0]["text"])


def publications(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "views.publish"]


@BOTH_TRANSPORTS
async def test_everybody_sees_how_the_workspace_is_set_up_and_admins_get_the_controls(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    assert controls(await team.open_home(team.member)) == []
    for user in (team.admin, team.second):
        assert controls(await team.open_home(user)) == [
            name for name in ALL_CONTROLS if name not in {"anchor_key_menu", "anchor_test_alert"}
        ]
    rows = at.store.rows
    key = AnchorKey(Secret("sk-of-tenant-1-and-its-end-9876"), KeyCheck.VERIFIED, team.second.id, 1_785_000_000)
    await rows.set_key(team.team_id, key)
    rule = Rule(frozenset({team.admin.id, team.member.id}), frozenset({team.channel.id}))
    await rows.set_policy(team.team_id, Policy(pause=rule), if_version=await at.policy_version(team.team_id))
    await rows.set_alerts_channel(team.team_id, team.channel.id)
    home = await team.open_home(team.member)
    shown = ("`9876`", f"<@{team.second.id}>", "<!date^1785000000^", who_can(Verb.PAUSE, rule), f"<#{team.channel.id}>")
    assert [text for text in shown if text not in home.text] == []
    assert "sk-of-tenant" not in str(home)
    assert controls(home) == []
    assert controls(await team.open_home()) == [name for name in ALL_CONTROLS if name != "anchor_set_key"]


async def test_the_controls_follow_the_role_each_time_that_home_is_opened(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    shown = []
    for is_admin in (False, True, False):
        team.workspace.change_user(team.member, is_admin=is_admin)
        shown.append(bool(controls(await team.open_home(team.member))))
    assert shown == [False, True, False]


async def test_the_messages_tab_shows_nothing_new(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    opened = await at.slack.open_home(team.admin, tab="messages")
    assert opened.answer.status == 200
    await asyncio.sleep(0.2)
    assert publications(at) == []


async def test_while_slack_does_not_say_who_somebody_is_home_has_no_controls(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["users.info"] = server_error(503)
    home = await team.open_home()
    assert (footer(await team.stored(), Role.UNKNOWN) in home.text, controls(home)) == (True, [])
    at.slack.faults["users.info"] = None
    assert controls(await team.open_home())


async def test_a_home_that_was_changed_after_slack_sent_its_event_shows_the_present_state(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    before = await team.open_home()
    await at.store.rows.set_key(team.team_id, AnchorKey(Secret("sk-0123456789")))
    event = {"type": "app_home_opened", "user": team.admin.id, "channel": "D1", "tab": "home"}
    await at.slack.events.send(team.workspace, event | {"view": {"id": before.id, "hash": "1.of-before"}})
    home = await team.wait_for_home(team.admin, before)
    assert "`6789`" in home.text


@HTTP_ONLY
async def test_a_slow_bot_does_not_overwrite_what_another_has_shown_since(at: ManyHarness) -> None:
    """The other one takes long to learn who it is, and has looked at the workspace before that."""
    team = await AdminHarness.open(at)
    at.anchor.add_key("sk-0123456789-1234")
    await team.open_home()
    await team.open_modal("anchor_set_key")
    here = at.slack.request_url
    async with another_bot(at) as there:
        at.slack.request_url = there
        at.slack.faults["users.info"] = Slow(1.0, times=1)
        await at.slack.open_home(team.admin)
        await at.slack.until(lambda: at.slack.faults["users.info"] is None)
        at.slack.request_url = here
        await team.submit({"key": "sk-0123456789-1234"})
        await at.slack.until(lambda: len(publications(at)) == 3)
        await asyncio.sleep(0.1)
    assert "`1234`" in team.home_text()


async def test_the_state_that_was_read_last_is_shown_last(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["views.publish"] = Slow(0.5, times=1)
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: len(publications(at)) == 1)
    await at.store.rows.set_key(team.team_id, AnchorKey(Secret("sk-0123456789")))
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: len(publications(at)) == 2)
    await asyncio.sleep(0.6)  # for the slow one, too
    assert "`6789`" in team.home_text()


async def test_only_admins_are_remembered_as_such(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    for user in (team.member, team.admin):
        await team.open_home(user)
    async with asyncio.timeout(20):
        while not (known := await at.store.admins.of(team.team_id)):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    assert known == [team.admin.id]


async def test_a_home_that_slack_refuses_is_logged_and_can_be_opened_again(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["views.publish"] = api_error("not_enabled")
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: publications(at))
    at.slack.faults["views.publish"] = None
    await team.open_home()
    (record,) = [record for record in caplog.records if record.name == "bot.outbound.slack.views"]
    assert (vars(record)["method"], vars(record)["why"]) == ("views.publish", "not_enabled")


async def test_the_event_does_not_wait_for_slack(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["users.info"] = Slow(2.5)
    opened = await at.slack.open_home(team.admin)
    assert (opened.answer.status, publications(at)) == (200, [])
    await at.slack.until(team.home_text)


async def test_the_home_of_a_single_workspace_shows_its_settings_without_controls() -> None:
    async with single_workspace(PAUSE_USERS="U0ALICE0001", ALLOWED_CHANNELS="C0ALERTS001, C0INCIDENT1") as at:
        await at.slack.open_home(at.person)
        await at.slack.until(lambda: at.slack.home_of(at.person))
        home = at.slack.home_of(at.person)
    assert home is not None
    channels = frozenset({"C0ALERTS001", "C0INCIDENT1"})
    assert who_can(Verb.PAUSE, Rule(frozenset({"U0ALICE0001"}), channels)) in home.text
    assert who_can(Verb.RESUME, Rule(channels=channels)) in home.text
    assert footer(Workspace("", Secret(""), None, EVERYBODY), Role.ADMIN) in home.text
    assert controls(home) == []


async def test_a_workspace_that_is_not_served_has_no_home(at: ManyHarness) -> None:
    tenant = at.add(1)
    opened = await at.slack.open_home(tenant.person)
    assert opened.answer.status == 200
    assert publications(at) == []


async def test_admins_alone_see_the_status_in_slack(at: ManyHarness) -> None:
    """It is that of `anchor-bot doctor`, and is looked up once for many openings of Home."""
    team = await AdminHarness.open(at, with_key=True)
    await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    for _ in range(2):
        assert GRANTED in (await team.open_home()).text
    assert GRANTED not in (await team.open_home(team.member)).text
    assert team.calls("auth.test") == team.calls("chat.scheduleMessage") == 1
    assert at.slack.platform.scheduled == {}


async def test_a_missing_scope_and_a_closed_channel_show_in_home_until_they_are_fixed(at: ManyHarness) -> None:
    team = await AdminHarness.open(at, with_key=True)
    outside = team.add_channel("outside", with_bot=False)
    await at.store.rows.set_alerts_channel(team.team_id, outside.id)
    assert "not_in_channel" in (await team.open_home()).text
    outside.members.add(team.workspace.installation.bot_user_id)
    assert "not_in_channel" not in (await team.open_home()).text
    await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    team.workspace.installation.scopes.discard("chat:write")
    assert "missing: chat:write" in (await team.open_home()).text


async def test_home_does_not_wait_for_a_slow_check_and_has_it_the_next_time(
    at: ManyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.usecases.checks.cached._WAIT", 0.05)
    team = await AdminHarness.open(at, with_key=True)
    at.slack.faults["auth.test"] = Slow(0.5, times=1)
    assert GRANTED not in (await team.open_home()).text
    monkeypatch.setattr("bot.usecases.checks.cached._WAIT", 10.0)
    assert GRANTED in (await team.open_home()).text


async def test_a_check_that_breaks_leaves_home_as_it_is(at: ManyHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.checks.workspace.judge_scopes", Mock(side_effect=RuntimeError))
    team = await AdminHarness.open(at, with_key=True)
    assert controls(await team.open_home()) != []

"""The app's Home: what everybody sees of how it is set up, and what admins can do about it."""

import asyncio

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.sim.slack import ApiCall, Hang, Slow, api_error, server_error
from harness import HTTP_ONLY, single_workspace
from harness.administration import AdminHarness, another_bot
from harness.many_workspaces import ManyHarness

pytestmark = pytest.mark.anyio

LEVERS = (
    "anchor_set_key",
    "anchor_remove_key",
    "anchor_change_policy",
    "anchor_alerts_channel",
    "anchor_test_alert",
    "anchor_alerts_token",
)


def levers(view: object) -> list[str]:
    return [name for name in LEVERS if f"'{name}'" in str(getattr(view, "blocks", ()))]


async def test_somebody_who_has_never_seen_the_bot_learns_what_it_does_and_that_it_needs_a_key(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    home = await team.open_home(team.member)
    assert "`/anchor-pause &lt;session_id&gt; [reason]` pauses the agent" in home.text
    assert "*No key is set*, so nobody can pause or resume yet." in home.text
    assert "An admin or owner of this workspace can set it here." in home.text
    assert "*Who may pause:* every full member of this workspace, anywhere in Slack." in home.text
    assert "*Who may resume:* every full member of this workspace, anywhere in Slack." in home.text
    assert "*Alerts* go nowhere yet: no channel is chosen. No token for programs was made yet." in home.text
    assert "Admins and owners of this workspace can change all this in their Home tab of this app." in home.text
    assert levers(home) == []


@pytest.mark.parametrize("who", ["admin", "second"])
async def test_admins_and_owners_get_the_levers(at: ManyHarness, who: str) -> None:
    team = await AdminHarness.open(at)
    home = await team.open_home(getattr(team, who))
    assert levers(home) == ["anchor_set_key", "anchor_change_policy", "anchor_alerts_channel", "anchor_alerts_token"]
    assert "You are an admin of this workspace" in home.text


async def test_everybody_sees_how_it_is_set_up(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    team_id, rows = team.team_id, at.store.installations
    key = AnchorKey(Secret("sk-of-tenant-1-and-its-end-9876"), KeyCheck.VERIFIED, team.second.id, 1_785_000_000)
    await rows.set_key(team_id, key)
    rule = Rule(frozenset({team.admin.id, team.member.id}), frozenset({team.channel.id}))
    await rows.set_policy(team_id, Policy(pause=rule), if_version=await at.policy_version(team_id))
    await rows.set_alerts_channel(team_id, team.channel.id)
    await rows.set_alerts_token(team_id, "digest")
    home = await team.open_home(team.member)
    assert "✅ A key ending `9876` is set, and Anchor accepts it." in home.text
    assert f"Set by <@{team.second.id}>, <!date^1785000000^{{date_short_pretty}} at {{time}}|2026-07-25" in home.text
    named = ", ".join(f"<@{one}>" for one in sorted(rule.users))
    assert f"*Who may pause:* {named}, only in <#{team.channel.id}>." in home.text
    assert f"*Alerts* go to <#{team.channel.id}>. A program that has the token can post one." in home.text
    assert "sk-of-tenant" not in str(home)
    assert levers(await team.open_home()) == list(LEVERS)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (KeyCheck.UNVERIFIED, "it is *not verified*: Anchor has not said yet whether it is good"),
        (KeyCheck.REFUSED, "*Anchor refuses it*: nobody can pause or resume until it is replaced"),
    ],
)
async def test_home_says_what_anchor_says_of_the_key(at: ManyHarness, check: KeyCheck, words: str) -> None:
    team = await AdminHarness.open(at)
    await at.store.installations.set_key(team.team_id, AnchorKey(Secret("short"), check))
    home = await team.open_home()
    assert words in home.text
    assert "A key (too short to show its end)" in home.text
    assert "Set by whoever runs this bot." in home.text


async def test_somebody_who_is_no_admin_any_more_has_no_levers_the_next_time(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    assert levers(await team.open_home())
    team.workspace.change_user(team.admin, is_admin=False)
    await team.press("anchor_change_policy")  # what they saw then is still on their screen
    await at.slack.until(lambda: at.slack.modal_of(team.admin))
    await team.submit({})
    view = await team.wait_for_modal("only admins and owners of this workspace may do that")
    assert "Nothing was changed" in view.text
    await at.slack.until(lambda: not levers(at.slack.home_of(team.admin)))


async def test_somebody_who_has_become_an_admin_has_the_levers_the_next_time(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    assert levers(await team.open_home(team.member)) == []
    team.workspace.change_user(team.member, is_admin=True)
    assert levers(await team.open_home(team.member))


async def test_the_messages_tab_shows_nothing_new(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    told = await at.slack.open_home(team.admin, tab="messages")
    assert told.answer.status == 200
    await asyncio.sleep(0.3)
    assert at.slack.home_of(team.admin) is None


async def test_while_slack_does_not_say_who_somebody_is_they_see_everything_but_the_levers(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["users.info"] = server_error(503)
    home = await team.open_home()
    assert "Slack does not say just now whether you are an admin of this workspace." in home.text
    assert levers(home) == []
    at.slack.faults["users.info"] = None
    assert levers(await team.open_home())


async def test_an_app_that_may_not_ask_who_people_are_says_what_to_do(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    team.workspace.installation.scopes.discard("users:read")
    home = await team.open_home()
    assert "installed *without the scope `users:read`*" in home.text
    assert levers(home) == []
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message.startswith("⚠️ This app was installed without the scope `users:read`")


async def test_meanwhile_it_says_nothing_of_who_may_that_does_not_hold(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    team.workspace.installation.scopes.discard("users:read")
    home = await team.open_home(team.member)
    assert "Guests may as well, while this app can't tell them from members." in home.text
    assert "never may. Guests" in home.text
    assert "can set it here, once the app is installed again." in home.text
    assert "Once it is installed again, admins and owners of this workspace can change all this here." in home.text
    assert "in their Home tab" not in home.text


async def test_a_home_that_was_changed_since_slack_told_of_it_shows_what_holds_now(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    before = await team.open_home()
    await at.store.installations.set_key(team.team_id, AnchorKey(Secret("sk-0123456789")))
    event = {"type": "app_home_opened", "user": team.admin.id, "channel": "D1", "tab": "home"}
    await at.slack.events.send(team.workspace, event | {"view": {"id": before.id, "hash": "1.of-before"}})
    home = await team.wait_for_home(team.admin, before)
    assert "A key ending `6789` is set" in home.text


@HTTP_ONLY
async def test_what_another_bot_has_shown_since_is_not_overwritten_by_what_held_before(at: ManyHarness) -> None:
    """The other one takes long to learn who it is, and has looked at the workspace before that."""
    team = await AdminHarness.open(at)
    at.anchor.add_key("sk-0123456789-1234")
    await team.open_home()
    await team.open_modal("anchor_set_key")
    here = at.slack.request_url
    async with another_bot(at) as there:
        at.slack.request_url = there
        at.slack.faults["users.info"] = Slow(1.5, times=1)
        await at.slack.open_home(team.admin)
        at.slack.request_url = here
        await team.submit({"key": "sk-0123456789-1234"})
        await at.slack.until(lambda: len(publications(at)) == 3)
        await asyncio.sleep(0.1)
    home = at.slack.home_of(team.admin)
    assert home is not None
    assert "A key ending `1234` is set" in home.text


async def test_what_was_read_last_is_shown_last(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["views.publish"] = Slow(1.0, times=1)
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: len(publications(at)) == 1)
    await at.store.installations.set_key(team.team_id, AnchorKey(Secret("sk-0123456789")))
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: len(publications(at)) == 2)
    await asyncio.sleep(1.2)  # for the slow one, too
    home = at.slack.home_of(team.admin)
    assert home is not None
    assert "A key ending `6789` is set" in home.text


async def test_only_admins_are_remembered_as_such(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    for user in (team.member, team.admin):
        await team.open_home(user)
    async with asyncio.timeout(5):
        while not (known := await at.store.admins.of(team.team_id)):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    assert known == [team.admin.id]


def publications(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "views.publish"]


async def test_a_slack_that_does_not_take_a_home_is_left_alone(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["views.publish"] = api_error("not_enabled")
    await at.slack.open_home(team.admin)
    await at.slack.until(lambda: [call for call in at.slack.api_calls if call.method == "views.publish"])
    at.slack.faults["views.publish"] = None
    await team.open_home()
    (record,) = [record for record in caplog.records if record.message == "Slack does not show a view"]
    assert (vars(record)["method"], vars(record)["why"]) == ("views.publish", "not_enabled")


async def test_a_slow_slack_does_not_keep_the_event_waiting(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    at.slack.faults["users.info"] = Hang()
    told = await at.slack.open_home(team.admin)
    assert told.answer.status == 200
    assert told.answer.elapsed < 2


async def test_where_one_workspace_is_served_home_says_that_whoever_runs_the_bot_sets_it() -> None:
    async with single_workspace(PAUSE_USERS="U0ALICE0001", ALLOWED_CHANNELS="C0ALERTS001, C0INCIDENT1") as at:
        await at.slack.open_home(at.slack.alice)
        await at.slack.until(lambda: at.slack.home_of(at.slack.alice))
        home = at.slack.home_of(at.slack.alice)
    assert home is not None
    assert "Set by whoever runs this bot." in home.text
    assert "*Who may pause:* <@U0ALICE0001>, only in <#C0ALERTS001>, <#C0INCIDENT1>." in home.text
    assert "*Who may resume:* every full member of this workspace, only in <#C0ALERTS001>, <#C0INCIDENT1>." in home.text
    assert "All this is set by whoever runs this bot, in its settings." in home.text
    assert levers(home) == []


async def test_whoever_is_not_served_has_no_home(at: ManyHarness) -> None:
    tenant = at.add(1)
    told = await at.slack.open_home(tenant.person)
    assert told.answer.status == 200
    assert [call for call in at.slack.api_calls if call.method == "views.publish"] == []


async def test_a_home_that_can_not_be_shown_is_logged(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    team = await AdminHarness.open(at)
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await at.slack.open_home(team.admin)
    while "the database has no answer for a Home" not in caplog.text:  # noqa: ASYNC110 - nothing else tells of it
        await asyncio.sleep(0.01)
    assert at.slack.home_of(team.admin) is None

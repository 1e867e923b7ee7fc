"""An admin says in Slack who may pause and resume, and where."""

import asyncio

import pytest

from bot.core.policy import Policy, Rule
from harness.administration import AdminHarness
from harness.transport import deliver

pytestmark = pytest.mark.anyio


async def policy_of(team: AdminHarness) -> Policy:
    found = await team.at.store.installations.find(team.team_id)
    assert found
    return found.policy


async def ask(team: AdminHarness, user: str, command: str) -> str:
    """What somebody is told, or everybody, of their command."""
    at, tenant, person = team.at, team, getattr(team, user)
    await at.slack.command(person, tenant.channel, tenant.session, command=command)
    return at.slack.seen_by(person, tenant.channel)[-1].text


async def test_an_admin_narrows_each_by_people_and_by_channels(team: AdminHarness) -> None:
    at, tenant = team.at, team
    incidents = team.add_channel("incidents", with_bot=True)
    form = await team.open_modal("anchor_change_policy")
    assert (form.title, form.submit) == ("Who may do what", "Save")
    await team.submit({"pause_users": [team.second.id], "resume_channels": [incidents.id]})
    view = at.slack.modal_of(team.admin)
    assert view is not None
    assert "✅ *Saved.* It holds from the next command on." in view.text
    wanted = Policy(pause=Rule(users=frozenset({team.second.id})), resume=Rule(channels=frozenset({incidents.id})))
    assert await policy_of(team) == wanted
    assert f"only <@{team.second.id}> may pause" in await ask(team, "member", "/anchor-pause")
    assert f"only <@{team.second.id}> may pause" in await ask(team, "admin", "/anchor-pause")
    assert (await ask(team, "second", "/anchor-pause")).startswith("⏸️ *Paused*")
    assert f"lets people resume only in <#{incidents.id}>" in await ask(team, "second", "/anchor-resume")
    await at.slack.command(team.member, incidents, tenant.session, command="/anchor-resume")
    assert at.slack.channel_messages(incidents)[-1].text.startswith("▶️ *Resumed*")


async def test_what_holds_is_filled_in_and_may_be_taken_back(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_change_policy")
    await team.submit({"pause_users": [team.second.id], "pause_channels": [team.channel.id]})
    await at.slack.close(team.admin)
    home = await team.open_home()
    assert f"*Who may pause:* <@{team.second.id}>, only in <#{team.channel.id}>." in home.text
    form = await team.open_modal("anchor_change_policy")
    elements = [form.find(name) or {} for name in ("pause_users", "pause_channels", "resume_users")]
    assert [element.get("initial_users") or element.get("initial_conversations") for element in elements] == [
        [team.second.id],
        [team.channel.id],
        None,
    ]
    await team.submit({"pause_users": [], "pause_channels": []})
    assert await policy_of(team) == Policy()
    assert (await ask(team, "member", "/anchor-pause")).startswith("⏸️ *Paused*")


async def test_the_other_admins_are_told(team: AdminHarness) -> None:
    await team.open_home(team.second)
    await team.open_modal("anchor_change_policy")
    await team.submit({"resume_users": [team.admin.id, team.second.id]})
    named = ", ".join(f"<@{one.id}>" for one in sorted((team.admin, team.second), key=lambda one: one.id))
    for user in (team.admin, team.second):
        (message,) = await team.wait_for_direct_messages(user=user)
        assert message.split("\n")[:3] == [
            f"<@{team.admin.id}> changed who may pause and resume.",
            "*Who may pause:* every full member of this workspace, anywhere in Slack.",
            f"*Who may resume:* {named}, anywhere in Slack.",
        ]


async def test_of_two_admins_at_once_the_second_is_told(team: AdminHarness) -> None:
    at = team.at
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_change_policy", user=user)
    await team.submit({"pause_users": [team.second.id]}, user=team.second)
    await team.submit({"pause_users": [team.admin.id]})
    view = at.slack.modal_of(team.admin)
    assert view is not None
    assert "it has been changed since you looked at it" in view.text
    assert (await policy_of(team)).pause.users == {team.second.id}


async def test_of_two_who_want_the_same_both_have_it(team: AdminHarness) -> None:
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_change_policy", user=user)
    for user in (team.admin, team.second):
        await team.submit({"pause_users": [team.second.id]}, user=user)
        view = team.at.slack.modal_of(user)
        assert view is not None
        assert "*Saved.*" in view.text


async def test_another_setting_that_was_changed_meanwhile_is_no_conflict(team: AdminHarness) -> None:
    """Each has its own version: somebody who replaces the key does not take another's work away."""
    at = team.at
    at.anchor.add_key("sk-other-0123456789")
    await team.open_home(team.second)
    await team.open_modal("anchor_change_policy")
    await team.set_key("sk-other-0123456789", user=team.second)
    await team.submit({"pause_users": [team.second.id]})
    assert (await policy_of(team)).pause.users == {team.second.id}


async def test_somebody_who_is_no_admin_changes_nothing(team: AdminHarness) -> None:
    await team.open_modal("anchor_change_policy")
    team.workspace.change_user(team.admin, is_admin=False)
    await team.submit({"pause_users": [team.admin.id]})
    await team.wait_for_modal("only admins and owners of this workspace may do that.")
    assert await policy_of(team) == Policy()


async def test_a_rule_holds_for_the_button_too(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_change_policy")
    await team.submit({"pause_users": [team.second.id]})
    element = {
        "type": "button",
        "action_id": "anchor_pause",
        "text": {"type": "plain_text", "text": "Pause"},
        "value": team.session,
    }
    alert = at.slack.post(team.channel, "High spend", blocks=[{"type": "actions", "elements": [element]}])
    await at.slack.click(team.member, alert)
    await at.slack.until(lambda: at.slack.seen_by(team.member, team.channel)[-1].ephemeral_to)
    message = at.slack.seen_by(team.member, team.channel)[-1]
    assert f"only <@{team.second.id}> may pause" in message.text
    await asyncio.gather(*[at.slack.click(team.second, alert)])
    await at.anchor.until(lambda: team.orders)


async def test_a_dialog_that_asks_for_less_than_the_bot_knows_changes_nothing(team: AdminHarness) -> None:
    """It may be one of an earlier version: what it does not ask for must not count as taken back."""
    at, team_id = team.at, team.team_id
    narrow = Policy(pause=Rule(users=frozenset({team.second.id})))
    form = await team.open_modal("anchor_change_policy")
    assert await at.store.installations.set_policy(team_id, narrow, if_version=await at.policy_version(team_id))
    less = {"resume_users": {"resume_users": {"type": "multi_users_select", "selected_users": []}}}
    view = {
        "id": form.id,
        "type": "modal",
        "callback_id": form.callback_id,
        "private_metadata": str(await at.policy_version(team_id)),
    }
    submission = {
        "type": "view_submission",
        "user": {"id": team.admin.id, "team_id": team_id},
        "view": view | {"app_installed_team_id": team_id, "state": {"values": less}},
    }
    answer = await deliver(at.slack, "interactive", submission, takes_answer=True)
    assert "it has been changed since you looked at it" in answer.body.decode()
    assert await policy_of(team) == narrow


async def test_while_the_database_is_away_nobody_is_told_more_than_is_known(team: AdminHarness) -> None:
    await team.open_modal("anchor_change_policy")
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await team.submit({"pause_users": [team.second.id]})
    await team.wait_for_modal("The bot's database gives no answer, so it is not known whether this was saved.")

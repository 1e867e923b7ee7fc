"""An admin says in Slack who may pause and resume, and where."""

import asyncio

import pytest

from bot.core.policy import Policy, Rule
from conversations.offices import Office
from harness import deliver

pytestmark = pytest.mark.anyio


async def policy_of(office: Office) -> Policy:
    found = await office.at.store.installations.find(office.tenant.team_id)
    assert found
    return found.policy


async def ask(office: Office, user: str, command: str) -> str:
    """What somebody is told, or everybody, of their command."""
    at, tenant, person = office.at, office.tenant, getattr(office, user)
    await at.slack.command(person, tenant.alerts, tenant.session, command=command)
    return at.slack.seen_by(person, tenant.alerts)[-1].text


async def test_an_admin_narrows_each_by_people_and_by_channels(office: Office) -> None:
    at, tenant = office.at, office.tenant
    incidents = office.channel("incidents", with_bot=True)
    form = await office.dialog("anchor_change_policy")
    assert (form.title, form.submit) == ("Who may do what", "Save")
    await office.submit({"pause_users": [office.second.id], "resume_channels": [incidents.id]})
    view = at.slack.modal_of(office.admin)
    assert view is not None
    assert "✅ *Saved.* It holds from the next command on." in view.text
    wanted = Policy(pause=Rule(users=frozenset({office.second.id})), resume=Rule(channels=frozenset({incidents.id})))
    assert await policy_of(office) == wanted
    assert f"only <@{office.second.id}> may pause" in await ask(office, "member", "/anchor-pause")
    assert f"only <@{office.second.id}> may pause" in await ask(office, "admin", "/anchor-pause")
    assert (await ask(office, "second", "/anchor-pause")).startswith("⏸️ *Paused*")
    assert f"lets people resume only in <#{incidents.id}>" in await ask(office, "second", "/anchor-resume")
    await at.slack.command(office.member, incidents, tenant.session, command="/anchor-resume")
    assert at.slack.channel_messages(incidents)[-1].text.startswith("▶️ *Resumed*")


async def test_what_holds_is_filled_in_and_may_be_taken_back(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_change_policy")
    await office.submit({"pause_users": [office.second.id], "pause_channels": [office.tenant.alerts.id]})
    await at.slack.close(office.admin)
    home = await office.home()
    assert f"*Who may pause:* <@{office.second.id}>, only in <#{office.tenant.alerts.id}>." in home.text
    form = await office.dialog("anchor_change_policy")
    elements = [form.find(name) or {} for name in ("pause_users", "pause_channels", "resume_users")]
    assert [element.get("initial_users") or element.get("initial_conversations") for element in elements] == [
        [office.second.id],
        [office.tenant.alerts.id],
        None,
    ]
    await office.submit({"pause_users": [], "pause_channels": []})
    assert await policy_of(office) == Policy()
    assert (await ask(office, "member", "/anchor-pause")).startswith("⏸️ *Paused*")


async def test_the_other_admins_are_told(office: Office) -> None:
    await office.home(office.second)
    await office.dialog("anchor_change_policy")
    await office.submit({"resume_users": [office.admin.id, office.second.id]})
    named = ", ".join(f"<@{one.id}>" for one in sorted((office.admin, office.second), key=lambda one: one.id))
    for user in (office.admin, office.second):
        (message,) = await office.told(user)
        assert message.split("\n")[:3] == [
            f"<@{office.admin.id}> changed who may pause and resume.",
            "*Who may pause:* every full member of this workspace, anywhere in Slack.",
            f"*Who may resume:* {named}, anywhere in Slack.",
        ]


async def test_of_two_admins_at_once_the_second_is_told(office: Office) -> None:
    at = office.at
    await office.home(office.second)
    for user in (office.admin, office.second):
        await office.dialog("anchor_change_policy", user=user)
    await office.submit({"pause_users": [office.second.id]}, user=office.second)
    await office.submit({"pause_users": [office.admin.id]})
    view = at.slack.modal_of(office.admin)
    assert view is not None
    assert "it has been changed since you looked at it" in view.text
    assert (await policy_of(office)).pause.users == {office.second.id}


async def test_of_two_who_want_the_same_both_have_it(office: Office) -> None:
    await office.home(office.second)
    for user in (office.admin, office.second):
        await office.dialog("anchor_change_policy", user=user)
    for user in (office.admin, office.second):
        await office.submit({"pause_users": [office.second.id]}, user=user)
        view = office.at.slack.modal_of(user)
        assert view is not None
        assert "*Saved.*" in view.text


async def test_another_setting_that_was_changed_meanwhile_is_no_conflict(office: Office) -> None:
    """Each has its own version: somebody who replaces the key does not take another's work away."""
    at = office.at
    at.anchor.add_key("sk-other-0123456789")
    await office.home(office.second)
    await office.dialog("anchor_change_policy")
    await office.set_key("sk-other-0123456789", user=office.second)
    await office.submit({"pause_users": [office.second.id]})
    assert (await policy_of(office)).pause.users == {office.second.id}


async def test_somebody_who_is_no_admin_changes_nothing(office: Office) -> None:
    await office.dialog("anchor_change_policy")
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    await office.submit({"pause_users": [office.admin.id]})
    await office.dialog_says("only admins and owners of this workspace may do that.")
    assert await policy_of(office) == Policy()


async def test_a_rule_holds_for_the_button_too(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_change_policy")
    await office.submit({"pause_users": [office.second.id]})
    element = {
        "type": "button",
        "action_id": "anchor_pause",
        "text": {"type": "plain_text", "text": "Pause"},
        "value": office.tenant.session,
    }
    alert = at.slack.post(office.tenant.alerts, "High spend", blocks=[{"type": "actions", "elements": [element]}])
    await at.slack.click(office.member, alert)
    await at.slack.until(lambda: at.slack.seen_by(office.member, office.tenant.alerts)[-1].ephemeral_to)
    message = at.slack.seen_by(office.member, office.tenant.alerts)[-1]
    assert f"only <@{office.second.id}> may pause" in message.text
    await asyncio.gather(*[at.slack.click(office.second, alert)])
    await at.anchor.until(lambda: at.asked(office.tenant))


async def test_a_dialog_that_asks_for_less_than_the_bot_knows_changes_nothing(office: Office) -> None:
    """It may be one of an earlier version: what it does not ask for must not count as taken back."""
    at, team_id = office.at, office.tenant.team_id
    narrow = Policy(pause=Rule(users=frozenset({office.second.id})))
    form = await office.dialog("anchor_change_policy")
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
        "user": {"id": office.admin.id, "team_id": team_id},
        "view": view | {"app_installed_team_id": team_id, "state": {"values": less}},
    }
    answer = await deliver(at.slack, "interactive", submission, takes_answer=True)
    assert "it has been changed since you looked at it" in answer.body.decode()
    assert await policy_of(office) == narrow


async def test_while_the_database_is_away_nobody_is_told_more_than_is_known(office: Office) -> None:
    await office.dialog("anchor_change_policy")
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await office.submit({"pause_users": [office.second.id]})
    await office.dialog_says("The bot's database gives no answer, so it is not known whether this was saved.")

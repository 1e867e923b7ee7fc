"""An admin says in Slack where alerts go, tries it, and lets programs send them."""

import asyncio

import pytest

from bot.core.digest import is_token
from bot.core.workspace import Workspace
from bot.sim.slack import Hang, Slow, View, api_error, rate_limited
from harness import HTTP_ONLY
from harness.administration import AdminHarness, another_bot

pytestmark = pytest.mark.anyio


async def workspace_of(team: AdminHarness) -> Workspace:
    found = await team.at.store.installations.find(team.team_id)
    assert found
    return found


async def home_says(team: AdminHarness, text: str) -> View:
    def shown() -> View | None:
        home = team.at.slack.home_of(team.admin)
        return home if home and text in home.text else None

    await team.at.slack.until(shown)
    view = shown()
    assert view is not None
    return view


async def token_from_dialog(team: AdminHarness) -> str:
    """Make a new token, and read it where it is shown."""
    await team.open_modal("anchor_alerts_token")
    await team.submit({})
    view = await team.wait_for_modal("shown this once")
    return view.text.split("copy it now.\n`")[1].split("`")[0]


# --- where alerts go ---


async def test_a_channel_is_chosen_and_a_test_alert_shows_the_card(team: AdminHarness) -> None:
    at, alerts = team.at, team.channel
    await team.press("anchor_alerts_channel", alerts.id)
    home = await home_says(team, f"✅ A test alert stands in <#{alerts.id}>, and alerts go there.")
    assert f"*Alerts* go to <#{alerts.id}>." in home.text
    (card,) = at.slack.channel_messages(alerts)
    assert "*This is a test alert*" in card.text
    assert "anchor_pause" in str(card.blocks)
    assert (await workspace_of(team)).alerts_channel == alerts.id
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message.startswith(f"<@{team.admin.id}> chose <#{alerts.id}> for alerts.")
    await at.slack.click(team.member, card)
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) > 1)
    assert "Anchor knows no such session" in at.slack.channel_messages(alerts)[-1].text


async def test_a_channel_without_the_bot_is_explained_and_not_taken(team: AdminHarness) -> None:
    at = team.at
    general = team.add_channel("general", with_bot=False)
    await team.press("anchor_alerts_channel", general.id)
    home = await home_says(team, f"⚠️ Alerts can't go to <#{general.id}>.")
    assert "invite the bot: /invite @anchor in that channel. Then choose the channel again." in home.text
    assert "*Alerts* go nowhere yet" in home.text
    (shown_as_chosen,) = [fields["anchor_alerts_channel"] for fields in home.state.values()]
    assert shown_as_chosen["selected_conversation"] is None
    assert (await workspace_of(team)).alerts_channel is None
    general.members.add(team.workspace.installation.bot_user_id)
    await team.press("anchor_alerts_channel", general.id)
    await home_says(team, f"*Alerts* go to <#{general.id}>.")
    assert len(at.slack.channel_messages(general)) == 1


async def test_the_same_refusal_twice_is_shown_twice(team: AdminHarness) -> None:
    """Slack keeps what was chosen in a block that it knows, though it is not what holds."""
    general = team.add_channel("general", with_bot=False)
    for _ in range(2):
        before = team.at.slack.home_of(team.admin)
        await team.press("anchor_alerts_channel", general.id)
        home = await team.wait_for_home(team.admin, before)
        (select,) = [fields["anchor_alerts_channel"] for fields in home.state.values()]
        assert select["selected_conversation"] is None


async def test_what_came_of_it_stands_by_the_control_that_was_used(team: AdminHarness) -> None:
    general = team.add_channel("general", with_bot=False)
    await team.press("anchor_alerts_channel", general.id)
    home = await home_says(team, "Alerts can't go to")
    lines = [line for line in home.text.splitlines() if "lerts" in line]
    about = next(number for number, line in enumerate(lines) if line.startswith("⚠️ Alerts can't go to"))
    assert lines[about + 1].startswith("*Alerts* go nowhere yet")


@pytest.mark.parametrize("slow", [1, 2], ids=["the first is slow", "both are slow"])
async def test_of_two_choices_the_last_one_holds_however_long_slack_takes(team: AdminHarness, slow: int) -> None:
    at = team.at
    first, last = team.add_channel("first", with_bot=True), team.add_channel("last", with_bot=True)
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=slow)
    await team.press("anchor_alerts_channel", first.id)
    await asyncio.sleep(0.3)
    await team.press("anchor_alerts_channel", last.id)
    await home_says(team, f"A test alert stands in <#{last.id}>")
    assert (await workspace_of(team)).alerts_channel == last.id


async def test_why_a_channel_was_not_taken_is_still_there_when_the_admin_comes_back_from_it(
    team: AdminHarness,
) -> None:
    general = team.add_channel("general", with_bot=False)
    await team.press("anchor_alerts_channel", general.id)
    await home_says(team, "Alerts can't go to")
    assert "Alerts can't go to" in (await team.open_home()).text
    assert "Alerts can't go to" not in (await team.open_home(team.second)).text
    general.members.add(team.workspace.installation.bot_user_id)
    await team.press("anchor_alerts_channel", general.id)
    assert "Alerts can't go to" not in (await home_says(team, "✅ A test alert stands in")).text
    assert "A test alert stands in" not in (await team.open_home()).text


@HTTP_ONLY
async def test_what_another_admin_chose_meanwhile_at_another_bot_is_made_if_it_is_the_same(
    team: AdminHarness,
) -> None:
    at, alerts = team.at, team.channel
    await team.open_home(team.second)
    first_bot = at.slack.request_url
    async with another_bot(at) as second_bot:
        at.slack.faults["chat.postMessage"] = Slow(1.2)
        await team.press("anchor_alerts_channel", alerts.id)
        at.slack.request_url = second_bot
        before = at.slack.home_of(team.second)
        await team.press("anchor_alerts_channel", alerts.id, user=team.second)
        at.slack.request_url = first_bot
        home = await team.wait_for_home(team.second, before)
    assert f"✅ A test alert stands in <#{alerts.id}>, and alerts go there." in home.text


async def test_a_choice_that_another_bot_overtakes_is_none(team: AdminHarness) -> None:
    at = team.at
    first, last = team.add_channel("first", with_bot=True), team.add_channel("last", with_bot=True)
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=1)
    await team.press("anchor_alerts_channel", first.id)
    await at.slack.until(lambda: at.slack.faults["chat.postMessage"] is None)
    await at.store.installations.set_alerts_channel(team.team_id, last.id)
    home = await home_says(team, "*Nothing was changed:* it has been changed since you looked at it")
    assert f"*Alerts* go to <#{last.id}>." in home.text


async def test_a_slack_that_does_not_answer_leaves_alerts_where_they_went(team: AdminHarness) -> None:
    team.at.slack.faults["chat.postMessage"] = Hang()
    await team.press("anchor_alerts_channel", team.channel.id)
    await team.at.slack.until(lambda: "⚠️ Slack did not answer" in shown(team), within=15)
    team.at.slack.faults["chat.postMessage"] = None
    assert (await workspace_of(team)).alerts_channel is None


async def test_a_slack_that_takes_no_more_messages_has_certainly_posted_none(team: AdminHarness) -> None:
    team.at.slack.faults["chat.postMessage"] = rate_limited(60)
    await team.press("anchor_alerts_channel", team.channel.id)
    await home_says(team, "Nothing was posted. Slack takes no more messages for now: wait a minute.")
    assert (await workspace_of(team)).alerts_channel is None


def shown(team: AdminHarness) -> str:
    home = team.at.slack.home_of(team.admin)
    return home.text if home else ""


async def test_the_chosen_channel_is_tried_again_by_a_button(team: AdminHarness) -> None:
    at, alerts = team.at, team.channel
    await team.press("anchor_alerts_channel", alerts.id)
    await home_says(team, "A test alert stands in")
    await team.open_home()
    await team.press("anchor_test_alert")
    await home_says(team, "A test alert stands in")
    assert len(at.slack.channel_messages(alerts)) == 2
    assert len(await team.wait_for_direct_messages(user=team.admin)) == 1, "nothing was changed by the second"


async def test_the_same_channel_again_is_tried_and_no_news(team: AdminHarness) -> None:
    at, alerts = team.at, team.channel
    for _ in range(2):
        await team.press("anchor_alerts_channel", alerts.id)
        await home_says(team, "A test alert stands in")
        await team.open_home()
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) == 2)
    await team.press("anchor_test_alert")
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) == 3)
    assert len(await team.wait_for_direct_messages(user=team.admin)) == 1


async def test_a_test_alert_without_a_channel_says_so(team: AdminHarness) -> None:
    """The button was there a moment ago."""
    await team.press("anchor_alerts_channel", team.channel.id)
    await home_says(team, "A test alert stands in")
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("UPDATE workspaces SET alerts_channel = NULL")
    await team.press("anchor_test_alert")
    await home_says(team, "⚠️ *Nothing was changed:* no channel is chosen for alerts.")


@pytest.mark.parametrize("action", ["anchor_alerts_channel", "anchor_test_alert"])
async def test_somebody_who_is_no_admin_any_more_posts_nothing(team: AdminHarness, action: str) -> None:
    await team.at.store.installations.set_alerts_channel(team.team_id, team.channel.id)
    await team.open_home()
    team.workspace.change_user(team.admin, is_admin=False)
    await team.press(action, team.channel.id if action == "anchor_alerts_channel" else None)
    home = await home_says(team, "only admins and owners of this workspace may do that.")
    assert home.find(action) is None
    assert team.at.slack.channel_messages(team.channel) == []


async def test_while_the_database_is_away_nothing_is_chosen_and_home_says_so(team: AdminHarness) -> None:
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await team.press("anchor_alerts_channel", team.channel.id)
    await home_says(team, "it is not known whether this was saved")
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO workspaces")
    assert (await workspace_of(team)).alerts_channel is None


# --- the token of programs ---


async def test_the_url_and_a_new_token_are_had_in_a_dialog(team: AdminHarness) -> None:
    at, tenant = team.at, team
    await at.store.installations.set_alerts_channel(tenant.team_id, tenant.channel.id)
    form = await team.open_modal("anchor_alerts_token")
    url = f"{at.environ['BASE_URL']}/alerts/{tenant.team_id}"
    assert f"`{url}`" in form.text
    assert "No token was made yet." in form.text
    await at.slack.close(team.admin)
    token = await token_from_dialog(team)
    assert is_token(token, (await workspace_of(team)).alerts_token_digest)
    status, _ = await at.post_alert(tenant.team_id, token, session_id=tenant.session, text="Spends too fast")
    assert status == 200
    assert "Spends too fast" in at.slack.channel_messages(tenant.channel)[-1].text
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message.startswith(f"<@{team.admin.id}> made a new token for alerts.")
    assert token not in str(at.slack.home_of(team.admin))


async def test_a_new_token_ends_the_one_before(team: AdminHarness) -> None:
    at, tenant = team.at, team
    await at.store.installations.set_alerts_channel(tenant.team_id, tenant.channel.id)
    first = await token_from_dialog(team)
    await at.slack.close(team.admin)
    await team.open_home()
    form = await team.open_modal("anchor_alerts_token")
    assert "A token was made; it can't be shown again." in form.text
    assert first not in form.text
    await team.submit({})
    await team.wait_for_modal("shown this once")
    status, _ = await at.post_alert(tenant.team_id, first, session_id=tenant.session, text="Spends too fast")
    assert status == 401


async def test_a_token_whose_dialog_is_gone_is_written_nowhere_else(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_alerts_token")
    at.slack.faults["users.info"] = Slow(2.4)
    await team.submit({})
    await at.slack.close(team.admin)
    told = await team.wait_for_direct_messages(2, user=team.admin)
    assert any("was made, but its dialog could not show it" in text for text in told)
    found = await workspace_of(team)
    assert found.alerts_token_digest is not None
    assert not any("`" in text for text in told)


async def test_somebody_who_is_no_admin_gets_no_token(team: AdminHarness) -> None:
    await team.open_modal("anchor_alerts_token")
    team.workspace.change_user(team.admin, is_admin=False)
    await team.submit({})
    await team.wait_for_modal("only admins and owners of this workspace may do that.")
    assert (await workspace_of(team)).alerts_token_digest is None


async def test_a_channel_that_slack_refuses_for_another_reason_is_explained(team: AdminHarness) -> None:
    team.at.slack.faults["chat.postMessage"] = api_error("restricted_action", times=1)
    await team.press("anchor_alerts_channel", team.channel.id)
    home = await home_says(team, "Alerts can't go to")
    assert "(restricted_action)" in home.text


async def test_a_dialog_that_was_open_while_another_made_a_token_makes_none(team: AdminHarness) -> None:
    at = team.at
    await team.open_home(team.second)
    await team.open_modal("anchor_alerts_token")
    await team.open_modal("anchor_alerts_token", user=team.second)
    await team.submit({}, user=team.second)
    shown = await team.wait_for_modal("shown this once", user=team.second)
    token = shown.text.split("copy it now.\n`")[1].split("`")[0]
    await team.submit({})
    await team.wait_for_modal("*Nothing was changed:* it has been changed since you looked at it")
    assert is_token(token, (await workspace_of(team)).alerts_token_digest or "")
    assert at.slack.violations == []

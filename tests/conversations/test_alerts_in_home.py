"""An admin says in Slack where alerts go, tries it, and lets programs send them."""

import asyncio

import pytest

from bot.core.digest import is_token
from bot.core.workspace import Workspace
from bot.sim.slack import Hang, Slow, View, api_error, rate_limited
from conversations.offices import Office, another_bot
from harness import HTTP_ONLY

pytestmark = pytest.mark.anyio


async def workspace_of(office: Office) -> Workspace:
    found = await office.at.store.installations.find(office.tenant.team_id)
    assert found
    return found


async def home_says(office: Office, text: str) -> View:
    def shown() -> View | None:
        home = office.at.slack.home_of(office.admin)
        return home if home and text in home.text else None

    await office.at.slack.until(shown)
    view = shown()
    assert view is not None
    return view


async def token_from_dialog(office: Office) -> str:
    """Make a new token, and read it where it is shown."""
    await office.dialog("anchor_alerts_token")
    await office.submit({})
    view = await office.dialog_says("shown this once")
    return view.text.split("copy it now.\n`")[1].split("`")[0]


# --- where alerts go ---


async def test_a_channel_is_chosen_and_a_test_alert_shows_the_card(office: Office) -> None:
    at, alerts = office.at, office.tenant.alerts
    await office.press("anchor_alerts_channel", alerts.id)
    home = await home_says(office, f"✅ A test alert stands in <#{alerts.id}>, and alerts go there.")
    assert f"*Alerts* go to <#{alerts.id}>." in home.text
    (card,) = at.slack.channel_messages(alerts)
    assert "*This is a test alert*" in card.text
    assert "anchor_pause" in str(card.blocks)
    assert (await workspace_of(office)).alerts_channel == alerts.id
    (message,) = await office.told(office.admin)
    assert message.startswith(f"<@{office.admin.id}> chose <#{alerts.id}> for alerts.")
    await at.slack.click(office.member, card)
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) > 1)
    assert "Anchor knows no such session" in at.slack.channel_messages(alerts)[-1].text


async def test_a_channel_without_the_bot_is_explained_and_not_taken(office: Office) -> None:
    at = office.at
    general = office.channel("general", with_bot=False)
    await office.press("anchor_alerts_channel", general.id)
    home = await home_says(office, f"⚠️ Alerts can't go to <#{general.id}>.")
    assert "invite the bot: /invite @anchor in that channel. Then choose the channel again." in home.text
    assert "*Alerts* go nowhere yet" in home.text
    (shown_as_chosen,) = [fields["anchor_alerts_channel"] for fields in home.state.values()]
    assert shown_as_chosen["selected_conversation"] is None
    assert (await workspace_of(office)).alerts_channel is None
    general.members.add(office.tenant.workspace.installation.bot_user_id)
    await office.press("anchor_alerts_channel", general.id)
    await home_says(office, f"*Alerts* go to <#{general.id}>.")
    assert len(at.slack.channel_messages(general)) == 1


async def test_the_same_refusal_twice_is_shown_twice(office: Office) -> None:
    """Slack keeps what was chosen in a block that it knows, though it is not what holds."""
    general = office.channel("general", with_bot=False)
    for _ in range(2):
        before = office.at.slack.home_of(office.admin)
        await office.press("anchor_alerts_channel", general.id)
        home = await office.home_changes(office.admin, before)
        (select,) = [fields["anchor_alerts_channel"] for fields in home.state.values()]
        assert select["selected_conversation"] is None


async def test_what_came_of_it_stands_by_the_control_that_was_used(office: Office) -> None:
    general = office.channel("general", with_bot=False)
    await office.press("anchor_alerts_channel", general.id)
    home = await home_says(office, "Alerts can't go to")
    lines = [line for line in home.text.splitlines() if "lerts" in line]
    about = next(number for number, line in enumerate(lines) if line.startswith("⚠️ Alerts can't go to"))
    assert lines[about + 1].startswith("*Alerts* go nowhere yet")


@pytest.mark.parametrize("slow", [1, 2], ids=["the first is slow", "both are slow"])
async def test_of_two_choices_the_last_one_holds_however_long_slack_takes(office: Office, slow: int) -> None:
    at = office.at
    first, last = office.channel("first", with_bot=True), office.channel("last", with_bot=True)
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=slow)
    await office.press("anchor_alerts_channel", first.id)
    await asyncio.sleep(0.3)
    await office.press("anchor_alerts_channel", last.id)
    await home_says(office, f"A test alert stands in <#{last.id}>")
    assert (await workspace_of(office)).alerts_channel == last.id


async def test_why_a_channel_was_not_taken_is_still_there_when_the_admin_comes_back_from_it(office: Office) -> None:
    general = office.channel("general", with_bot=False)
    await office.press("anchor_alerts_channel", general.id)
    await home_says(office, "Alerts can't go to")
    assert "Alerts can't go to" in (await office.home()).text
    assert "Alerts can't go to" not in (await office.home(office.second)).text
    general.members.add(office.tenant.workspace.installation.bot_user_id)
    await office.press("anchor_alerts_channel", general.id)
    assert "Alerts can't go to" not in (await home_says(office, "✅ A test alert stands in")).text
    assert "A test alert stands in" not in (await office.home()).text


@HTTP_ONLY
async def test_what_another_admin_chose_meanwhile_at_another_bot_is_made_if_it_is_the_same(office: Office) -> None:
    at, alerts = office.at, office.tenant.alerts
    await office.home(office.second)
    first_bot = at.slack.request_url
    async with another_bot(at) as second_bot:
        at.slack.faults["chat.postMessage"] = Slow(1.2)
        await office.press("anchor_alerts_channel", alerts.id)
        at.slack.request_url = second_bot
        before = at.slack.home_of(office.second)
        await office.press("anchor_alerts_channel", alerts.id, user=office.second)
        at.slack.request_url = first_bot
        home = await office.home_changes(office.second, before)
    assert f"✅ A test alert stands in <#{alerts.id}>, and alerts go there." in home.text


async def test_a_choice_that_another_bot_overtakes_is_none(office: Office) -> None:
    at = office.at
    first, last = office.channel("first", with_bot=True), office.channel("last", with_bot=True)
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=1)
    await office.press("anchor_alerts_channel", first.id)
    await at.slack.until(lambda: at.slack.faults["chat.postMessage"] is None)
    await at.store.installations.set_alerts_channel(office.tenant.team_id, last.id)
    home = await home_says(office, "*Nothing was changed:* it has been changed since you looked at it")
    assert f"*Alerts* go to <#{last.id}>." in home.text


async def test_a_slack_that_does_not_answer_leaves_alerts_where_they_went(office: Office) -> None:
    office.at.slack.faults["chat.postMessage"] = Hang()
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    await office.at.slack.until(lambda: "⚠️ Slack did not answer" in shown(office), within=15)
    office.at.slack.faults["chat.postMessage"] = None
    assert (await workspace_of(office)).alerts_channel is None


async def test_a_slack_that_takes_no_more_messages_has_certainly_posted_none(office: Office) -> None:
    office.at.slack.faults["chat.postMessage"] = rate_limited(60)
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    await home_says(office, "Nothing was posted. Slack takes no more messages for now: wait a minute.")
    assert (await workspace_of(office)).alerts_channel is None


def shown(office: Office) -> str:
    home = office.at.slack.home_of(office.admin)
    return home.text if home else ""


async def test_the_chosen_channel_is_tried_again_by_a_button(office: Office) -> None:
    at, alerts = office.at, office.tenant.alerts
    await office.press("anchor_alerts_channel", alerts.id)
    await home_says(office, "A test alert stands in")
    await office.home()
    await office.press("anchor_test_alert")
    await home_says(office, "A test alert stands in")
    assert len(at.slack.channel_messages(alerts)) == 2
    assert len(await office.told(office.admin)) == 1, "nothing was changed by the second"


async def test_the_same_channel_again_is_tried_and_no_news(office: Office) -> None:
    at, alerts = office.at, office.tenant.alerts
    for _ in range(2):
        await office.press("anchor_alerts_channel", alerts.id)
        await home_says(office, "A test alert stands in")
        await office.home()
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) == 2)
    await office.press("anchor_test_alert")
    await at.slack.until(lambda: len(at.slack.channel_messages(alerts)) == 3)
    assert len(await office.told(office.admin)) == 1


async def test_a_test_alert_without_a_channel_says_so(office: Office) -> None:
    """The button was there a moment ago."""
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    await home_says(office, "A test alert stands in")
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("UPDATE workspaces SET alerts_channel = NULL")
    await office.press("anchor_test_alert")
    await home_says(office, "⚠️ *Nothing was changed:* no channel is chosen for alerts.")


@pytest.mark.parametrize("action", ["anchor_alerts_channel", "anchor_test_alert"])
async def test_somebody_who_is_no_admin_any_more_posts_nothing(office: Office, action: str) -> None:
    await office.at.store.installations.set_alerts_channel(office.tenant.team_id, office.tenant.alerts.id)
    await office.home()
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    await office.press(action, office.tenant.alerts.id if action == "anchor_alerts_channel" else None)
    home = await home_says(office, "only admins and owners of this workspace may do that.")
    assert home.find(action) is None
    assert office.at.slack.channel_messages(office.tenant.alerts) == []


async def test_while_the_database_is_away_nothing_is_chosen_and_home_says_so(office: Office) -> None:
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    await home_says(office, "it is not known whether this was saved")
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO workspaces")
    assert (await workspace_of(office)).alerts_channel is None


# --- the token of programs ---


async def test_the_url_and_a_new_token_are_had_in_a_dialog(office: Office) -> None:
    at, tenant = office.at, office.tenant
    await at.store.installations.set_alerts_channel(tenant.team_id, tenant.alerts.id)
    form = await office.dialog("anchor_alerts_token")
    url = f"{at.environ['BASE_URL']}/alerts/{tenant.team_id}"
    assert f"`{url}`" in form.text
    assert "No token was made yet." in form.text
    await at.slack.close(office.admin)
    token = await token_from_dialog(office)
    assert is_token(token, (await workspace_of(office)).alerts_token_digest)
    status, _ = await at.alert(tenant.team_id, token, session_id=tenant.session, text="Spends too fast")
    assert status == 200
    assert "Spends too fast" in at.slack.channel_messages(tenant.alerts)[-1].text
    (message,) = await office.told(office.admin)
    assert message.startswith(f"<@{office.admin.id}> made a new token for alerts.")
    assert token not in str(at.slack.home_of(office.admin))


async def test_a_new_token_ends_the_one_before(office: Office) -> None:
    at, tenant = office.at, office.tenant
    await at.store.installations.set_alerts_channel(tenant.team_id, tenant.alerts.id)
    first = await token_from_dialog(office)
    await at.slack.close(office.admin)
    await office.home()
    form = await office.dialog("anchor_alerts_token")
    assert "A token was made; it can't be shown again." in form.text
    assert first not in form.text
    await office.submit({})
    await office.dialog_says("shown this once")
    status, _ = await at.alert(tenant.team_id, first, session_id=tenant.session, text="Spends too fast")
    assert status == 401


async def test_a_token_whose_dialog_is_gone_is_written_nowhere_else(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_alerts_token")
    at.slack.faults["users.info"] = Slow(2.4)
    await office.submit({})
    await at.slack.close(office.admin)
    told = await office.told(office.admin, 2)
    assert any("was made, but its dialog could not show it" in text for text in told)
    found = await workspace_of(office)
    assert found.alerts_token_digest is not None
    assert not any("`" in text for text in told)


async def test_somebody_who_is_no_admin_gets_no_token(office: Office) -> None:
    await office.dialog("anchor_alerts_token")
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    await office.submit({})
    await office.dialog_says("only admins and owners of this workspace may do that.")
    assert (await workspace_of(office)).alerts_token_digest is None


async def test_a_channel_that_slack_refuses_for_another_reason_is_explained(office: Office) -> None:
    office.at.slack.faults["chat.postMessage"] = api_error("restricted_action", times=1)
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    home = await home_says(office, "Alerts can't go to")
    assert "(restricted_action)" in home.text


async def test_a_dialog_that_was_open_while_another_made_a_token_makes_none(office: Office) -> None:
    at = office.at
    await office.home(office.second)
    await office.dialog("anchor_alerts_token")
    await office.dialog("anchor_alerts_token", user=office.second)
    await office.submit({}, user=office.second)
    shown = await office.dialog_says("shown this once", user=office.second)
    token = shown.text.split("copy it now.\n`")[1].split("`")[0]
    await office.submit({})
    await office.dialog_says("*Nothing was changed:* it has been changed since you looked at it")
    assert is_token(token, (await workspace_of(office)).alerts_token_digest or "")
    assert at.slack.violations == []

"""What admins see when something goes wrong between them and the workspace's settings."""

import asyncio
import logging

import pytest

from bot.app import running
from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.secret import Secret
from bot.settings import Settings
from bot.sim.anchor import Hang
from bot.sim.slack import Fault, Slow, rate_limited, server_error
from conversations.offices import Office, another_bot
from harness import HTTP_ONLY
from tenants import Tenancy

pytestmark = pytest.mark.anyio

KEY = "sk-first-0123456789-1234"


@pytest.fixture
async def office(at: Tenancy) -> Office:
    """A workspace with a key, in which an admin looks at Home."""
    at.anchor.add_key(KEY)
    office = await Office.open(at, with_key=True)
    await office.home()
    return office


async def run(office: Office, statement: str) -> None:
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql(statement)


async def logged(caplog: pytest.LogCaptureFixture, message: str) -> logging.LogRecord:
    async with asyncio.timeout(10):
        while message not in caplog.text:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)
    return next(record for record in caplog.records if record.message == message)


def shown(office: Office) -> str:
    home = office.at.slack.home_of(office.admin)
    return home.text if home else ""


async def test_a_dialog_does_not_open_while_the_database_is_away(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await run(office, "DELETE FROM workspaces")  # what is known is not used for what is gone
    await office.press("anchor_set_key")
    record = await logged(caplog, "a dialog can't be opened")
    assert vars(record)["why"] == "the app is not installed"
    caplog.clear()
    await run(office, "ALTER TABLE workspaces RENAME TO gone")
    await office.press("anchor_change_policy")
    record = await logged(caplog, "a dialog can't be opened")
    assert vars(record)["why"] == "OperationalError"
    assert office.at.slack.modal_of(office.admin) is None


async def test_a_workspace_that_is_gone_is_said_to_be_gone(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_set_key")
    assert await at.store.installations.delete(office.tenant.team_id)
    await office.submit({"key": KEY})
    view = await office.dialog_says("Nothing was changed")
    assert "this bot does not serve this workspace any more. An admin can install it again." in view.text


@pytest.mark.parametrize("why", ["the workspace is gone", "the database is away"])
async def test_what_can_not_be_said_in_time_and_not_later_either_is_logged(
    office: Office, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    at = office.at
    await office.dialog("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await office.submit({"key": KEY})
    assert "⏳ Checking…" in (await office.dialog_says("Checking")).text
    await run(office, "DELETE FROM workspaces")
    if why == "the database is away":
        await office.press("anchor_set_key")  # so that the bot does not know the workspace any more
        await logged(caplog, "a dialog can't be opened")
        await run(office, "ALTER TABLE workspaces RENAME TO gone")
    record = await logged(caplog, "a direct message could not be sent")
    assert vars(record)["user"] == office.admin.id


async def test_while_the_database_is_away_an_outcome_is_said_and_the_brake_stays(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await office.submit({"key": KEY})
    await office.dialog_says("Checking")
    await run(office, "ALTER TABLE workspaces RENAME TO gone")
    assert "database gives no answer, so it is not known whether" in (await office.dialog_says("database")).text
    await office.press("anchor_remove_key")
    await at.slack.until(lambda: "it is not known whether this was saved" in shown(office))
    at.anchor.fault = None
    await at.type(office.tenant)
    assert "*Paused*" in at.said(office.tenant)[-1].text


@pytest.mark.parametrize("fault", [server_error(503), rate_limited(30), Hang()], ids=repr)
async def test_what_can_not_be_shown_in_home_comes_as_a_message(office: Office, fault: Fault) -> None:
    general = office.channel("general", with_bot=False)
    office.at.slack.faults["views.publish"] = fault
    await office.press("anchor_alerts_channel", general.id)
    await office.at.slack.until(lambda: office.messages_to(office.admin), within=8)
    (message,) = office.messages_to(office.admin)
    assert message.text.startswith(f"⚠️ Alerts can't go to <#{general.id}>.")


@HTTP_ONLY
async def test_whoever_is_left_with_a_dialog_that_says_one_moment_is_told(office: Office) -> None:
    at = office.at
    async with another_bot(at) as url:  # which does not know who this is
        at.slack.request_url = url
        at.slack.faults["views.update"] = server_error(503, times=1)
        await office.press("anchor_set_key")
        (message,) = await office.told(office.admin)
    assert message == "The dialog that you asked for did not open in time. Press the button once more."


@HTTP_ONLY
async def test_a_new_admin_gets_the_form_from_a_bot_that_knew_them_as_a_member(office: Office) -> None:
    at, member = office.at, office.member
    await office.home(member)
    here = at.slack.request_url
    async with another_bot(at) as url:
        office.tenant.workspace.change_user(member, is_admin=True)
        at.slack.request_url = url
        await office.home(member)
        at.slack.request_url = here
        assert (await office.dialog("anchor_set_key", user=member)).submit == "Save"


@HTTP_ONLY
async def test_an_admin_who_can_not_be_remembered_sees_their_home(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await run(office, "ALTER TABLE admins RENAME TO gone")
    await office.home(office.second)
    await logged(caplog, "an admin can't be remembered")
    assert office.messages_to(office.second) == []


@HTTP_ONLY
async def test_what_a_stop_cuts_short_is_called_unknown(office: Office) -> None:
    """The dialog has said that the outcome would come."""
    at = office.at
    here = at.slack.request_url
    async with running(Settings.from_env(at.environ | {"PORT": "0"})) as bot:
        await bot.identification
        at.slack.request_url = f"{bot.url}/slack/events"
        await office.home()
        await office.dialog("anchor_set_key")
        at.anchor.fault = Hang()
        await office.submit({"key": KEY})
        assert "⏳ Checking…" in (await office.dialog_says("Checking")).text
    view = await office.dialog_says("The bot was stopped")
    assert "so it is not known whether this was saved. Look into the Home tab in a minute" in view.text
    at.slack.request_url = here


async def test_whoever_made_a_change_is_told_even_if_nobody_knows_the_other_admins(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await run(office, "ALTER TABLE admins RENAME TO gone")
    await office.dialog("anchor_set_key")
    await office.submit({"key": KEY})
    (message,) = await office.told(office.admin)
    assert message.startswith(f"<@{office.admin.id}> replaced the Anchor key")
    await logged(caplog, "the admins can't be looked up")


async def test_somebody_who_is_no_admin_any_more_removes_nothing(office: Office) -> None:
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    await office.press("anchor_remove_key")
    await office.at.slack.until(lambda: "only admins and owners of this workspace may do that" in shown(office))
    assert "A key" in shown(office)


async def test_a_key_that_is_removed_already_is_called_removed(office: Office) -> None:
    await run(office, "UPDATE workspaces SET anchor_api_key = NULL")
    await office.press("anchor_remove_key")
    await office.at.slack.until(lambda: "✅ The key was removed." in shown(office))
    assert office.messages_to(office.admin) == []


async def test_of_a_press_that_slack_sends_twice_the_second_does_not_deny_the_first(office: Office) -> None:
    await asyncio.gather(office.press("anchor_remove_key"), office.press("anchor_remove_key"))
    await office.told(office.admin)
    await office.at.slack.until(lambda: "was removed." in shown(office))
    await asyncio.sleep(0.5)
    assert "Nothing was changed" not in shown(office)
    assert len(office.messages_to(office.admin)) == 1


async def test_a_choice_of_nothing_is_acknowledged_and_changes_nothing(office: Office) -> None:
    home = office.at.slack.home_of(office.admin)
    assert home is not None
    action = {"type": "conversations_select", "action_id": "anchor_alerts_channel", "block_id": "x", "action_ts": "1.2"}
    sent = await office.at.slack.act(
        office.admin, home, "anchor_alerts_channel", office.tenant.alerts.id, actions=[action]
    )
    assert sent.status == 200
    await office.home()
    assert "*Alerts* go nowhere yet" in shown(office)


NO_UPDATE = "CREATE TRIGGER no_update BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'no'); END"


async def test_an_accident_is_told_in_the_dialog_under_its_id(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await office.dialog("anchor_set_key")
    await run(office, NO_UPDATE)
    await office.submit({"key": KEY})
    view = await office.dialog_says("Something broke in the bot itself")
    record = await logged(caplog, next(record.message for record in caplog.records if record.levelno >= logging.ERROR))
    assert f"`{vars(record)['incident']}`" in view.text


async def test_an_accident_is_told_in_home_under_its_id(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await run(office, NO_UPDATE)
    await office.press("anchor_remove_key")
    await office.at.slack.until(lambda: "Something broke in the bot itself" in shown(office))
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"`{vars(record)['incident']}`" in shown(office)


async def test_a_home_that_breaks_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await run(office, "UPDATE workspaces SET anchor_api_key_set_at = 'soon'")
    await office.at.slack.open_home(office.admin)
    record = await logged(caplog, "a Home could not be made")
    assert (vars(record)["user"], record.exc_info is None) == (office.admin.id, False)


async def test_a_dialog_that_breaks_is_logged_under_an_id(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await run(office, "UPDATE workspaces SET anchor_api_key = x'00'")
    await office.press("anchor_set_key")
    record = await logged(caplog, "unforeseen exception")
    assert vars(record)["incident"]


@pytest.mark.parametrize(
    ("dialog", "values"), [("anchor_set_key", {"key": KEY}), ("anchor_change_policy", {})], ids=["key", "policy"]
)
async def test_a_dialog_says_that_its_workspace_has_gone_meanwhile(
    office: Office, dialog: str, values: dict[str, str]
) -> None:
    at = office.at
    await office.dialog(dialog)
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    sending = asyncio.create_task(office.submit(values))
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(office.tenant.team_id)
    await sending
    assert "this bot does not serve this workspace any more." in (await office.dialog_says("Nothing was changed")).text


async def test_a_key_of_a_workspace_that_has_gone_meanwhile_is_not_called_removed(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    at = office.at
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    await office.press("anchor_remove_key")
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(office.tenant.team_id)
    record = await logged(caplog, "administration")
    assert vars(record)["outcome"] == "NotServed"


async def test_no_token_is_shown_of_a_workspace_that_has_gone_meanwhile(office: Office) -> None:
    at = office.at
    await office.dialog("anchor_alerts_token")
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    sending = asyncio.create_task(office.submit({}))
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(office.tenant.team_id)
    await sending
    view = await office.dialog_says("Nothing was changed")
    assert "this bot does not serve this workspace any more." in view.text
    assert office.messages_to(office.admin) == []


async def test_nobody_is_told_of_a_channel_for_a_workspace_that_has_gone_meanwhile(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    at = office.at
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=1)
    await office.press("anchor_alerts_channel", office.tenant.alerts.id)
    await at.slack.until(lambda: at.slack.faults["chat.postMessage"] is None)
    assert await at.store.installations.delete(office.tenant.team_id)
    record = await logged(caplog, "administration")
    assert vars(record)["outcome"] == "NotServed"


async def test_what_was_left_open_when_the_app_was_removed_changes_nothing_of_what_came_after(office: Office) -> None:
    at, team_id = office.at, office.tenant.team_id
    left_open = at.slack.home_of(office.admin)
    await office.dialog("anchor_set_key")
    assert await at.store.installations.delete(team_id)
    assert (await at.install(office.tenant)).status == 200
    anew = AnchorKey(Secret("sk-of-the-new-installation"), KeyCheck.VERIFIED, office.second.id, 1_785_000_000)
    await at.store.installations.set_key(team_id, anew)
    await office.submit({"key": KEY})
    assert "it has been changed since you looked at it" in (await office.dialog_says("Nothing was changed")).text
    await at.slack.close(office.admin)
    assert left_open
    await at.slack.act(office.admin, left_open, "anchor_remove_key")
    await at.slack.until(lambda: "it has been changed since you looked at it" in shown(office))
    found = await at.store.installations.find(team_id)
    assert found
    assert found.anchor_key == anew

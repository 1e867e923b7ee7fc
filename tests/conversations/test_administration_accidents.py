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
from harness import HTTP_ONLY
from harness.administration import AdminHarness, another_bot
from harness.many_workspaces import ManyHarness

pytestmark = pytest.mark.anyio

KEY = "sk-first-0123456789-1234"


@pytest.fixture
async def team(at: ManyHarness) -> AdminHarness:
    """A workspace with a key, in which an admin looks at Home."""
    at.anchor.add_key(KEY)
    team = await AdminHarness.open(at, with_key=True)
    await team.open_home()
    return team


async def run(team: AdminHarness, statement: str) -> None:
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql(statement)


async def logged(caplog: pytest.LogCaptureFixture, message: str) -> logging.LogRecord:
    async with asyncio.timeout(10):
        while message not in caplog.text:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)
    return next(record for record in caplog.records if record.message == message)


def shown(team: AdminHarness) -> str:
    home = team.at.slack.home_of(team.admin)
    return home.text if home else ""


async def test_a_dialog_does_not_open_while_the_database_is_away(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await run(team, "DELETE FROM workspaces")  # what is known is not used for what is gone
    await team.press("anchor_set_key")
    record = await logged(caplog, "a dialog can't be opened")
    assert vars(record)["why"] == "the app is not installed"
    caplog.clear()
    await run(team, "ALTER TABLE workspaces RENAME TO gone")
    await team.press("anchor_change_policy")
    record = await logged(caplog, "a dialog can't be opened")
    assert vars(record)["why"] == "OperationalError"
    assert team.at.slack.modal_of(team.admin) is None


async def test_a_workspace_that_is_gone_is_said_to_be_gone(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_set_key")
    assert await at.store.installations.delete(team.team_id)
    await team.submit({"key": KEY})
    view = await team.wait_for_modal("Nothing was changed")
    assert "this bot does not serve this workspace any more. An admin can install it again." in view.text


@pytest.mark.parametrize("why", ["the workspace is gone", "the database is away"])
async def test_what_can_not_be_said_in_time_and_not_later_either_is_logged(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    at = team.at
    await team.open_modal("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await team.submit({"key": KEY})
    assert "⏳ Checking…" in (await team.wait_for_modal("Checking")).text
    await run(team, "DELETE FROM workspaces")
    if why == "the database is away":
        await team.press("anchor_set_key")  # so that the bot does not know the workspace any more
        await logged(caplog, "a dialog can't be opened")
        await run(team, "ALTER TABLE workspaces RENAME TO gone")
    record = await logged(caplog, "a direct message could not be sent")
    assert vars(record)["user"] == team.admin.id


async def test_while_the_database_is_away_an_outcome_is_said_and_the_brake_stays(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await team.submit({"key": KEY})
    await team.wait_for_modal("Checking")
    await run(team, "ALTER TABLE workspaces RENAME TO gone")
    assert "database gives no answer, so it is not known whether" in (await team.wait_for_modal("database")).text
    await team.press("anchor_remove_key")
    await at.slack.until(lambda: "it is not known whether this was saved" in shown(team))
    at.anchor.fault = None
    await team.command()
    assert "*Paused*" in team.seen()[-1].text


@pytest.mark.parametrize("fault", [server_error(503), rate_limited(30), Hang()], ids=repr)
async def test_what_can_not_be_shown_in_home_comes_as_a_message(team: AdminHarness, fault: Fault) -> None:
    general = team.add_channel("general", with_bot=False)
    team.at.slack.faults["views.publish"] = fault
    await team.press("anchor_alerts_channel", general.id)
    await team.at.slack.until(lambda: team.direct_messages(team.admin), within=8)
    (message,) = team.direct_messages(team.admin)
    assert message.text.startswith(f"⚠️ Alerts can't go to <#{general.id}>.")


@HTTP_ONLY
async def test_whoever_is_left_with_a_dialog_that_says_one_moment_is_told(team: AdminHarness) -> None:
    at = team.at
    async with another_bot(at) as url:  # which does not know who this is
        at.slack.request_url = url
        at.slack.faults["views.update"] = server_error(503, times=1)
        await team.press("anchor_set_key")
        (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message == "The dialog that you asked for did not open in time. Press the button once more."


@HTTP_ONLY
async def test_a_new_admin_gets_the_form_from_a_bot_that_knew_them_as_a_member(team: AdminHarness) -> None:
    at, member = team.at, team.member
    await team.open_home(member)
    here = at.slack.request_url
    async with another_bot(at) as url:
        team.workspace.change_user(member, is_admin=True)
        at.slack.request_url = url
        await team.open_home(member)
        at.slack.request_url = here
        assert (await team.open_modal("anchor_set_key", user=member)).submit == "Save"


@HTTP_ONLY
async def test_an_admin_who_can_not_be_remembered_sees_their_home(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await run(team, "ALTER TABLE admins RENAME TO gone")
    await team.open_home(team.second)
    await logged(caplog, "an admin can't be remembered")
    assert team.direct_messages(team.second) == []


@HTTP_ONLY
async def test_what_a_stop_cuts_short_is_called_unknown(team: AdminHarness) -> None:
    """The dialog has said that the outcome would come."""
    at = team.at
    here = at.slack.request_url
    async with running(Settings.from_env(at.environ | {"PORT": "0"})) as bot:
        await bot.identification
        at.slack.request_url = f"{bot.url}/slack/events"
        await team.open_home()
        await team.open_modal("anchor_set_key")
        at.anchor.fault = Hang()
        await team.submit({"key": KEY})
        assert "⏳ Checking…" in (await team.wait_for_modal("Checking")).text
    view = await team.wait_for_modal("The bot was stopped")
    assert "so it is not known whether this was saved. Look into the Home tab in a minute" in view.text
    at.slack.request_url = here


async def test_whoever_made_a_change_is_told_even_if_nobody_knows_the_other_admins(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await run(team, "ALTER TABLE admins RENAME TO gone")
    await team.open_modal("anchor_set_key")
    await team.submit({"key": KEY})
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message.startswith(f"<@{team.admin.id}> replaced the Anchor key")
    await logged(caplog, "the admins can't be looked up")


async def test_somebody_who_is_no_admin_any_more_removes_nothing(team: AdminHarness) -> None:
    team.workspace.change_user(team.admin, is_admin=False)
    await team.press("anchor_remove_key")
    await team.at.slack.until(lambda: "only admins and owners of this workspace may do that" in shown(team))
    assert "A key" in shown(team)


async def test_a_key_that_is_removed_already_is_called_removed(team: AdminHarness) -> None:
    await run(team, "UPDATE workspaces SET anchor_api_key = NULL")
    await team.press("anchor_remove_key")
    await team.at.slack.until(lambda: "✅ The key was removed." in shown(team))
    assert team.direct_messages(team.admin) == []


async def test_of_a_press_that_slack_sends_twice_the_second_does_not_deny_the_first(team: AdminHarness) -> None:
    await asyncio.gather(team.press("anchor_remove_key"), team.press("anchor_remove_key"))
    await team.wait_for_direct_messages(user=team.admin)
    await team.at.slack.until(lambda: "was removed." in shown(team))
    await asyncio.sleep(0.5)
    assert "Nothing was changed" not in shown(team)
    assert len(team.direct_messages(team.admin)) == 1


async def test_a_choice_of_nothing_is_acknowledged_and_changes_nothing(team: AdminHarness) -> None:
    home = team.at.slack.home_of(team.admin)
    assert home is not None
    action = {"type": "conversations_select", "action_id": "anchor_alerts_channel", "block_id": "x", "action_ts": "1.2"}
    sent = await team.at.slack.act(team.admin, home, "anchor_alerts_channel", team.channel.id, actions=[action])
    assert sent.status == 200
    await team.open_home()
    assert "*Alerts* go nowhere yet" in shown(team)


NO_UPDATE = "CREATE TRIGGER no_update BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'no'); END"


async def test_an_accident_is_told_in_the_dialog_under_its_id(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await team.open_modal("anchor_set_key")
    await run(team, NO_UPDATE)
    await team.submit({"key": KEY})
    view = await team.wait_for_modal("Something broke in the bot itself")
    record = await logged(caplog, next(record.message for record in caplog.records if record.levelno >= logging.ERROR))
    assert f"`{vars(record)['incident']}`" in view.text


async def test_an_accident_is_told_in_home_under_its_id(team: AdminHarness, caplog: pytest.LogCaptureFixture) -> None:
    await run(team, NO_UPDATE)
    await team.press("anchor_remove_key")
    await team.at.slack.until(lambda: "Something broke in the bot itself" in shown(team))
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"`{vars(record)['incident']}`" in shown(team)


async def test_a_home_that_breaks_is_logged(team: AdminHarness, caplog: pytest.LogCaptureFixture) -> None:
    await run(team, "UPDATE workspaces SET anchor_api_key_set_at = 'soon'")
    await team.at.slack.open_home(team.admin)
    record = await logged(caplog, "a Home could not be made")
    assert (vars(record)["user"], record.exc_info is None) == (team.admin.id, False)


async def test_a_dialog_that_breaks_is_logged_under_an_id(team: AdminHarness, caplog: pytest.LogCaptureFixture) -> None:
    await run(team, "UPDATE workspaces SET anchor_api_key = x'00'")
    await team.press("anchor_set_key")
    record = await logged(caplog, "unforeseen exception")
    assert vars(record)["incident"]


@pytest.mark.parametrize(
    ("dialog", "values"), [("anchor_set_key", {"key": KEY}), ("anchor_change_policy", {})], ids=["key", "policy"]
)
async def test_a_dialog_says_that_its_workspace_has_gone_meanwhile(
    team: AdminHarness, dialog: str, values: dict[str, str]
) -> None:
    at = team.at
    await team.open_modal(dialog)
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    sending = asyncio.create_task(team.submit(values))
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(team.team_id)
    await sending
    assert "this bot does not serve this workspace any more." in (await team.wait_for_modal("Nothing was changed")).text


async def test_a_key_of_a_workspace_that_has_gone_meanwhile_is_not_called_removed(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    at = team.at
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    await team.press("anchor_remove_key")
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(team.team_id)
    record = await logged(caplog, "administration")
    assert vars(record)["outcome"] == "NotServed"


async def test_no_token_is_shown_of_a_workspace_that_has_gone_meanwhile(team: AdminHarness) -> None:
    at = team.at
    await team.open_modal("anchor_alerts_token")
    at.slack.faults["users.info"] = Slow(1.2, times=1)
    sending = asyncio.create_task(team.submit({}))
    await at.slack.until(lambda: at.slack.faults["users.info"] is None)
    assert await at.store.installations.delete(team.team_id)
    await sending
    view = await team.wait_for_modal("Nothing was changed")
    assert "this bot does not serve this workspace any more." in view.text
    assert team.direct_messages(team.admin) == []


async def test_nobody_is_told_of_a_channel_for_a_workspace_that_has_gone_meanwhile(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    at = team.at
    at.slack.faults["chat.postMessage"] = Slow(1.2, times=1)
    await team.press("anchor_alerts_channel", team.channel.id)
    await at.slack.until(lambda: at.slack.faults["chat.postMessage"] is None)
    assert await at.store.installations.delete(team.team_id)
    record = await logged(caplog, "administration")
    assert vars(record)["outcome"] == "NotServed"


async def test_what_was_left_open_when_the_app_was_removed_changes_nothing_of_what_came_after(
    team: AdminHarness,
) -> None:
    at, team_id = team.at, team.team_id
    left_open = at.slack.home_of(team.admin)
    await team.open_modal("anchor_set_key")
    assert await at.store.installations.delete(team_id)
    assert (await at.install(team)).status == 200
    anew = AnchorKey(Secret("sk-of-the-new-installation"), KeyCheck.VERIFIED, team.second.id, 1_785_000_000)
    await at.store.installations.set_key(team_id, anew)
    await team.submit({"key": KEY})
    assert "it has been changed since you looked at it" in (await team.wait_for_modal("Nothing was changed")).text
    await at.slack.close(team.admin)
    assert left_open
    await at.slack.act(team.admin, left_open, "anchor_remove_key")
    await at.slack.until(lambda: "it has been changed since you looked at it" in shown(team))
    found = await at.store.installations.find(team_id)
    assert found
    assert found.anchor_key == anew

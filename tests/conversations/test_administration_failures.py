"""Outages, departures, repetitions and bugs between admins and the workspace's settings."""

import asyncio
import logging

import pytest

from bot.sim.anchor import Hang
from bot.sim.slack import Slow, rate_limited
from harness import HTTP_ONLY, SOCKET_ONLY, AdminHarness, ManyHarness, paused
from harness import admin_texts as say
from harness.conversation import until
from harness.product import Limits, Secret, Settings, running, workspace
from harness.stored import add_token
from harness.texts import incident_text, is_about

pytestmark = pytest.mark.anyio

KEY = "sk-first-0123456789-1234"
OTHERS = ("anchor_remove_key", "anchor_change_policy", "anchor_alerts_token")
MODALS: dict[str, dict[str, str]] = {"anchor_set_key": {"key": KEY}} | {key: {} for key in OTHERS}
MODALS["anchor_alerts_token"] = {"sender_name": "spend-monitor"}


async def logged(caplog: pytest.LogCaptureFixture, module: str, **fields: object) -> logging.LogRecord:
    """Wait for a log record of a module of bot/ with these fields."""

    def found() -> list[logging.LogRecord]:
        ours = [record for record in caplog.records if record.name == f"bot.{module}"]
        return [record for record in ours if fields.items() <= vars(record).items()]

    await until(found)
    return found()[0]


async def test_a_modal_does_not_open_while_the_database_is_away_and_a_button_says_so(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    team = await AdminHarness.open(at)
    await team.open_home()
    await team.command()
    message = team.seen()[-1]
    await team.at.execute("DELETE FROM workspaces")  # from now on the bot does not use what it knew
    await team.press("anchor_set_key")
    await logged(caplog, "usecases.modals", team=team.team_id)
    await team.at.rename_table("workspaces", "gone")
    await team.press("anchor_change_policy")
    await logged(caplog, "usecases.modals", why="SQLITE_ERROR")
    assert team.slack.modal_of(team.admin) is None
    await team.slack.click(team.admin, message, "anchor_set_key")
    await team.slack.until(lambda: team.seen()[-1].text == say.MODAL_NOT_OPENED)
    assert team.seen()[-1].ephemeral_to == team.admin.id


async def test_while_the_database_is_away_the_key_stays_in_the_form_and_a_pause_works(team: AdminHarness) -> None:
    assert await add_token(team.at.store.rows, team.team_id, "s3cret-of-the-alerts")
    await team.open_modal("anchor_set_key")
    await team.at.rename_table("workspaces", "gone")
    await team.submit({"key": KEY})
    assert team.modal().errors == {"key": say.KEY_NOT_SAVED}
    await team.press("anchor_alerts_channel", team.channel.id)
    await team.home_with(say.NOT_SAVED)
    assert is_about((await team.answer("a command")).text, paused(session=team.session, user=team.admin.id))
    await team.at.rename_table("gone", "workspaces")
    await team.submit({})
    assert say.key_saved() in team.modal().text


async def test_an_outcome_that_home_can_not_show_comes_as_a_message(team: AdminHarness) -> None:
    team.slack.faults["views.publish"] = rate_limited(30)
    await team.press("anchor_alerts_channel", team.channel.id)
    assert say.alert_posted(team.channel.id) in await team.wait_for_direct_messages(2, user=team.admin)


async def test_a_home_that_can_not_be_made_is_logged(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    team = await AdminHarness.open(at, with_key=True)
    await team.at.execute("ALTER TABLE workspaces RENAME TO gone")
    await team.slack.open_home(team.admin)
    outage = await logged(caplog, "usecases.home", team=team.team_id)
    caplog.clear()
    await team.at.execute("ALTER TABLE gone RENAME TO workspaces")
    await team.at.execute("UPDATE workspaces SET anchor_api_key_set_at = 'soon'")
    await team.slack.open_home(team.admin)
    bug = await logged(caplog, "usecases.home", team=team.team_id)
    assert [(one.levelname, one.exc_info is None) for one in (outage, bug)] == [("ERROR", True), ("ERROR", False)]
    assert team.slack.home_of(team.admin) is None


async def test_while_admins_can_not_be_looked_up_home_is_shown_and_who_made_a_change_is_notified(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await team.at.rename_table("people", "gone")
    await team.open_home()
    await logged(caplog, "usecases.home", levelname="WARNING", team=team.team_id)
    await team.set_key(KEY)
    new, old = [workspace.AnchorKey(Secret(key), workspace.KeyCheck.VERIFIED) for key in (KEY, team.key)]
    assert await team.wait_for_direct_messages(user=team.admin) == [
        say.settings_texts.key_saved(new, old).notice(team.admin.id).text
    ]
    await logged(caplog, "usecases.notices", levelname="WARNING", team=team.team_id)


@HTTP_ONLY
async def test_a_change_that_a_stop_cuts_short_is_called_unknown(team: AdminHarness) -> None:
    here = team.slack.request_url
    async with running(Settings.from_env(team.at.environ | {"PORT": "0"}), Limits(ack_wait=0.0)) as bot:
        await bot.startup
        team.slack.request_url = f"{bot.url}/slack/events"
        await team.open_home()
        team.anchor.fault = Hang()
        assert say.CHECKING in (await team.set_key(KEY)).text
    await team.wait_for_modal(say.INTERRUPTED)
    team.slack.request_url = here


@pytest.mark.parametrize("modal", ["anchor_remove_key", "anchor_alerts_token"])
async def test_a_modal_of_somebody_who_is_no_admin_any_more_changes_nothing(team: AdminHarness, modal: str) -> None:
    await team.open_modal(modal)
    team.workspace.change_user(team.admin, is_admin=False)
    before = await team.stored()
    await team.submit(MODALS[modal])
    await team.wait_for_modal(say.not_admin())
    assert await team.stored() == before


@pytest.mark.parametrize("where", ["opening", "modal", "home"])
async def test_a_bug_is_logged_under_an_id_and_told_where_it_happened(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    if where == "opening":
        await team.at.execute("UPDATE workspaces SET anchor_api_key = x'00'")
        await team.press("anchor_set_key")
    else:
        await team.at.execute("CREATE TRIGGER no BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'no'); END")
        await (team.set_key(KEY) if where == "modal" else team.press("anchor_alerts_channel", team.channel.id))
    record = await logged(caplog, "usecases.incidents")
    text = incident_text(vars(record)["incident"])
    if where != "opening":
        await (team.wait_for_modal(text) if where == "modal" else team.home_with(text))
        assert [one.name for one in caplog.records if one.levelno >= logging.ERROR] == ["bot.usecases.incidents"]


@SOCKET_ONLY  # a request without a timestamp has half a second of the ack's time at most behind it
@pytest.mark.parametrize("modal", ["anchor_set_key", *OTHERS])
async def test_a_modal_says_that_the_workspace_removed_the_app_meanwhile(team: AdminHarness, modal: str) -> None:
    await team.open_modal(modal)
    team.slack.faults["users.info"] = Slow(0.5, times=1)
    sending = asyncio.create_task(team.submit(MODALS[modal]))
    await team.slack.until(lambda: team.slack.faults["users.info"] is None)
    assert await team.at.store.rows.delete(team.team_id)
    await sending
    await team.wait_for_modal(say.NOT_SERVED)
    assert team.direct_messages(team.admin) == []

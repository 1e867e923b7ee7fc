"""Outages, departures, repetitions and bugs between admins and the workspace's settings."""

import logging
from unittest.mock import AsyncMock

import pytest

from bot.outbound.store.workspaces import WorkspaceRows
from bot.sim.slack import rate_limited
from harness import AdminHarness, ManyHarness, paused
from harness import admin_texts as say
from harness.conversation import until
from harness.stored import add_token
from harness.texts import NOT_OPENED, incident_text, is_about

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
    await team.slack.until(lambda: team.seen()[-1].text == NOT_OPENED)
    assert team.seen()[-1].ephemeral_to == team.admin.id


async def test_while_the_database_is_away_the_key_stays_in_the_form_and_a_pause_works(team: AdminHarness) -> None:
    assert await add_token(team.at.store.rows, team.team_id, "s3cret-of-the-alerts")
    await team.open_modal("anchor_set_key")
    await team.at.rename_table("workspaces", "gone")
    await team.submit({"key": KEY})
    assert team.modal().errors == {"key": say.NOT_SAVED}
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
    team: AdminHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "opening":
        monkeypatch.setattr(WorkspaceRows, "find", AsyncMock(side_effect=RuntimeError))
        await team.press("anchor_set_key")
    else:
        for change in ("set_key", "set_alerts_channel"):
            monkeypatch.setattr(WorkspaceRows, change, AsyncMock(side_effect=RuntimeError))
        await (team.set_key(KEY) if where == "modal" else team.press("anchor_alerts_channel", team.channel.id))
    record = await logged(caplog, "usecases.incidents")
    text = incident_text(vars(record)["incident"])
    if where != "opening":
        await (team.wait_for_modal(text) if where == "modal" else team.home_with(text))
        assert [one.name for one in caplog.records if one.levelno >= logging.ERROR] == ["bot.usecases.incidents"]

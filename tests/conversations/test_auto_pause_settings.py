"""An admin decides in Home what alerts that ask for a pause do, and which tokens can ask; the journal has it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from harness import BOTH_TRANSPORTS, SESSION, AdminHarness, ManyHarness
from harness import admin_texts as say
from harness.conversation import post_json
from harness.product import main
from harness.product import workspace as product
from harness.stored import add_token, execute, fetch, until_read_again

pytestmark = pytest.mark.anyio

AutoPause = product.AutoPause
MODE, MAKE, CHANGE = "anchor_auto_pause", "anchor_alerts_token", "anchor_alerts_sender"
TOKEN = "s3cret-of-the-alerts"
ON = "While pauses by alerts"

Journal = Callable[..., str]


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Journal:
    """Run `anchor-bot journal` beside a bot, and return what it prints."""

    def run(at: ManyHarness, *arguments: str) -> str:
        monkeypatch.setenv("DATABASE_URL", at.environ["DATABASE_URL"])
        capsys.readouterr()
        assert main(["journal", *arguments]) == 0
        return capsys.readouterr().out

    return run


async def recorded(team: AdminHarness) -> list[tuple[object, ...]]:
    about = "what LIKE 'pauses by alerts%' OR what LIKE 'alert token %'"
    named = "LEFT JOIN audit_people AS people ON people.person = audit.person"
    columns = "audit.team_id, coalesce(people.user_id, audit.user_id), what, content"
    return await fetch(team.at.store, f"SELECT {columns} FROM audit {named} WHERE {about} ORDER BY at")  # noqa: S608


@BOTH_TRANSPORTS
async def test_an_admin_chooses_the_mode_which_admins_are_told_and_the_journal_has(
    team: AdminHarness, journal: Journal
) -> None:
    await team.at.set_up(team)
    await team.open_home(team.second)
    home = await team.open_home()
    assert "*Pauses by alerts: off.*" in home.text
    assert ON in home.text
    await team.command()
    for seen, mode in ((AutoPause.OFF, AutoPause.OBSERVE), (AutoPause.OBSERVE, AutoPause.ON)):
        await team.press(MODE, f"{seen} {mode}")
        home = await team.home_with(say.senders.auto_pause_saved(mode).text)
        assert f"*Pauses by alerts: {mode}.*" in home.text
        assert (await team.stored()).auto_pause is mode
    saved = [say.senders.auto_pause_saved(mode) for mode in (AutoPause.OBSERVE, AutoPause.ON)]
    told = [one.notice(team.admin.id).text for one in saved]
    for admin in (team.admin, team.second):
        assert await team.wait_for_direct_messages(2, user=admin) == told
    said = (team.team_id, team.admin.id, "pauses by alerts")
    assert await recorded(team) == [(*said, "observe"), (*said, "on")]
    lines = (await asyncio.to_thread(journal, team.at, "--format", "json")).splitlines()
    rows = [one for one in map(json.loads, lines) if "installation" not in one["reason"] and "key" not in one["reason"]]
    assert [(row["verb"], row["user_id"], row["team_id"]) for row in rows] == [
        ("pause", team.person.id, team.team_id),
        ("set", team.admin.id, team.team_id),
        ("set", team.admin.id, team.team_id),
    ]
    assert [row["reason"] for row in rows[1:]] == ["pauses by alerts: observe", "pauses by alerts: on"]
    assert (rows[1]["outcome"], rows[1]["source"], rows[1]["session_id"]) == ("Changed", "settings", "")
    of_bob = await asyncio.to_thread(journal, team.at, "--user", "U0BOB000001", "--format", "json")
    assert of_bob == ""


async def test_a_choice_for_a_mode_that_somebody_else_has_changed_is_refused(team: AdminHarness) -> None:
    await team.open_home()
    rows = team.at.store.rows
    assert await rows.set_auto_pause(team.team_id, AutoPause.OBSERVE, before=AutoPause.OFF, by=team.second.id)
    await team.press(MODE, "off on")
    await team.home_with(say.OUTDATED)
    assert (await team.stored()).auto_pause is AutoPause.OBSERVE
    assert "*Pauses by alerts: observe.*" in team.home_text()


async def test_a_token_can_pause_only_if_an_admin_says_so_when_it_is_made_or_later(team: AdminHarness) -> None:
    name = "spend-monitor"
    await team.open_home()
    for box in ([], ["yes"]):
        await team.open_modal(MAKE)
        await team.submit({"sender_name": f"{name}{len(box)}", "sender_pause": box})
        await team.slack.close(team.admin)
    assert [one.may_pause for one in (await team.stored()).alert_tokens] == [False, True]
    home = await team.open_home()
    assert f"can pause: {name}1." in home.text
    for box, can in ((["yes"], True), ([], False), (["yes"], True)):
        await team.press(CHANGE, value=f"{name}0")
        await team.wait_for_modal(f"{name}0")
        await team.submit({"sender_pause": box})
        await team.slack.close(team.admin)
        assert (await team.stored()).alert_tokens[0].may_pause is can
    assert f"*{name}0* · ends" in (await team.open_home()).text
    await team.press(CHANGE, value=f"{name}1")
    await team.wait_for_modal("can pause")  # it is shown as it is, so that saving it changes nothing
    await team.submit({})
    await team.slack.close(team.admin)
    assert (await team.stored()).alert_tokens[1].may_pause
    await team.press(CHANGE, value=f"{name}1")
    await team.wait_for_modal(f"{name}1")
    await team.submit({"sender_revoke": ["yes"]})
    of, may, not_ = "alert token spend-monitor", ", can pause, 0 more channels", ", cannot pause, 0 more channels"
    assert [entry[2:] for entry in await recorded(team)] == [
        (f"{of}0", f"made{not_}"),
        (f"{of}1", f"made{may}"),
        *((f"{of}0", f"changed{value}") for value in (may, not_, may)),
        (f"{of}1", f"changed{may}"),
        (f"{of}1", f"revoked{not_}"),
    ]
    told = await team.wait_for_direct_messages(7, user=team.admin)
    assert ["can pause sessions" in text for text in told] == [False, True, True, False, True, True, False]


@pytest.mark.parametrize("change", ["mode", "token"])
async def test_what_waits_for_the_database_follows_the_settings_of_then(team: AdminHarness, change: str) -> None:
    at, rows, channel = team.at, team.at.store.rows, team.channel.id
    may: dict[str, Any] = {"channels": frozenset({channel}), "may_pause": True}
    assert await add_token(rows, team.team_id, TOKEN, **may)
    assert await rows.set_auto_pause(team.team_id, AutoPause.ON, before=AutoPause.OFF, by=team.admin.id)
    await until_read_again()
    await execute(at.store, "ALTER TABLE orders RENAME TO gone")
    asking = {"session_id": SESSION, "text": "It spends.", "fingerprint": "f1", "action": "pause", "channel": channel}
    url, bearer = f"{at.bot.url}/alerts/{team.team_id}", {"Authorization": f"Bearer {TOKEN}"}
    _, answer, _ = await post_json(url, asking | {"starts_at": "2026-01-01T00:00:00Z"}, headers=bearer)
    if change == "mode":
        assert await rows.set_auto_pause(team.team_id, AutoPause.OFF, before=AutoPause.ON, by=team.admin.id)
    else:
        assert await add_token(rows, team.team_id, TOKEN, **may | {"may_pause": False})
    await execute(at.store, "ALTER TABLE gone RENAME TO orders")
    await asyncio.sleep(10)
    outcomes = await fetch(at.store, "SELECT outcome FROM orders")
    assert (answer["pause"], outcomes, team.orders) == ("pending", [("AutoPauseOff",)], [])

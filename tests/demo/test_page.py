"""The page shows what the simulated Slack and its world are, and does what people do there."""

import asyncio

import pytest

from bot.demo.bot_process import BotState
from bot.demo.page.server import page
from bot.demo.world import World, world
from bot.sim.slack import Rule
from demo.page_client import PageClient, open_page
from demo.test_agents import RUNAWAY

pytestmark = pytest.mark.anyio

FLIGHTS = "9c0d7e11-2222-4333-8444-555566667777"
OUTSIDER = "U0MALLORY01"


async def test_the_monitor_reports_the_agent_that_is_over_its_budget_once(alice: PageClient) -> None:
    await alice.until(alice.said)
    assert alice.texts() == [f"🚨 *Critical*: session `{RUNAWAY}`"]
    await asyncio.sleep(2.5)
    assert len(alice.said()) == 1


async def test_a_click_pauses_the_agent_and_a_command_lets_it_go_on(alice: PageClient) -> None:
    await alice.until(alice.said)
    [card] = alice.said()
    block = card["blocks"][-1]
    place = {"channel": "C0ALERTS001", "ts": card["ts"], "block": block["block_id"], "action": "anchor_pause"}
    assert await alice.order("click", **place) == ""
    await alice.until(lambda: alice.agent(RUNAWAY)["state"] == "paused")
    await alice.until(lambda: len(alice.said()) == 2)
    assert alice.said()[1]["thread_ts"] == card["ts"]
    spent = alice.agent(RUNAWAY)["spent"]
    await asyncio.sleep(0.6)
    assert alice.agent(RUNAWAY)["spent"] == spent
    assert (
        await alice.order("click", **place) == "Slack does not let you: the message has no such buttons: anchor_pause."
    )
    assert await alice.enter(f"/anchor-resume {RUNAWAY}") == ""
    await alice.until(lambda: alice.agent(RUNAWAY)["spent"] > spent)


async def test_somebody_of_another_workspace_can_click_and_is_refused_and_has_no_commands(url: str) -> None:
    async with open_page(url, OUTSIDER) as mallory:
        await mallory.until(mallory.said)
        assert [one["name"] for one in mallory.slack["channels"]] == ["alerts"]
        assert (mallory.slack["me"], mallory.slack["commands"]) == (OUTSIDER, [])
        [card] = mallory.said()
        block = card["blocks"][-1]["block_id"]
        await mallory.order("click", channel="C0ALERTS001", ts=card["ts"], block=block, action="anchor_pause")
        await mallory.until(lambda: len(mallory.said()) == 2)
        await mallory.enter(f"/anchor-pause {RUNAWAY}")
        await mallory.until(lambda: len(mallory.said()) == 3)
        assert [one["is_ephemeral"] for one in mallory.said()] == [False, True, True]
        assert mallory.texts()[1].startswith("*Not paused:* only members of the workspace")
        assert mallory.texts()[2].startswith("/anchor-pause is not a valid command.")
        assert mallory.agent(RUNAWAY)["state"] == "running"


async def test_a_legacy_button_is_pressed_and_answered(at: World, alice: PageClient) -> None:
    actions = [{"name": "pause", "text": "Pause", "type": "button", "value": RUNAWAY}]
    at.stage.slack.post(
        at.stage.slack.incidents, "", attachments=[{"callback_id": "old", "fallback": "x", "actions": actions}]
    )
    await alice.until(lambda: alice.said("C0INCIDENT1"))
    place = {"channel": "C0INCIDENT1", "ts": alice.said("C0INCIDENT1")[0]["ts"]}
    assert await alice.order("press", **place, block="1", action="1") == ""
    await alice.until(lambda: len(alice.said("C0INCIDENT1")) == 2)
    assert alice.texts("C0INCIDENT1")[1].startswith("I don't know this button")
    assert await alice.order("press", **place, block="x", action="1") == "An attachment has a number."


async def test_a_bot_that_is_away_or_hangs_is_told_in_slacks_own_words(at: World, alice: PageClient) -> None:
    await alice.order("pull", lever="bot_frozen", on=True)
    await alice.enter(f"/anchor-pause {FLIGHTS}", "C0INCIDENT1")
    await alice.order("pull", lever="bot_stopped", on=True)
    await alice.enter(f"/anchor-pause {FLIGHTS}", "C0INCIDENT1")
    await alice.until(lambda: len(alice.said("C0INCIDENT1")) == 2)
    assert alice.texts("C0INCIDENT1") == [
        '/anchor-pause failed with the error "operation_timeout"',
        '/anchor-pause failed with the error "dispatch_failed"',
    ]
    assert {message["user"] for message in alice.said("C0INCIDENT1")} == {"USLACKBOT"}
    assert [violation.rule for violation in at.stage.slack.violations] == [Rule.ACK_LATE]
    at.stage.slack.violations.clear()


async def test_an_alert_that_the_bot_can_t_take_is_told_to_whoever_raised_it(alice: PageClient) -> None:
    await alice.until(alice.said)
    assert await alice.order("alert", session_id=FLIGHTS) == ""
    await alice.until(lambda: len(alice.said()) == 2)
    assert alice.texts()[1] == f"🔹 *Info*: session `{FLIGHTS}`"
    await alice.order("pull", lever="bot_stopped", on=True)
    assert await alice.order("alert", session_id=FLIGHTS) == "The monitor's alert got no answer from the bot."
    assert await alice.order("burst") == "The monitor's alert got no answer from the bot."


async def test_five_alerts_at_once_come_all(alice: PageClient) -> None:
    await alice.until(alice.said)
    assert await alice.order("burst") == ""
    await alice.until(lambda: len(alice.said()) == 6)


async def test_a_session_is_ended_and_its_job_begun_anew(alice: PageClient) -> None:
    assert await alice.order("end", session_id=FLIGHTS) == ""
    await alice.until(lambda: alice.agent(FLIGHTS)["state"] == "completed")
    await alice.enter(f"/anchor-pause {FLIGHTS}", "C0INCIDENT1")
    await alice.until(lambda: len(alice.said("C0INCIDENT1")) == 2)
    not_running = f"🔹 *Not running, nothing to pause*: session `{FLIGHTS}`, asked for by <@U0ALICE0001>."
    assert alice.texts("C0INCIDENT1")[1] == not_running
    assert await alice.order("begin_anew", session_id=FLIGHTS) == ""
    await alice.until(lambda: alice.world["agents"][1]["session_id"] != FLIGHTS)
    assert alice.world["agents"][1]["state"] == "running"


async def test_what_was_clicked_is_done_though_the_page_is_closed_meanwhile(at: World, url: str) -> None:
    at.stage.anchor.fault = None
    async with open_page(url) as alice:
        await alice.order("pull", lever="anchor_slow", on=True)
        order = asyncio.ensure_future(alice.order("enter", channel="C0ALERTS001", line=f"/anchor-pause {FLIGHTS}"))
        await asyncio.sleep(0.3)
        order.cancel()
    await at.stage.anchor.until(
        lambda: at.stage.anchor.posts(FLIGHTS) and at.stage.anchor.posts(FLIGHTS)[0].status, within=8
    )
    await at.stage.slack.until(
        lambda: any("⏸️ *Paused*" in one.text for one in at.stage.slack.channel_messages("C0ALERTS001"))
    )


async def test_each_lever_moves_what_it_says_and_back(at: World, alice: PageClient) -> None:
    for lever in ("anchor_slow", "anchor_down", "key_revoked", "bot_frozen", "bot_stopped"):
        for on in (True, True, False, False):
            assert await alice.order("pull", lever=lever, on=on) == ""
            assert at.levers.positions == {name: on and name == lever for name in at.levers.positions}
    assert at.stage.bot.state is BotState.READY


async def test_a_bot_that_does_not_come_back_is_shown_with_what_it_wrote() -> None:
    changes: dict[str, str] = {}
    async with world(changes) as at, page(at) as url, open_page(url) as alice:
        await alice.order("pull", lever="bot_stopped", on=True)
        changes["LOG_LEVEL"] = "LOUD"
        problem = await alice.order("pull", lever="bot_stopped", on=False)
        assert "LOG_LEVEL" in problem
        assert at.stage.bot.state is BotState.STOPPED


async def test_slack_reaches_the_bot_by_the_way_that_is_chosen(at: World, alice: PageClient) -> None:
    assert await alice.order("pull", lever="socket_mode", on=True) == ""
    assert at.stage.slack.sockets.count > 0
    await alice.enter(f"/anchor-pause {FLIGHTS}", "C0INCIDENT1")
    await alice.order("pull", lever="bot_stopped", on=True)
    assert await alice.order("pull", lever="socket_mode", on=False) == ""
    assert at.stage.bot.state is BotState.STOPPED
    await alice.order("pull", lever="bot_stopped", on=False)
    await alice.enter(f"/anchor-pause {FLIGHTS}", "C0INCIDENT1")
    await alice.until(lambda: len(alice.said("C0INCIDENT1")) == 4)
    assert [text[:12] for text in alice.texts("C0INCIDENT1")] == ["/anchor-paus", "⏸️ *Paused*:"] * 2

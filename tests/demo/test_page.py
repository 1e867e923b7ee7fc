"""What the server of the page does by itself; what people see of it, the tests in a browser show."""

import asyncio

import pytest

from bot.demo.agents import Agent
from bot.demo.bot_process import BotState
from bot.demo.demo import Demo
from bot.demo.jobs import JOBS
from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page
from bot.demo.runner import DemoRunner
from bot.sim.anchor import SessionState
from demo.page_client import open_page
from harness.conversation import until

pytestmark = pytest.mark.anyio

RUNAWAY, FLIGHTS, _ = JOBS


async def test_an_outsider_gets_only_shared_channels_and_no_commands(url: str) -> None:
    async with open_page(url, "U0MALLORY01") as mallory:
        assert [one["name"] for one in mallory.slack["channels"]] == ["alerts"]
        assert (mallory.slack["me"], mallory.slack["commands"], mallory.slack["app"]) == ("U0MALLORY01", [], None)
        assert mallory.slack["shortcuts"] == []
        problem = await mallory.order("open_home", tab="home")
        assert problem == "Slack does not let you: people of other workspaces have no tab of the app."


async def test_the_admin_of_another_workspace_gets_that_workspace_only(demo: Demo, url: str) -> None:
    async with open_page(url, "U0DORA00001") as dora:
        assert dora.slack["workspace"] == "Newco"
        assert [one["name"] for one in dora.slack["channels"]] == ["alerts", "general", "anchor"]
        assert [agent["name"] for agent in dora.demo["agents"]] == ["Lead research"]
        assert dora.demo["key_to_set"] == {"workspace": "Newco", "key": NEWCO_KEY}
        assert not dora.demo["has_monitor"]
        [agent] = demo.others
        assert await dora.order("end", session_id=agent.session_id) == ""
        await dora.until(lambda: dora.demo["agents"][0]["state"] == "completed")
        assert await dora.order("end", session_id=RUNAWAY) == f"There is no '{RUNAWAY}' here."


async def test_a_shortcut_is_used_on_a_message(demo: Demo, url: str) -> None:
    slack = demo.sandbox.slack
    session_id = demo.sandbox.anchor.add_session()
    message = slack.post(slack.incidents, f"look at {session_id}", user=slack.bob)
    async with open_page(url) as alice:
        [shortcut] = alice.slack["shortcuts"]
        where = {"channel": message.channel, "ts": message.ts}
        assert await alice.order("shortcut", **where, shortcut=shortcut["callback_id"]) == ""
        await demo.sandbox.anchor.until(lambda: demo.sandbox.anchor.posts(session_id))
        problem = await alice.order("shortcut", **where, shortcut="no_such")
        assert problem == "Slack does not let you: the app has no shortcut no_such."


async def test_an_order_is_carried_out_though_the_page_is_closed_meanwhile(demo: Demo, url: str) -> None:
    slack, anchor = demo.sandbox.slack, demo.sandbox.anchor
    async with open_page(url) as alice:
        await alice.order("switch", name="anchor_slow", on=True)
        line = f"/anchor-pause {FLIGHTS}"
        order = asyncio.ensure_future(alice.order("enter", channel=slack.alerts.id, line=line))
        await anchor.until(lambda: anchor.posts(FLIGHTS))
        order.cancel()
    await anchor.until(lambda: anchor.posts(FLIGHTS)[0].status)
    await slack.until(lambda: any(FLIGHTS in one.text for one in slack.channel_messages(slack.alerts) if one.blocks))
    await demo.switches.set("anchor_slow", on=False)


async def test_a_bot_that_fails_to_start_is_shown_with_its_log() -> None:
    changes: dict[str, str] = {}
    async with DemoRunner(changes) as runner, page(runner) as url, open_page(url) as alice:
        await alice.order("switch", name="bot_stopped", on=True)
        changes["LOG_LEVEL"] = "LOUD"
        problem = await alice.order("switch", name="bot_stopped", on=False)
        assert "LOG_LEVEL" in problem
        assert runner.demo.sandbox.bot.state is BotState.STOPPED


async def test_a_reset_begins_a_new_demo_and_ends_the_former_unless_the_new_one_fails_to_start() -> None:
    changes: dict[str, str] = {}
    async with DemoRunner(changes) as runner, page(runner) as url, open_page(url) as alice:
        former, directory = runner.demo, runner.demo.sandbox.bot.log.parent
        changes["LOG_LEVEL"] = "LOUD"
        assert "LOG_LEVEL" in await alice.order("reset")
        assert (runner.demo, former.sandbox.bot.state, alice.run) == (former, BotState.READY, 1)
        changes.clear()
        assert await alice.order("reset") == ""
        assert runner.demo is not former
        await alice.until(lambda: alice.run == 2)
        assert runner.demo.sandbox.bot.state is BotState.READY
        await until(lambda: not directory.exists())
        assert former.sandbox.bot.state is BotState.STOPPED


def test_the_log_of_an_agent_keeps_its_last_lines() -> None:
    agent = Agent(RUNAWAY, JOBS[RUNAWAY])
    for _ in range(400):
        agent.tick(SessionState.RUNNING)
    assert (len(agent.log), agent.log[-1].number) == (30, 100)

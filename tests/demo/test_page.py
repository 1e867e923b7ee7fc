"""The page is served to this machine's browsers alone, and shows what the simulated Slack and its world are."""

import asyncio
import re

import aiohttp
import pytest

from bot.demo.bot_process import BotState
from bot.demo.page.assets import read_assets
from bot.demo.page.server import NotServedError, page
from bot.demo.world import World, world
from bot.sim.slack import Rule
from demo.page_client import PageClient, open_page
from demo.test_agents import RUNAWAY

pytestmark = pytest.mark.anyio

FLIGHTS = "9c0d7e11-2222-4333-8444-555566667777"
OUTSIDER = "U0MALLORY01"


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


async def handshake(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(f"{url}socket", headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_every_file_of_the_page_is_served_and_named_in_it(url: str) -> None:
    assets = read_assets()
    status, index = await get(url)
    assert (status, index) == (200, assets["index.html"].body.decode())
    named = set(re.findall(r'(?:href|src)="([^"#]+)"', index))
    imported = {
        path
        for asset in assets.values()
        for path in re.findall(r'from "\.{1,2}/(?:\w+/)?([\w.]+)"', asset.body.decode())
    }
    drawn = {path for asset in assets.values() for path in re.findall(r'"(\w+\.svg)"', asset.body.decode())}
    assert {path.rpartition("/")[2] for path in assets} - {"index.html"} == {
        *(path.rpartition("/")[2] for path in named),
        *imported,
        *drawn,
    }
    for path in assets:
        assert (await get(f"{url}{path}"))[0] == 200
    assert (await get(f"{url}app.py"))[0] == 404


async def test_the_page_loads_from_here_alone_and_stands_in_no_frame(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["", "socket"])
async def test_a_foreign_name_that_points_here_is_refused(url: str, path: str) -> None:
    status, said = await get(f"{url}{path}", Host="evil.example", Origin=url.rstrip("/"))
    assert (status, said) == (403, f"This page is served as {url.rstrip('/')} only: open that.")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"])
async def test_a_foreign_page_is_refused(url: str, origin: str) -> None:
    assert await get(url, Origin=origin) == (403, "Another site may not use this page.")
    assert await handshake(url, Origin=origin) == 403


async def test_a_websocket_needs_an_origin_and_takes_both_names_of_this_machine(url: str) -> None:
    named = url.replace("127.0.0.1", "localhost").rstrip("/")
    assert await handshake(url) == 403
    assert await handshake(url, Origin=url.rstrip("/")) == 101
    assert await handshake(url, Origin=named, Host=named.removeprefix("http://")) == 101


async def test_a_port_that_is_taken_can_t_be_served(at: World, url: str) -> None:
    with pytest.raises(NotServedError, match="Address already in use"):
        async with page(at, int(url.rstrip("/").rpartition(":")[2])):
            pass


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


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"kind": "fly"}, "There is no such order."),
        ({"kind": "enter", "line": 5}, "line must be a text."),
        ({"kind": "enter", "line": "x", "channel": "C0NOWHERE01"}, "There is no 'C0NOWHERE01' here."),
        (
            {"kind": "enter", "line": "x", "channel": "C0ARCHIVED1"},
            "Slack does not let you: nobody can write in an archived channel.",
        ),
        ({"kind": "click", "channel": "C0ALERTS001", "ts": "1.2"}, "The message is gone."),
        ({"kind": "pull", "lever": "gravity"}, "There is no 'gravity' here."),
        ({"kind": "end", "session_id": "x"}, "There is no 'x' here."),
    ],
    ids=str,
)
async def test_what_can_t_be_done_is_answered_with_why(
    alice: PageClient, order: dict[str, object], problem: str
) -> None:
    assert await alice.order(str(order.pop("kind")), **order) == problem


async def test_the_bot_survives_nonsense_and_so_does_the_page(alice: PageClient) -> None:
    for nonsense in ("", "{", "[]", "5", "{}", '{"do": "end"}'):
        await alice.send(nonsense)
    assert await alice.order("fly") == "There is no such order."


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

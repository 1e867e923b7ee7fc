"""What nobody foresaw: the person is told, with an id under which the log has the traceback."""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.control import Control
from bot.core.anchor_key import AnchorKey
from bot.core.outcomes import Outcome, Paused
from bot.core.requests import Order
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.gate import Gate
from bot.inbound.clicks import Clicks
from bot.inbound.departures import Departures
from bot.inbound.http import Http
from bot.inbound.listeners import Listeners
from bot.inbound.slack_app import Registrable, SlackApp
from bot.inbound.socket_link import Dialer
from bot.inbound.socket_mode import SocketMode
from bot.once import Once
from bot.outbound.anchor import AnchorClient
from bot.outbound.http_client import open_client, open_session
from bot.outbound.present_admins import PresentAdmins
from bot.outbound.response_url import ResponseUrls
from bot.outbound.roles import Roles
from bot.outbound.slack import SlackClient
from bot.outbound.slack_people import SlackPeople
from bot.outbound.slack_web import open_web
from bot.outbound.teller import Teller
from bot.outbound.workspaces import SingleWorkspace
from bot.readiness import Readiness
from bot.sim.slack import SimSlack, Source
from bot.tasks import Tasks
from bot.watch import Watch
from harness import HTTP_ONLY, SESSION, current_transport, single_workspace
from harness.transport import deliver

pytestmark = pytest.mark.anyio


class BrokenControl(Control):
    """A control with a mistake in it, that shows after `seconds`."""

    seconds = 0.0

    async def carry_out(self, order: Order) -> Outcome:
        await asyncio.sleep(self.seconds)
        raise ZeroDivisionError(f"a mistake of ours, with {order.session_id}")


class StallingControl(BrokenControl):
    """A control that holds up everything in the process for `seconds`."""

    async def carry_out(self, order: Order) -> Outcome:
        time.sleep(self.seconds)  # noqa: ASYNC251 - the mistake that is meant
        return Paused(f"for {order.asker.user_id}")


class BrokenDialog:
    """A dialog with a mistake in it, before its ack."""

    def register(self, bolt: AsyncApp) -> None:
        bolt.view("broken")(self.submit)

    async def submit(self) -> None:
        raise ZeroDivisionError("a mistake of ours")


@asynccontextmanager
async def broken_bot(slack: SimSlack, kind: type[BrokenControl], *, seconds: float) -> AsyncIterator[None]:
    """The bot's own parts around a broken control, serving `slack`."""
    tasks = Tasks()
    workspaces = SingleWorkspace(Workspace(None, Secret(slack.bot_token), AnchorKey(Secret("sk"))))
    async with open_session() as session, open_client(session) as http:
        web_api = open_web(session, slack.url)
        client = SlackClient(web_api)
        teller = Teller(ResponseUrls(http, api_url=slack.url), client, workspaces)
        anchor = AnchorClient(http, base_url="http://127.0.0.1:1", timeout=1, deadline=1)
        roles = Roles(SlackPeople(web_api), time.monotonic)
        gate = Gate(
            workspaces, roles, Watch(workspaces, PresentAdmins(workspaces, roles), teller, tasks, time.monotonic)
        )
        control = kind(anchor, gate, once=Once(period=1, clock=time.monotonic), tasks=tasks)
        control.seconds = seconds
        clicks = Clicks(control, teller, time.time)
        listeners: list[Registrable] = [
            Listeners(control, clicks, teller, tasks),
            Departures(workspaces),
            BrokenDialog(),
        ]
        slack_app = SlackApp(listeners, teller, tasks)
        async with (_socket if slack.socket_mode else _door)(slack, slack_app, session):
            yield
            await tasks.settle(within=5)


@asynccontextmanager
async def _door(slack: SimSlack, slack_app: SlackApp, _: aiohttp.ClientSession) -> AsyncIterator[None]:
    door = Http(slack_app, Readiness(), secrets=[Secret(slack.signing_secret)], now=time.time)
    runner = web.AppRunner(door.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = "http://{}:{}/slack/events".format(*runner.addresses[0])
    yield
    await runner.cleanup()


@asynccontextmanager
async def _socket(slack: SimSlack, slack_app: SlackApp, session: aiohttp.ClientSession) -> AsyncIterator[None]:
    dialer = Dialer(session, SlackClient(open_web(session, slack.url)), Secret(slack.app_token))
    socket_mode = SocketMode(dialer.dial, slack_app, Readiness(), Tasks())
    await socket_mode.start()
    yield
    await socket_mode.close()


@pytest.mark.parametrize("seconds", [0.0, 2.1], ids=["before the ack", "after the ack"])
async def test_an_accident_is_told_and_logged_under_one_id(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    async with SimSlack(socket_mode=current_transport.is_socket) as slack:
        async with broken_bot(slack, BrokenControl, seconds=seconds):
            delivery = await slack.command(slack.alice, slack.alerts, SESSION)
        *_, whisper = slack.seen_by(slack.alice, slack.alerts)
        assert slack.channel_messages(slack.alerts) == []
    assert delivery.status == 200
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    incident = vars(record)["incident"]
    assert re.fullmatch(r"[0-9a-f]{8}", incident)
    assert record.exc_info is not None
    assert "a mistake of ours" in str(record.exc_info[1])
    assert whisper.text == (
        f"*Something broke in the bot itself* (incident `{incident}`).\n"
        "Whether what you asked was done is not known. A pause may be sent again, it does no harm; before a resume, "
        "look at the session in Anchor's dashboard.\n"
        f"Tell whoever runs the bot; the log has the details under `{incident}`."
    )


async def test_a_result_that_is_too_late_for_the_ack_is_told_after_it() -> None:
    async with SimSlack(socket_mode=current_transport.is_socket) as slack:
        async with broken_bot(slack, StallingControl, seconds=2.55):
            delivery = await slack.command(slack.alice, slack.alerts, SESSION)
        (message,) = slack.channel_messages(slack.alerts)
    assert delivery.ack is not None
    assert delivery.ack.text.startswith("Pausing session")
    assert message.source is Source.RESPONSE_URL
    assert message.text.startswith("⏸️ *Paused*")


async def test_an_accident_with_a_dialog_is_told_in_it(caplog: pytest.LogCaptureFixture) -> None:
    submission = {
        "type": "view_submission",
        "user": {"id": "U0ALICE0001", "team_id": "T0HOME00001"},
        "team": {"id": "T0HOME00001"},
        "view": {"callback_id": "broken", "app_installed_team_id": "T0HOME00001"},
    }
    async with (
        SimSlack(socket_mode=current_transport.is_socket) as slack,
        broken_bot(slack, BrokenControl, seconds=0),
    ):
        answer = await deliver(slack, "interactive", submission, takes_answer=True)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    said = json.loads(answer.body)
    assert said["response_action"] == "update"
    assert f"(incident `{vars(record)['incident']}`)" in str(said["view"]["blocks"])


@HTTP_ONLY
async def test_an_accident_at_the_door_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    def stopped_clock() -> float:
        raise ZeroDivisionError

    async with single_workspace(now=stopped_clock) as at:
        delivery = await at.command(SESSION)
        (whisper,) = at.ephemerals()
        assert at.anchor.requests == []
    assert delivery.status == 200
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"(incident `{vars(record)['incident']}`)" in whisper.text


def click(response_url: str, /, **changes: object) -> dict[str, object]:
    """An interaction as Slack sends it."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ALICE0001", "team_id": "T0HOME00001"},
        "team": {"id": "T0HOME00001"},
        "channel": {"id": "C0ALERTS001"},
        "actions": [{"type": "button", "action_id": "somebody_elses", "value": "x"}],
        "trigger_id": "1.2.3",
        "response_url": response_url,
    }
    return payload | changes


async def test_an_unknown_button_gets_a_polite_answer() -> None:
    async with single_workspace() as at:
        url = (await at.command("help")).response_url
        answer = await at.deliver("interactive", click(url), takes_answer=True)
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        assert at.anchor.requests == []
    assert (answer.status, answer.body) == (200, b"")
    assert at.ephemerals()[-1].text == (
        "I don't know this button; nothing was done.\nTo pause a session, use `/anchor-pause`."
    )


async def test_an_unknown_button_of_a_workspace_unknown_to_us_is_answered_by_its_url_alone() -> None:
    async with single_workspace() as at:
        url = (await at.command("help")).response_url
        payload = click(url.replace("/commands/", "/elsewhere/"), team=None)
        answer = await at.deliver("interactive", payload, takes_answer=True)
        await asyncio.sleep(0.2)
        assert at.methods == ["auth.test"]
    assert answer.status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"response_url": None},
        {"type": "view_submission", "actions": None},
        {"type": "message_action", "actions": None, "callback_id": "x"},
    ],
    ids=["a button without a way to answer", "a modal", "a shortcut"],
)
async def test_what_cannot_be_answered_is_acknowledged(changes: dict[str, object]) -> None:
    async with single_workspace() as at:
        answer = await at.deliver("interactive", click("https://hooks.slack.com/actions/x", **changes))
        assert (answer.status, answer.body) == (200, b"")
        assert at.ephemerals() == []


async def test_an_event_is_acknowledged() -> None:
    async with single_workspace() as at:
        event = {"type": "event_callback", "team_id": "T0HOME00001", "event": {"type": "app_home_opened"}}
        answer = await at.deliver("events_api", event)
    assert (answer.status, answer.body) == (200, b"")

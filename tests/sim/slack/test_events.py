"""How simulated Slack tells the app of events, and what happens when the app is taken out of a workspace."""

import pytest

from bot.sim.slack import SimSlack, Workspace, tokens_revoked
from harness.blocks import home, modal
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio


async def test_an_event_arrives_as_slack_sends_it_and_can_be_sent_again(slack: SimSlack, app: RecordingApp) -> None:
    app.status = 503
    event = await slack.events.send(slack.home, tokens_revoked(bot=["U1"], oauth=["U2"]), event_time=1_700_000_000)
    app.status = 200
    again = await slack.events.again(event.request)

    assert (event.answer.status, again.answer.status) == (503, 200)
    assert app.requests[0] == app.requests[1]
    assert app.requests[0][1]["Content-Type"] == "application/json"
    assert app.last["event_time"] == 1_700_000_000
    tokens = {"oauth": ["U2"], "bot": ["U1"]}
    assert app.last["event"] == {"type": "tokens_revoked", "tokens": tokens, "event_ts": "1700000000.000100"}


async def test_removing_the_app_removes_all_of_it(
    slack: SimSlack, views: ViewClient, app: RecordingApp, partner: Workspace
) -> None:
    view = await views.publish(home())
    await views.open(modal())

    await slack.uninstall(partner)
    assert (slack.home_of(slack.alice), len(slack.modals_of(slack.alice))) == (view, 1)
    await slack.uninstall(slack.home, revoked_first=True)
    assert (slack.home_of(slack.alice), slack.modals_of(slack.alice)) == (None, ())
    assert await views.api.send("auth.test") == {"ok": False, "error": "account_inactive"}
    kinds = [payload["event"]["type"] for payload in app.payloads if "event" in payload]
    assert kinds == ["app_uninstalled", "tokens_revoked", "tokens_revoked", "app_uninstalled"]

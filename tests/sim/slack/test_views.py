"""How people use the app's Home tab and modals in simulated Slack, what the app gets, and what becomes of its ack."""

import json

import pytest

from bot.sim.slack import Rule, SimSlack
from harness.blocks import home, input_of, modal, section
from harness.samples import sample
from sim.api_client import rules
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

CLICK = sample("block_actions.home_tab_button.payload")
CONNECTION_ERROR = "We had some trouble connecting. Try again?"
KEY = sample("view_submission.set_key.payload")
LARGE = modal(*[section("x" * 3000)] * 90)
NO_JSON = "no JSON object, labelled as application/json"


async def test_a_click_arrives_as_slack_sends_it(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.publish(as_written(CLICK["view"]))
    app.says(response_action="clear")
    delivery = await slack.act(slack.alice, view, "open_set_key")

    assert app.last == CLICK | {
        "trigger_id": delivery.trigger_id,
        "container": {"type": "view", "view_id": view.id},
        "view": CLICK["view"] | ids_of(view),
        "actions": [CLICK["actions"][0] | {"action_ts": "1785000000.000000"}],
    }
    assert list(app.last) == list(CLICK)
    assert list(app.last["actions"][0]) == list(CLICK["actions"][0])
    assert (delivery.response_url, rules(slack)) == ("", [Rule.ACK_BODY_IGNORED])


async def test_a_submission_arrives_as_slack_sends_it(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.open(as_written(KEY["view"]))
    delivery = await slack.submit(slack.alice, values={"api_key": "ak_test_0123456789abcdef"})
    assert app.last == KEY | {"trigger_id": delivery.trigger_id, "view": KEY["view"] | ids_of(view)}
    assert list(app.last) == list(KEY)
    assert list(app.last["view"]) == list(KEY["view"])
    assert (slack.modal_of(slack.alice), delivery.response_url, slack.violations) == (None, "", [])


@pytest.mark.parametrize(
    ("ack", "complaint"),
    [
        ({"response_action": "close"}, "unknown response_action: 'close'"),
        (b"{", NO_JSON),
        (None, ""),
        ({"response_action": "errors", "errors": {"words": "No."}}, "no input block has the block_id 'words'"),
        ({"response_action": "push", "view": home()}, "[ERROR] unsupported type: home [json-pointer:/view/type]"),
        ({"response_action": "update", "view": LARGE}, "view_too_large"),
        ({"response_action": "push", "view": modal()}, "push_limit_reached"),
    ],
)
async def test_an_ack_that_slack_cannot_follow_shows_an_error(
    slack: SimSlack, views: ViewClient, app: RecordingApp, ack: object, complaint: str
) -> None:
    for _ in range(3):
        await views.open(modal(input_of(), section("a", block_id="words")))
    app.body = ack if isinstance(ack, bytes) else json.dumps(ack).encode()
    app.status = 200 if ack else 500
    await slack.submit(slack.alice, values={"name": "x"})
    assert (views.top.client_error, views.top.errors) == (CONNECTION_ERROR, {})
    assert views.top.text.endswith(CONNECTION_ERROR)
    assert (await views.update(views.top, modal())).client_error == ""
    expected = [(Rule.VIEW_ACK_INVALID, complaint)] if ack else [(Rule.ACK_NOT_200, "500 b'null'")]
    assert [(one.rule, one.detail) for one in slack.violations] == expected

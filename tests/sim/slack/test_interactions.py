"""How people click, submit and use shortcuts in simulated Slack, what the app gets, and what becomes of its ack."""

import json

import pytest

from bot.sim.slack import Enterprise, Message, Rule, SimSlack
from harness.blocks import home, input_of, modal, section
from harness.samples import Json, sample
from sim.alerts import attachment, legacy_button
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio

CONNECTION_ERROR = "We had some trouble connecting. Try again?"
LARGE = modal(*[section("x" * 3000)] * 90)
NO_JSON = "no JSON object, labelled as application/json"
GRID = sample("block_actions.grid_member_workspace.payload")
NEW = {"text": "new"}
OVERWRITES = [Rule.ACK_OVERWRITES_ALERT] * 2
LINK = "look at <https://anchor.example.com/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b|this session> please"


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def made_by_slack(payload: Json) -> Json:
    """The fields of a payload that Slack invents, as they are in the samples."""
    message = payload["message"] | {"ts": "", "client_msg_id": ""}
    for block in message.get("blocks", ()):
        block["block_id"] = ""
    for name in ("thread_ts", "parent_user_id"):
        if name in message:
            message[name] = ""
    invented = ("action_ts", "trigger_id", "response_url", "message_ts")
    return payload | dict.fromkeys(invented, "") | {"message": message}


async def test_a_click_arrives_as_slack_sends_it(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    slack.home.installation.bot_id = GRID["message"]["bot_id"]
    await api.post("C0ALERTS001", text=GRID["message"]["text"], blocks=GRID["message"]["blocks"])
    [message] = slack.channel_messages(slack.alerts)
    app.says(text="Paused.", response_type="in_channel")
    delivery = await slack.click(slack.alice, message)

    assert app.last == GRID | {
        "container": GRID["container"] | {"message_ts": message.ts},
        "message": GRID["message"] | {"ts": message.ts},
        "actions": [GRID["actions"][0] | {"action_ts": "1785000000.000000"}],
        "trigger_id": delivery.trigger_id,
        "response_url": delivery.response_url,
    }
    assert list(app.last) == list(GRID)
    assert (slack.seen_by(slack.alice, slack.alerts), rules(slack)) == ([message], [Rule.ACK_BODY_IGNORED])
    await slack.click(slack.outsider, message)
    assert app.last["enterprise"] is None


@pytest.mark.parametrize(
    ("ack", "alice", "bob", "broken"),
    [
        (NEW, ["new", "new"], ["new"], OVERWRITES),
        (NEW | {"replace_original": False}, ["a", "b", "new", "new"], ["b", "new", "new"], []),
        (NEW | {"replace_original": False, "response_type": "ephemeral"}, ["a", "b", "new", "new"], ["b"], []),
        ({"delete_original": True}, [], [], OVERWRITES),
        ({}, ["a", "b"], ["b"], []),
    ],
)
async def test_an_ack_replaces_the_message_of_a_legacy_button_unless_it_says_otherwise(
    slack: SimSlack, app: RecordingApp, ack: Json, alice: list[str], bob: list[str], broken: list[Rule]
) -> None:
    shown = [attachment(legacy_button())]
    ephemeral = slack.post(slack.alerts, "a", attachments=shown, ephemeral_to=slack.alice)
    message = slack.post(slack.alerts, "b", attachments=shown)
    app.says(**ack)
    for each in (ephemeral, message):
        await slack.press(slack.alice, each)
    assert ["original_message" in payload for payload in app.payloads] == [False, True]
    assert texts(slack.seen_by(slack.alice, slack.alerts)) == alice
    assert texts(slack.seen_by(slack.bob, slack.alerts)) == bob
    assert rules(slack) == broken


@pytest.mark.parametrize("name", ["human_message_link", "in_thread"])
async def test_a_message_arrives_as_slack_sends_it(slack: SimSlack, app: RecordingApp, name: str) -> None:
    expected = sample(f"message_action.{name}.payload")
    thread_ts = slack.post(slack.alerts, "a").ts if name == "in_thread" else None
    await slack.use_shortcut(slack.alice, slack.post(slack.alerts, LINK, user=slack.bob, thread_ts=thread_ts))
    assert [list(app.last), list(app.last["message"])] == [list(expected), list(expected["message"])]
    assert made_by_slack(app.last) == made_by_slack(expected)


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

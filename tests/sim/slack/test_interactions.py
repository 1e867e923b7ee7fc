"""How people click buttons and use shortcuts in simulated Slack, what the app gets, and what people see."""

import pytest

from bot.sim.slack import Enterprise, Message, Rule, SimSlack
from harness.samples import Json, sample
from sim.alerts import attachment, legacy_button
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

GRID = sample("block_actions.grid_member_workspace.payload")
NEW = {"text": "new"}
OVERWRITES = [Rule.ACK_OVERWRITES_ALERT] * 2
LINK = "look at <https://anchor.example.com/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b|this session> please"


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def without_id(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "id"}


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


async def test_a_press_of_a_legacy_button_arrives_as_slack_sends_it(slack: SimSlack, app: RecordingApp) -> None:
    expected = sample("interactive_message.alertmanager.payload")
    [shown] = expected["original_message"]["attachments"]
    slack.home.installation.bot_name, slack.home.installation.bot_id = "Anchor ChatOps", "B0WEBHOOK01"
    bare = without_id(shown) | {"actions": [without_id(action) for action in shown["actions"]]}
    message = slack.post(slack.alerts, "", attachments=[bare])
    delivery = await slack.press(slack.alice, message)

    assert app.last == expected | {
        "action_ts": "1785000000.000000",
        "message_ts": message.ts,
        "original_message": expected["original_message"] | {"ts": message.ts, "team": "T0HOME00001"},
        "response_url": delivery.response_url,
        "trigger_id": delivery.trigger_id,
    }


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

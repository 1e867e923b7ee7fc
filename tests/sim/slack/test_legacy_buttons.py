"""How people press legacy buttons in simulated Slack, what the app gets, and what its ack does to the message."""

import pytest

from bot.sim.slack import ButtonRef, Message, NotPossibleError, Rule, SimSlack
from harness.blocks import actions, button
from harness.samples import Json, sample
from sim.alerts import attachment, legacy_alert, legacy_button
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio


def without_id(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "id"}


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


async def test_a_press_arrives_as_slack_sends_it(slack: SimSlack, app: RecordingApp) -> None:
    expected = sample("interactive_message.alertmanager.payload")
    [shown] = expected["original_message"]["attachments"]
    slack.home.installation.bot_name, slack.home.installation.bot_id = "Anchor ChatOps", "B0WEBHOOK01"
    bare = without_id(shown) | {"actions": [without_id(action) for action in shown["actions"]]}
    message = slack.post(slack.alerts, "", attachments=[bare])
    delivery = await slack.press(slack.alice, message)

    assert list(app.last) == list(expected)
    assert app.last == expected | {
        "action_ts": "1785000000.000000",
        "message_ts": message.ts,
        "original_message": expected["original_message"] | {"ts": message.ts, "team": "T0HOME00001"},
        "response_url": delivery.response_url,
        "trigger_id": delivery.trigger_id,
    }


async def test_attachments_and_their_buttons_are_counted_from_one(slack: SimSlack, app: RecordingApp) -> None:
    second = attachment(legacy_button(value=""), legacy_button(name="resume", value="y"), callback_id="other")
    message = slack.post(slack.alerts, "", attachments=[attachment(legacy_button()), second])

    await slack.press(slack.alice, message, 2, "2")
    assert app.last["actions"] == [{"name": "resume", "type": "button", "value": "y"}]
    assert (app.last["callback_id"], app.last["attachment_id"]) == ("other", "2")
    await slack.press(slack.alice, message, 2)
    assert app.last["actions"] == [{"name": "pause", "type": "button"}]
    await slack.press(slack.alice, message)
    assert (app.last["callback_id"], app.last["attachment_id"]) == ("anchor_pause_legacy", "1")


@pytest.mark.parametrize(
    ("attachment_id", "action_id", "why"),
    [
        (0, "1", "no button 1 in an attachment 0"),
        (9, "1", "no button 1 in an attachment 9"),
        (1, "0", "no button 0 in an attachment 1"),
        (1, "2", "no button 2 in an attachment 1"),
        (2, "1", "no button 1 in an attachment 2"),
        (3, "1", "link button"),
        (4, "1", "callback_id"),
        (5, "1", "callback_id"),
    ],
)
async def test_a_button_that_sends_nothing_cannot_be_pressed(
    slack: SimSlack, app: RecordingApp, attachment_id: int, action_id: str, why: str
) -> None:
    select = {"type": "select", "name": "whom", "text": "Whom?", "options": []}
    shown = [
        attachment(legacy_button()),
        attachment(select, blocks=[actions(button())]),
        attachment(legacy_button(url="https://runbooks.example/spend")),
        attachment(legacy_button(), callback_id=""),
        attachment(legacy_button(), callback_id=None),
    ]
    with pytest.raises(NotPossibleError, match=why):
        await slack.press(slack.alice, slack.post(slack.alerts, "a", attachments=shown), attachment_id, action_id)
    assert app.requests == []


NEW = {"text": "new"}
OVERWRITES = [Rule.ACK_OVERWRITES_ALERT] * 2


@pytest.mark.parametrize(
    ("ack", "alice", "bob", "broken"),
    [
        (NEW, ["new", "new"], ["new"], OVERWRITES),
        (NEW | {"response_type": "ephemeral", "replace_original": None}, ["new", "new"], ["new"], OVERWRITES),
        (NEW | {"replace_original": False}, ["a", "b", "new", "new"], ["b", "new", "new"], []),
        (NEW | {"replace_original": False, "response_type": "ephemeral"}, ["a", "b", "new", "new"], ["b"], []),
        (NEW | {"delete_original": True}, ["new", "new"], ["new", "new"], OVERWRITES),
        ({"delete_original": True}, [], [], OVERWRITES),
        ({}, ["a", "b"], ["b"], []),
        ({"response_type": "in_channel", "replace_original": True}, ["a", "b"], ["b"], []),
        (NEW | {"blocks": [{"type": "divide"}]}, ["a", "b"], ["b"], [Rule.INVALID_BLOCKS] * 2),
        ({"response_type": "public"}, ["a", "b"], ["b"], [Rule.UNKNOWN_RESPONSE_TYPE] * 2),
    ],
)
async def test_an_ack_replaces_the_message_unless_it_says_otherwise(
    slack: SimSlack, app: RecordingApp, *, ack: Json, alice: list[str], bob: list[str], broken: list[Rule]
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


async def test_a_message_deleted_meanwhile_is_not_replaced(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    message = legacy_alert(slack)
    delivery = await slack.press(slack.alice, message)
    await api.answer(delivery, {"delete_original": True})

    status, body = await api.answer(delivery, {"text": "Paused.", "replace_original": True})
    assert (status, body) == (404, '{"ok": false, "error": "message_not_found"}')
    with pytest.raises(NotPossibleError, match="gone"):
        await slack.press(slack.alice, message)
    assert (slack.channel_messages(slack.alerts), len(app.requests)) == ([], 1)


async def test_slackbot_reports_a_press_without_an_ack(slack: SimSlack, app: RecordingApp) -> None:
    message = slack.post(slack.alerts, "", attachments=[attachment(), attachment(legacy_button(), legacy_button())])
    app.status = 500
    await slack.press(slack.alice, message, 2, "2")

    _, warning = slack.seen_by(slack.alice, slack.alerts)
    assert warning.text == "Darn – that didn't work. This app responded with Status Code 500."
    assert (warning.user, warning.ephemeral_to) == ("USLACKBOT", "U0ALICE0001")
    assert warning.warns == ButtonRef(message.ts, "2", "2")

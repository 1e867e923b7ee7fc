"""How people click Block Kit buttons in simulated Slack, what the app gets, and what people see if it fails."""

from typing import Any

import pytest

from bot.sim.slack import (
    ButtonRef,
    Enterprise,
    Installation,
    Message,
    NotPossibleError,
    Rule,
    SimSlack,
    Source,
    Workspace,
)
from harness.blocks import actions, button, menu, section
from harness.samples import sample
from harness.texts import SESSION
from sim.alerts import ALERT, alert
from sim.api_client import Api, rules
from sim.recording_app import IMPATIENT, NEVER, RecordingApp

pytestmark = pytest.mark.anyio

GRID = sample("block_actions.grid_member_workspace.payload")
TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


def warnings(slack: SimSlack) -> list[Message]:
    return [message for message in slack.seen_by(slack.alice, slack.alerts) if message.source is Source.CLIENT]


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


async def test_the_enterprise_is_that_of_the_person_who_clicks(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    other = Enterprise("E0OTHER0001", "Other")
    await api.post("C0ALERTS001", blocks=ALERT)
    [message] = slack.channel_messages(slack.alerts)
    await slack.click(slack.outsider, message)
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"), other))
    await slack.click(slack.outsider, message)
    assert [payload["enterprise"] for payload in app.payloads] == [None, {"id": other.id, "name": other.name}]


async def test_the_payload_says_where_the_message_is(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    question = slack.post(slack.alerts, "What is going on?", user=slack.bob)
    await api.post("C0ALERTS001", blocks=ALERT, thread_ts=question.ts)
    answered = slack.post(slack.alerts, "a", blocks=ALERT, user=slack.bob)
    slack.post(slack.alerts, "I am on it", user=slack.alice, thread_ts=answered.ts)
    attached = slack.post(slack.private, "a", attachments=[{"text": "a"}, {"blocks": [actions(button())]}])
    ephemeral = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice)

    for message in (slack.channel_messages(slack.alerts)[1], answered, attached, ephemeral):
        await slack.click(slack.alice, message)

    names = ("user", "bot_id", "thread_ts", "parent_user_id")
    assert [[payload["message"].get(name) for name in names] for payload in app.payloads[:3]] == [
        ["U0ANCHORBOT", "B0ANCHOR001", question.ts, "U0BOB000001"],
        ["U0BOB000001", None, answered.ts, None],
        [None, "B0ANCHOR001", None, None],
    ]
    assert "message" not in app.last
    places = ("type", "is_ephemeral", "thread_ts", "attachment_id", "is_app_unfurl")
    assert [[payload["container"].get(name) for name in places] for payload in app.payloads] == [
        ["message", False, question.ts, None, None],
        ["message", False, answered.ts, None, None],
        ["message_attachment", False, None, 2, False],
        ["message", True, None, None, None],
    ]
    assert app.payloads[2]["channel"] == {"id": "C0PRIVATE01", "name": "privategroup"}


async def test_one_of_several_buttons_is_chosen_by_its_value_or_block(slack: SimSlack, app: RecordingApp) -> None:
    beside = section("a", accessory=button(value="other"), block_id="b")
    link = {name: part for name, part in button("link", url="https://a.b").items() if name != "value"}
    blocks = [actions(menu("users_select"), button(), button("anchor_resume"), link, block_id="a"), beside]
    message = slack.post(slack.alerts, "a", blocks=blocks)

    for which in ({"value": "other"}, {"block_id": "b"}):
        await slack.click(slack.alice, message, **which)
        assert (app.last["actions"][0]["block_id"], app.last["actions"][0]["value"]) == ("b", "other")
    await slack.click(slack.alice, message, "anchor_resume")
    assert app.last["actions"][0]["value"] == SESSION
    await slack.click(slack.alice, message, "link")
    assert list(app.last["actions"][0]) == ["action_id", "block_id", "text", "type", "action_ts"]
    with pytest.raises(NotPossibleError, match="2 such buttons: anchor_pause"):
        await slack.click(slack.alice, message)
    with pytest.raises(NotPossibleError, match="no such buttons: anchor_stop"):
        await slack.click(slack.alice, message, "anchor_stop")


@IMPATIENT
@pytest.mark.parametrize(
    ("url", "changes", "text", "broken"),
    [
        ("", {"delay": NEVER}, TIMED_OUT, [Rule.ACK_LATE]),
        ("", {"status": 404}, "This app responded with Status Code 404.", [Rule.ACK_NOT_200]),
        (None, {}, "This app is not configured to handle interactive responses", []),
        ("http://127.0.0.1:1/", {}, TIMED_OUT, []),
    ],
)
async def test_a_click_without_an_ack_shows_a_warning_by_its_button(
    slack: SimSlack, app: RecordingApp, *, url: str | None, changes: dict[str, Any], text: str, broken: list[Rule]
) -> None:
    question = slack.post(slack.alerts, "a", user=slack.bob)
    message = alert(slack, thread_ts=question.ts)
    app.status, app.delay = changes.get("status", 200), changes.get("delay", 0.0)
    slack.request_url = slack.request_url if url == "" else url
    delivery = await slack.click(slack.alice, message)

    assert delivery.ack is None
    [warning] = warnings(slack)
    assert (warning.text, warning.ephemeral_to, warning.thread_ts) == (text, "U0ALICE0001", question.ts)
    assert warning.warns == ButtonRef(message.ts, "anchor_actions", "anchor_pause")
    assert rules(slack) == broken


async def test_a_warning_goes_with_the_next_click_on_its_button(slack: SimSlack, app: RecordingApp) -> None:
    message = slack.post(slack.alerts, "a", blocks=[actions(button(), button("anchor_resume"), block_id="b")])
    app.status = 500
    for person, action_id in (
        (slack.alice, "anchor_pause"),
        (slack.alice, "anchor_resume"),
        (slack.bob, "anchor_pause"),
    ):
        await slack.click(person, message, action_id)
    app.status = 200
    await slack.click(slack.alice, message)

    assert [warning.warns for warning in warnings(slack)] == [ButtonRef(message.ts, "b", "anchor_resume")]
    assert slack.seen_by(slack.bob, slack.alerts)[-1].warns == ButtonRef(message.ts, "b", "anchor_pause")

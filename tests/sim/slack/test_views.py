"""How people use the app's Home tab and modals in simulated Slack, what the app gets, and what becomes of its ack."""

import json
from typing import Any

import pytest

from bot.sim.slack import Rule, SimSlack, View, Workspace
from harness.blocks import Block, home, input_of, menu, modal, section, text_input
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


def value(view: View, block_id: str) -> Any:
    """What is typed or chosen in the only element of a block."""
    [entry] = view.state[block_id].values()
    [value] = [value for name, value in entry.items() if name != "type"]
    return value


def text(block_id: str, **more: object) -> Block:
    return input_of(text_input(**more), block_id)


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


async def test_what_was_typed_stays_where_the_ids_and_the_type_do(slack: SimSlack, views: ViewClient) -> None:
    names = ("empty", "initial", "emptied", "typed", "other")
    select = input_of(menu("users_select"), "who")
    view = await views.open(
        modal(*[text(each) for each in names if each != "initial"], text("initial", initial_value="old"), select)
    )
    for block_id, typed in (("emptied", ""), ("typed", "typed"), ("other", "typed"), ("who", "U0BOB000001")):
        slack.fill(slack.alice, view, block_id, typed)
    several = input_of(menu("multi_users_select", initial_users=["U1"]), "who")
    changed = [text(each, initial_value="new", **({"action_id": "x"} if each == "other" else {})) for each in names]
    after = await views.update(view, modal(*changed, text("added"), several))

    entries = {block_id: value(after, block_id) for block_id in after.state}
    kept = {"empty": "new", "initial": "old", "emptied": None, "typed": "typed", "other": "new"}
    assert entries == kept | {"added": None, "who": ["U1"]}


async def test_a_submission_arrives_as_slack_sends_it(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.open(as_written(KEY["view"]))
    delivery = await slack.submit(slack.alice, values={"api_key": "ak_test_0123456789abcdef"})
    assert app.last == KEY | {"trigger_id": delivery.trigger_id, "view": KEY["view"] | ids_of(view)}
    assert list(app.last) == list(KEY)
    assert list(app.last["view"]) == list(KEY["view"])
    assert (slack.modal_of(slack.alice), delivery.response_url, slack.violations) == (None, "", [])


async def test_an_ack_changes_the_modal(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    app.content_type = "Application/JSON; charset=utf-8"
    first = await views.open(modal(input_of()))
    app.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice, values={"name": "x"})
    assert (views.top.errors, views.top.text) == ({"name": "No."}, "Settings\nLabel\nNo.\nSave")
    app.says(response_action="update", view=modal(section("a & b")))
    await slack.submit(slack.alice)
    assert (views.top.id, views.top.text) == (first.id, "Settings\na & b\nSave")
    app.says(response_action="push", view=modal(section("above")))
    await slack.submit(slack.alice)
    assert (views.top.text, views.top.previous_view_id) == ("Settings\nabove\nSave", first.id)
    app.says(response_action="clear")
    await slack.submit(slack.alice)
    assert (slack.modals_of(slack.alice), rules(slack)) == ((), [Rule.RAW_AMPERSAND])


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

"""How people open the app's tabs in simulated Slack and submit modals, and what becomes of the app's ack."""

import asyncio
import json

import pytest

from bot.sim.slack import ABSENT, Installation, NotPossibleError, Rule, SimSlack, Workspace
from harness.blocks import Block, home, input_of, menu, modal, section, text_input
from harness.conversation import until
from harness.samples import Json, sample
from sim.alerts import alert
from sim.api_client import rules
from sim.recording_app import NEVER, RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

CONNECTION_ERROR = "We had some trouble connecting. Try again?"
KEY = sample("view_submission.set_key.payload")
THEIRS = sample("view_submission.slack_connect_foreign_user.payload")
FIRST = sample("event.app_home_opened.first_time_no_view")
AGAIN = sample("event.app_home_opened")
LARGE = modal(*[section("x" * 3000)] * 90)
NO_JSON = "no JSON object, labelled as application/json"


def comparable(payload: Json) -> Json:
    """Without what differs each time."""
    event = {name: part for name, part in payload["event"].items() if name != "event_ts"}
    return {name: part for name, part in payload.items() if name not in {"event_id", "event_time"}} | {"event": event}


async def test_a_visit_says_what_the_tab_shows(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await slack.open_home(slack.alice)
    assert comparable(app.last) == comparable(FIRST)
    view = await views.publish(as_written(AGAIN["event"]["view"]))
    await slack.open_home(slack.alice)
    expected = AGAIN | {"event": AGAIN["event"] | {"view": AGAIN["event"]["view"] | ids_of(view)}}
    assert comparable(app.last) == comparable(expected)
    assert list(app.last["event"]) == list(AGAIN["event"])
    await slack.open_home(slack.alice, tab="messages")
    assert "view" not in app.last["event"]


async def test_a_submission_arrives_as_slack_sends_it(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.open(as_written(KEY["view"]))
    delivery = await slack.submit(slack.alice, values={"api_key": "ak_test_0123456789abcdef"})
    assert app.last == KEY | {"trigger_id": delivery.trigger_id, "view": KEY["view"] | ids_of(view)}
    assert list(app.last) == list(KEY)
    assert list(app.last["view"]) == list(KEY["view"])
    assert (slack.modal_of(slack.alice), delivery.response_url, slack.violations) == (None, "", [])


@pytest.mark.parametrize("domain", ["partner", None])
async def test_a_foreign_persons_submission_names_their_own_team(
    slack: SimSlack, views: ViewClient, app: RecordingApp, domain: str | None
) -> None:
    if domain:
        slack.add_workspace(Workspace("T0PARTNER01", domain, Installation("xoxb-partner")))
    click = await slack.click(slack.outsider, alert(slack))
    view = views.named(await views.api.call("views.open", trigger_id=click.trigger_id, view=as_written(THEIRS["view"])))
    delivery = await slack.submit(slack.outsider, values={"api_key": "ak_test_0123456789abcdef"})
    expected = THEIRS | {"trigger_id": delivery.trigger_id, "view": THEIRS["view"] | ids_of(view)}
    assert app.last == expected | ({} if domain else {"team": {"id": "T0PARTNER01", "domain": "t0partner01"}})


async def test_an_ack_changes_the_modal(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    app.content_type = "Application/JSON; charset=utf-8"
    first = await views.open(modal(input_of()))
    app.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice, values={"name": "x"})
    assert (views.top.errors, views.top.text) == ({"name": "No."}, "Settings\nLabel\nNo.\nSave")
    assert (await views.update(views.top, modal(input_of()))).errors == {}
    app.says(response_action="update", view=modal(section("a & b")))
    await slack.submit(slack.alice)
    assert (views.top.id, views.top.text) == (first.id, "Settings\na & b\nSave")
    assert views.top.hash != first.hash
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
        (b'<p>{"response_action": "clear"}', NO_JSON),
        ({"response_action": "errors", "errors": {"words": "No."}}, "no input block has the block_id 'words'"),
        ({"response_action": "errors", "errors": {}}, "errors must be an object with a text for each block_id"),
        ({"response_action": "update"}, "[ERROR] must be an object [json-pointer:/view]"),
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
    await slack.submit(slack.alice, values={"name": "x"})
    assert (views.top.client_error, views.top.errors) == (CONNECTION_ERROR, {})
    assert views.top.text.endswith(CONNECTION_ERROR)
    assert [(one.rule, one.detail) for one in slack.violations] == [(Rule.VIEW_ACK_INVALID, complaint)]


async def test_without_an_ack_there_is_an_error(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await views.open(modal())
    app.says(response_action="clear")
    app.content_type = "text/html"
    await slack.submit(slack.alice)
    assert (views.top.client_error, rules(slack)) == (CONNECTION_ERROR, [Rule.VIEW_ACK_INVALID])
    app.delay = NEVER
    assert (await slack.submit(slack.alice)).error == "operation_timeout"
    assert (views.top.client_error, rules(slack)[1:]) == (CONNECTION_ERROR, [Rule.ACK_LATE])
    assert (await views.update(views.top, modal())).client_error == ""


async def test_a_closed_modal_stays_closed_after_the_ack(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await views.open(modal())
    app.says(response_action="push", view=modal(section("late")))
    app.delay, count = 1.0, len(app.requests)
    submitting = asyncio.create_task(slack.submit(slack.alice))
    await until(lambda: len(app.requests) > count)
    await slack.close(slack.alice)
    await submitting
    assert slack.modals_of(slack.alice) == ()


@pytest.mark.parametrize(
    ("view", "values", "why"),
    [
        (modal(input_of()), {"name": ""}, "must be filled in: name"),
        (modal(input_of(menu("multi_users_select"))), {"name": []}, "must be filled in: name"),
        (modal(input_of(text_input(min_length=2))), {"name": "x"}, "2 to 3000 characters"),
        (modal(input_of(text_input(max_length=2))), {"name": "xxx"}, "0 to 2 characters"),
        (modal(input_of(text_input(max_length=4))), {"name": "xxxx"}, ""),
        (modal(input_of(menu("users_select"), optional=True)), {}, ""),
    ],
)
async def test_what_the_client_would_not_submit_cannot_be_submitted(
    slack: SimSlack, views: ViewClient, app: RecordingApp, view: Block, values: Json, why: str
) -> None:
    await views.open(view)
    if why:
        with pytest.raises(NotPossibleError, match=why):
            await slack.submit(slack.alice, values=values)
    else:
        await slack.submit(slack.alice, values=values, team=None, response_urls=ABSENT)
        assert (app.last["team"], "response_urls" in app.last) == (None, False)
    assert len(app.requests) == (1 if why else 2)

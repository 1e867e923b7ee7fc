"""How people submit and close modals in simulated Slack, what the app gets, and what becomes of its ack."""

import asyncio
import json

import pytest

from bot.sim.slack import ABSENT, Installation, NotPossibleError, Rule, SimSlack, Workspace
from harness.blocks import Block, home, input_of, menu, modal, plain, section, text_input
from harness.conversation import until
from harness.samples import Json, sample
from sim.alerts import alert
from sim.api_client import rules
from sim.recording_app import IMPATIENT, NEVER, RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

CONNECTION_ERROR = "We had some trouble connecting. Try again?"
KEY = sample("view_submission.set_key.payload")
THEIRS = sample("view_submission.slack_connect_foreign_user.payload")
CLOSED = sample("view_closed.payload")
HTML = b'{"response_action": "clear"}'
LARGE = [section("x" * 3000) for _ in range(90)]


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
    assert slack.modals_of(slack.outsider, slack.home) == (view,)
    delivery = await slack.submit(slack.outsider, values={"api_key": "ak_test_0123456789abcdef"})

    expected = THEIRS | {"trigger_id": delivery.trigger_id, "view": THEIRS["view"] | ids_of(view)}
    assert app.last == expected | ({} if domain else {"team": {"id": "T0PARTNER01", "domain": "t0partner01"}})


async def test_closing_is_sent_to_an_app_that_asked(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.open(as_written(CLOSED["view"], notify_on_close=True))
    slack.fill(slack.alice, view, "api_key", "ak_half")
    app.says(response_action="clear")
    await slack.close(slack.alice)

    assert app.last == CLOSED | {"view": CLOSED["view"] | ids_of(view)}
    assert list(app.last) == list(CLOSED)
    assert rules(slack)[-1] is Rule.ACK_BODY_IGNORED


@pytest.mark.parametrize(
    ("clear", "clear_on_close", "left"), [(False, False, ["bottom", "below"]), (True, False, []), (False, True, [])]
)
async def test_closing_shows_the_view_below_unless_all_are_cleared(
    slack: SimSlack, views: ViewClient, app: RecordingApp, *, clear: bool, clear_on_close: bool, left: list[str]
) -> None:
    await views.open(modal(notify_on_close=True, callback_id="bottom"))
    await views.open(modal(notify_on_close=True, callback_id="below"))
    await views.open(modal(clear_on_close=clear_on_close))
    delivery = await slack.close(slack.alice, clear=clear)

    assert [view.callback_id for view in slack.modals_of(slack.alice)] == left
    assert (delivery is None) is bool(left)
    if not left:
        assert (app.last["view"]["callback_id"], app.last["is_cleared"]) == ("below", True)


async def test_an_ack_changes_the_modal(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    app.content_type = "Application/JSON; charset=utf-8"
    first = await views.open(modal(input_of()))
    app.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice, values={"name": "x"})
    assert (views.top.errors, views.top.text) == ({"name": "No."}, "Settings\nLabel\nNo.\nSave")
    app.says(response_action="nonsense")
    await slack.submit(slack.alice)
    assert (views.top.errors, views.top.client_error) == ({}, CONNECTION_ERROR)
    app.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice)
    assert (views.top.errors, views.top.client_error) == ({"name": "No."}, "")
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
    assert (slack.modals_of(slack.alice), rules(slack)) == ((), [Rule.VIEW_ACK_INVALID, Rule.RAW_AMPERSAND])


@pytest.mark.parametrize(
    ("ack", "complaint"),
    [
        ({"response_action": "close"}, "unknown response_action: 'close'"),
        ({"text": "Saved."}, "unknown response_action: None"),
        ("Saved.", "no JSON object, labelled as application/json"),
        (b"{", "no JSON object, labelled as application/json"),
        (HTML, "no JSON object, labelled as application/json"),
        ({"response_action": "errors", "errors": {"words": "No."}}, "no input block has the block_id 'words'"),
        ({"response_action": "errors", "errors": {"name": ""}}, "the error of 'name' must be a text"),
        ({"response_action": "errors", "errors": {}}, "errors must be an object with a text for each block_id"),
        ({"response_action": "errors"}, "errors must be an object with a text for each block_id"),
        ({"response_action": "update"}, "[ERROR] must be an object [json-pointer:/view]"),
        ({"response_action": "push", "view": home()}, "[ERROR] unsupported type: home [json-pointer:/view/type]"),
        ({"response_action": "update", "view": modal(*LARGE)}, "view_too_large"),
        ({"response_action": "update", "view": modal(external_id="taken")}, "duplicate_external_id"),
        ({"response_action": "push", "view": modal()}, "push_limit_reached"),
    ],
)
async def test_an_ack_that_slack_cannot_follow_shows_an_error(
    slack: SimSlack, views: ViewClient, app: RecordingApp, ack: object, complaint: str
) -> None:
    await views.publish(home(external_id="taken"))
    for _ in range(3):
        await views.open(modal(input_of(), section("a", block_id="words")))
    app.body = ack if isinstance(ack, bytes) else json.dumps(ack).encode()
    app.content_type = "text/html" if ack == HTML else app.content_type
    await slack.submit(slack.alice, values={"name": "x"})

    assert (views.top.client_error, views.top.errors, views.top.text[-len(CONNECTION_ERROR) :]) == (
        CONNECTION_ERROR,
        {},
        CONNECTION_ERROR,
    )
    assert [(one.rule, one.detail) for one in slack.violations] == [(Rule.VIEW_ACK_INVALID, complaint)]


@IMPATIENT
async def test_without_an_ack_there_is_an_error(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await views.open(modal())
    app.delay = NEVER

    assert (await slack.submit(slack.alice)).error == "operation_timeout"
    assert (views.top.client_error, rules(slack)) == (CONNECTION_ERROR, [Rule.ACK_LATE])
    assert (await views.update(views.top, modal())).client_error == ""
    slack.request_url = None
    assert (await slack.submit(slack.alice)).error == "dispatch_failed"
    assert (views.top.client_error, len(slack.violations)) == (CONNECTION_ERROR, 1)


async def test_a_closed_modal_stays_closed_after_the_ack(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await views.open(modal())
    app.says(response_action="push", view=modal(section("late")))
    app.delay = 1.0
    count = len(app.requests)
    submitting = asyncio.create_task(slack.submit(slack.alice))
    await until(lambda: len(app.requests) > count)
    assert await slack.close(slack.alice) is None
    await submitting

    assert slack.modals_of(slack.alice) == ()


@pytest.mark.parametrize(
    ("view", "values", "why"),
    [
        (modal(input_of()), {}, "must be filled in: name"),
        (modal(input_of()), {"name": ""}, "must be filled in: name"),
        (modal(input_of(menu("multi_users_select"))), {"name": []}, "must be filled in: name"),
        (modal(input_of(text_input(min_length=2))), {"name": "x"}, "2 to 3000 characters"),
        (modal(input_of(text_input(max_length=2))), {"name": "xxx"}, "0 to 2 characters"),
        (modal(input_of()), {"name": "x" * 3001}, "0 to 3000 characters"),
        ({"type": "modal", "title": plain("a"), "blocks": []}, {}, "no button"),
    ],
)
async def test_what_the_client_would_not_submit_cannot_be_submitted(
    slack: SimSlack, views: ViewClient, app: RecordingApp, view: Block, values: Json, why: str
) -> None:
    await views.open(view)
    with pytest.raises(NotPossibleError, match=why):
        await slack.submit(slack.alice, values=values)
    assert len(app.requests) == 1


async def test_an_optional_input_may_be_empty(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    least, most = input_of(text_input(min_length=2)), input_of(text_input(max_length=4), "most")
    empty = input_of(text_input(min_length=8), "empty", optional=True)
    await views.open(modal(least, most, empty, input_of(menu("users_select"), "who", optional=True)))
    await slack.submit(slack.alice, values={"name": "xx", "most": "xxxx"}, team=None, response_urls=ABSENT)

    state = app.last["view"]["state"]["values"]
    assert (state["empty"]["value"]["value"], state["who"]["choice"]["selected_user"]) == (None, None)
    assert (app.last["team"], "response_urls" in app.last) == (None, False)


async def test_only_the_visible_modal_is_submitted_or_closed(slack: SimSlack, views: ViewClient) -> None:
    below, tab = await views.open(modal()), await views.publish(home())
    await views.open(modal())

    for person, view, why in (
        (slack.alice, below, "another view lies on it"),
        (slack.bob, views.top, "does not see"),
        (slack.bob, None, "no modal is open"),
        (slack.alice, tab, "a tab can't be closed|no button"),
    ):
        for act in (slack.submit, slack.close):
            with pytest.raises(NotPossibleError, match=why):
                await act(person, view)
    slack.home.change_user(slack.alice, deleted=True)
    with pytest.raises(NotPossibleError, match="deactivated"):
        await slack.submit(slack.alice)


async def test_a_chosen_channel_brings_a_response_url(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    wanted = menu("conversations_select", response_url_enabled=True)
    others = input_of(menu("channels_select"), "other"), input_of(wanted, "empty", optional=True)
    await views.open(modal(input_of(wanted), *others))
    await slack.submit(slack.alice, values={"name": slack.private.id, "other": slack.alerts.id})

    [given] = app.last["response_urls"]
    assert list(given) == ["block_id", "action_id", "channel_id", "response_url"]
    assert (given["block_id"], given["channel_id"]) == ("name", slack.private.id)
    answer = {"text": "Hello", "response_type": "in_channel", "replace_original": False}
    assert await views.api.answer(given["response_url"], answer) == (200, "ok")
    assert [message.text for message in slack.channel_messages(slack.private)] == ["Hello"]

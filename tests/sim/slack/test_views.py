"""How people use the app's Home tab and modals in simulated Slack, what the app gets, and what becomes of its ack."""

import json
from typing import Any

import pytest

from bot.sim.slack import ABSENT, Installation, NotPossibleError, Rule, SimSlack, View, Workspace, tokens_revoked
from harness.blocks import Block, actions, button, home, input_of, menu, modal, options, section, text_input
from harness.samples import Json, sample
from sim.alerts import alert
from sim.api_client import rules
from sim.recording_app import NEVER, RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

CLICK = sample("block_actions.home_tab_button.payload")
BOTH = ["C0ALERTS001", "C0INCIDENT1"]
ZERO, ONE = options(2)
WANTED = {"include": ["public", "private"], "exclude_external_shared_channels": True, "exclude_bot_users": True}
CHANNEL = menu("conversations_select")
FILTERED = menu("conversations_select", filter=WANTED)
PERSONAL = menu("conversations_select", filter={"include": ["im"], "exclude_bot_users": True})
CONNECTION_ERROR = "We had some trouble connecting. Try again?"
KEY = sample("view_submission.set_key.payload")
THEIRS = sample("view_submission.slack_connect_foreign_user.payload")
FIRST = sample("event.app_home_opened.first_time_no_view")
AGAIN = sample("event.app_home_opened")
LARGE = modal(*[section("x" * 3000)] * 90)
NO_JSON = "no JSON object, labelled as application/json"


def value(view: View, block_id: str) -> Any:
    """What is typed or chosen in the only element of a block."""
    [entry] = view.state[block_id].values()
    [value] = [value for name, value in entry.items() if name != "type"]
    return value


def text(block_id: str, **more: object) -> Block:
    return input_of(text_input(**more), block_id)


def holding(element: Json, **more: str) -> Json:
    """A block with the element; Slack accepts no menu for several in a row of actions."""
    return section("x", accessory=element, **more) if "multi" in element["type"] else actions(element, **more)


def comparable(payload: Json) -> Json:
    """Without what differs each time."""
    event = {name: part for name, part in payload["event"].items() if name != "event_ts"}
    return {name: part for name, part in payload.items() if name not in {"event_id", "event_time"}} | {"event": event}


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


async def test_buttons_texts_and_overflow_menus_say_what_was_done(
    slack: SimSlack, views: ViewClient, app: RecordingApp
) -> None:
    every = text_input(dispatch_action_config={"trigger_actions_on": ["on_character_entered"]})
    inputs = input_of(text_input(action_id="enter"), "enter", dispatch_action=True), input_of(every, "quiet")
    beside = section("b", accessory=button(value="b", style="danger"))
    more = section("c", accessory=menu("overflow", options=options(2)))
    view = await views.publish(home(actions(button(value="a"), block_id="a"), beside, more, *inputs))

    await slack.act(slack.alice, view, "anchor_pause", block_id="a", team=None, container=ABSENT)
    assert (app.last["actions"][0]["value"], app.last["team"], "container" in app.last) == ("a", None, False)
    await slack.act(slack.alice, view, "anchor_pause", value="b")
    assert app.last["actions"][0]["style"] == "danger"
    await slack.act(slack.alice, view, "choice", "1")
    assert app.last["actions"][0]["selected_option"] == ONE
    await slack.act(slack.alice, view, "enter", "typed")
    assert (app.last["actions"][0]["type"], app.last["actions"][0]["value"]) == ("plain_text_input", "typed")
    slack.fill(slack.alice, view, "enter", "typed, but Enter not pressed")
    assert value(slack.fill(slack.alice, view, "quiet", "a"), "quiet") == "a"
    assert len(app.requests) == 4


@pytest.mark.parametrize(
    ("element", "choice", "done"),
    [
        (menu("users_select", initial_user="U0GUEST0001"), "U0BOB000001", {"selected_user": "U0BOB000001"}),
        (menu("conversations_select", initial_conversation="C1"), BOTH[0], {"selected_conversation": BOTH[0]}),
        (menu("static_select", options=options(2), initial_option=ZERO), "1", {"selected_option": ONE}),
        (menu("radio_buttons", options=options(1)), "0", {"selected_option": ZERO}),
        (menu("multi_users_select", initial_users=["U1"]), "U0BOB000001", {"selected_users": ["U0BOB000001"]}),
        (menu("multi_conversations_select", initial_conversations=["C1"]), BOTH, {"selected_conversations": BOTH}),
        (menu("multi_static_select", options=options(2)), ["0"], {"selected_options": options(1)}),
        (menu("checkboxes", options=options(1), initial_options=options(1)), None, {"selected_options": []}),
    ],
)
async def test_a_choice_is_sent_and_kept_instead_of_the_initial_one(
    slack: SimSlack, views: ViewClient, app: RecordingApp, element: Json, choice: list[str] | str | None, done: Json
) -> None:
    view = await views.publish(home(holding(element, block_id="b")))
    initial = {name: value for name, value in element.items() if name.startswith("initial_")}
    [(field, chosen)] = done.items()
    nothing: object = [] if isinstance(chosen, list) else None
    at_first = next(iter(initial.values()), nothing)
    assert view.state == {"b": {"choice": {"type": element["type"], field: at_first}}}
    await slack.act(slack.alice, view, "choice", choice)

    entry = {"type": element["type"]} | done
    ids = {"action_id": "choice", "block_id": "b", "action_ts": "1785000000.000000"}
    assert app.last["actions"] == [entry | initial | ids]
    assert app.last["view"]["state"]["values"] == views.current(view.id).state == {"b": {"choice": entry}}


@pytest.mark.parametrize(
    ("element", "choice", "why"),
    [
        (menu("static_select", options=options(1)), ["0"], "one text, id or value"),
        (menu("static_select", options=options(1)), "1", "not offered to alice: 1"),
        (menu("overflow", options=options(1)), "1", "not offered"),
        (button(action_id="choice"), "1", "nothing to choose"),
        (menu("multi_users_select"), ["U0BOB000001"] * 2, "twice"),
        (menu("multi_users_select", max_selected_items=1), ["U0BOB000001", "U0ALICE0001"], "no more than 1"),
        (CHANNEL, "C0ARCHIVED1", "not offered"),
        (CHANNEL, "C0OTHERS001", "not offered"),
        (CHANNEL, "D0ALICEBOT1", ""),
        (FILTERED, "C0ALERTS001", "not offered"),
        (FILTERED, "C0PRIVATE01", ""),
        (PERSONAL, "D0ALICEBOT1", "not offered"),
        (PERSONAL, "D0ALICEBOB1", ""),
    ],
)
async def test_what_the_client_does_not_offer_cannot_be_chosen(
    slack: SimSlack, views: ViewClient, app: RecordingApp, element: Json, choice: list[str] | str | None, why: str
) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    slack.home.add_channel("C0OTHERS001", "others", slack.bob)
    view = await views.publish(home(holding(element)))
    if why:
        with pytest.raises(NotPossibleError, match=why):
            await slack.act(slack.alice, view, "choice", choice)
    else:
        await slack.act(slack.alice, view, "choice", choice)
    assert len(app.requests) == (0 if why else 1)


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

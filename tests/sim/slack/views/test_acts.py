"""How people click and choose in views of simulated Slack, what they are offered, and what the app gets."""

from typing import Any

import pytest

from bot.sim.slack import ABSENT, NotPossibleError, Rule, SimSlack, View
from harness.blocks import (
    Block,
    actions,
    button,
    home,
    input_of,
    menu,
    modal,
    options,
    section,
    text_input,
)
from harness.samples import Json, sample
from sim.api_client import rules
from sim.recording_app import NEVER, RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"
CLICK = sample("block_actions.home_tab_button.payload")
BOTH = ["C0ALERTS001", "C0INCIDENT1"]
ZERO, ONE = options(2)


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


WANTED = {"include": ["public", "private"], "exclude_external_shared_channels": True, "exclude_bot_users": True}
CHANNEL = menu("conversations_select")
FILTERED = menu("conversations_select", filter=WANTED)
PERSONAL = menu("conversations_select", filter={"include": ["im"], "exclude_bot_users": True})


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


async def test_a_click_without_an_ack_shows_a_warning(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.publish(home(actions(button())))
    app.delay = NEVER
    assert (await slack.act(slack.alice, view, "anchor_pause")).error == "operation_timeout"
    assert views.current(view.id).text == f"Pause\n{TIMED_OUT}"
    assert rules(slack) == [Rule.ACK_LATE]
    app.delay = 0.0
    await slack.act(slack.alice, view, "anchor_pause")
    assert views.current(view.id).client_error == ""

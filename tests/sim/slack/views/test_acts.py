"""How people click and choose in views of simulated Slack, what they are offered, and what the app gets."""

import pytest

from bot.sim.slack import ABSENT, ChannelKind, NotPossibleError, Rule, SimSlack
from harness.blocks import actions, button, confirm, home, input_of, menu, modal, options, plain, section, text_input
from harness.samples import Json, sample
from sim.api_client import rules
from sim.recording_app import IMPATIENT, NEVER, RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"
CLICK = sample("block_actions.home_tab_button.payload")
PAUSE = home(actions(button(confirm=confirm())))
BOTH = ["C0ALERTS001", "C0INCIDENT1"]
ZERO, ONE = options(2)
GROUP = {"label": plain("x"), "options": options(1)}


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


async def test_one_of_several_elements_is_chosen(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    beside = section("b", accessory=button(value="b", style="danger"))
    more = section("c", accessory=menu("overflow", options=options(2)))
    view = await views.publish(home(actions(button(value="a"), block_id="a"), beside, more))

    await slack.act(slack.alice, view, "anchor_pause", block_id="a", team=None, container=ABSENT)
    assert (app.last["actions"][0]["value"], app.last["team"], "container" in app.last) == ("a", None, False)
    await slack.act(slack.alice, view, "anchor_pause", value="b")
    assert app.last["actions"][0]["style"] == "danger"
    await slack.act(slack.alice, view, "choice", "1")
    assert (app.last["actions"][0]["selected_option"], app.last["view"]["state"]) == (ONE, {"values": {}})
    for which, count in (({}, 2), ({"value": "c"}, "no"), ({"block_id": "c"}, "no")):
        with pytest.raises(NotPossibleError, match=f"{count} such elements: anchor_pause"):
            await slack.act(slack.alice, view, "anchor_pause", **which)
    with pytest.raises(NotPossibleError, match="nothing to choose"):
        await slack.act(slack.alice, view, "anchor_pause", "x", value="b")


def holding(element: Json, **more: str) -> Json:
    """A block with the element; Slack accepts no menu for several in a row of actions."""
    return section("x", accessory=element, **more) if "multi" in element["type"] else actions(element, **more)


@pytest.mark.parametrize(
    ("element", "choice", "done"),
    [
        (menu("users_select", initial_user="U0GUEST0001"), "U0BOB000001", {"selected_user": "U0BOB000001"}),
        (menu("conversations_select", initial_conversation="C1"), BOTH[0], {"selected_conversation": BOTH[0]}),
        (menu("channels_select", initial_channel="C1"), BOTH[0], {"selected_channel": BOTH[0]}),
        (menu("static_select", options=options(2), initial_option=ZERO), "1", {"selected_option": ONE}),
        (menu("static_select", option_groups=[GROUP]), "0", {"selected_option": ZERO}),
        (menu("radio_buttons", options=options(1)), "0", {"selected_option": ZERO}),
        (menu("multi_users_select", initial_users=["U1"]), "U0BOB000001", {"selected_users": ["U0BOB000001"]}),
        (menu("multi_conversations_select", initial_conversations=["C1"]), BOTH, {"selected_conversations": BOTH}),
        (menu("multi_channels_select", initial_channels=["C1"]), BOTH, {"selected_channels": BOTH}),
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
        (menu("users_select"), None, "one text, id or value"),
        (menu("static_select", options=options(1)), ["0"], "one text, id or value"),
        (menu("static_select", options=options(1)), "1", "not offered to alice: 1"),
        (menu("overflow", options=options(1)), "1", "not offered"),
        (menu("users_select"), "U0GUEST0001", "not offered"),
        (menu("channels_select"), "C0PRIVATE01", "not offered"),
        (menu("channels_select"), "C0ARCHIVED1", "not offered"),
        (menu("channels_select"), "D0ALICEBOB1", "not offered"),
        (menu("multi_users_select"), ["U0BOB000001"] * 2, "twice"),
        (menu("multi_users_select", max_selected_items=1), ["U0BOB000001", "U0ALICE0001"], "no more than 1"),
    ],
)
async def test_what_the_client_does_not_offer_cannot_be_chosen(
    slack: SimSlack, views: ViewClient, app: RecordingApp, element: Json, choice: list[str] | str | None, why: str
) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    view = await views.publish(home(holding(element)))
    with pytest.raises(NotPossibleError, match=why):
        await slack.act(slack.alice, view, "choice", choice)
    assert app.requests == []


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ({}, ["C0ALERTS001", "C0INCIDENT1", "C0PRIVATE01", "D0ALICEBOB1", "D0ALICEBOT1", "D0OUTSIDER1"]),
        ({"include": ["public", "mpim"]}, ["C0ALERTS001", "C0INCIDENT1"]),
        ({"include": ["private"]}, ["C0PRIVATE01"]),
        ({"exclude_external_shared_channels": True, "include": ["public"]}, ["C0INCIDENT1"]),
        ({"exclude_external_shared_channels": True, "include": ["im"]}, ["D0ALICEBOB1", "D0ALICEBOT1", "D0OUTSIDER1"]),
        ({"exclude_bot_users": True, "include": ["im"]}, ["D0ALICEBOB1", "D0OUTSIDER1"]),
    ],
)
async def test_people_are_offered_their_channels(
    slack: SimSlack, views: ViewClient, wanted: Json, offered: list[str]
) -> None:
    slack.home.add_channel("C0OTHERS001", "others", slack.bob)
    slack.home.add_channel("D0OUTSIDER1", "", slack.alice, slack.outsider, kind=ChannelKind.DM)
    several = menu("multi_conversations_select", **({"filter": wanted} if wanted else {}))
    view = await views.publish(home(holding(several)))

    await slack.act(slack.alice, view, "choice", offered)
    for channel_id in slack.home.channels.keys() - {*offered}:
        with pytest.raises(NotPossibleError, match="not offered"):
            await slack.act(slack.alice, view, "choice", channel_id)


async def test_an_input_is_sent_at_once_or_filled_in(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    every = text_input(dispatch_action_config={"trigger_actions_on": ["on_character_entered"]})
    at_once = input_of(text_input(action_id="enter"), "enter", dispatch_action=True)
    more = input_of(every, "every", dispatch_action=True), input_of(every | {"action_id": "quiet"}, "quiet")
    chosen = input_of(menu("users_select"), "menu", dispatch_action=True)
    view = await views.publish(home(at_once, *more, chosen, section("a", block_id="words", accessory=button())))

    await slack.act(slack.alice, view, "enter", "typed")
    assert (app.last["actions"][0]["type"], app.last["actions"][0]["value"]) == ("plain_text_input", "typed")
    with pytest.raises(NotPossibleError, match="before it is submitted"):
        await slack.act(slack.alice, view, "quiet", "typed")
    slack.fill(slack.alice, view, "enter", "typed, but Enter not pressed")
    filled = slack.fill(slack.alice, view, "quiet", "a")
    assert (slack.home_of(slack.alice), filled.state["quiet"]["quiet"]["value"]) == (filled, "a")
    for person, block_id, value, why in (
        (slack.alice, "every", "a", "goes to the app at once"),
        (slack.alice, "menu", "U0BOB000001", "goes to the app at once"),
        (slack.alice, "words", "a", "no such input"),
        (slack.alice, "nothing", "a", "no such input"),
        (slack.alice, "enter", ["a"], "one text"),
        (slack.bob, "enter", "a", "does not see"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            slack.fill(person, view, block_id, value)
    assert len(app.requests) == 1


async def test_only_what_a_person_sees_can_be_clicked(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    tab, below = await views.publish(PAUSE), await views.open(modal(actions(button())))
    await views.open(modal())
    count = len(app.requests)

    for person, view, why in ((slack.alice, below, "lies on it"), (slack.bob, tab, "does not see")):
        with pytest.raises(NotPossibleError, match=why):
            await slack.act(person, view, "anchor_pause")
    slack.home.installation.home_tab = False
    with pytest.raises(NotPossibleError, match="the tab is off"):
        await slack.act(slack.alice, tab, "anchor_pause")
    await slack.close(slack.alice, clear=True)
    with pytest.raises(NotPossibleError, match="is gone"):
        await slack.act(slack.alice, below, "anchor_pause")
    assert len(app.requests) == count


@IMPATIENT
async def test_a_click_without_an_ack_shows_a_warning(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    view = await views.publish(PAUSE)
    app.delay = NEVER
    assert (await slack.act(slack.alice, view, "anchor_pause")).error == "operation_timeout"
    assert views.current(view.id).text == f"Pause\n{TIMED_OUT}"
    assert rules(slack) == [Rule.ACK_LATE]
    app.delay = 0.0

    await slack.act(slack.alice, view, "anchor_pause")
    assert views.current(view.id).client_error == ""
    slack.request_url = None
    await slack.act(slack.alice, view, "anchor_pause")
    assert views.current(view.id).client_error == "This app is not configured to handle interactive responses"

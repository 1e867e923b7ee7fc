"""How people click and choose in views of simulated Slack, what they are offered, and what the app gets."""

import pytest

from bot.sim.slack import ABSENT, ChannelKind, NotPossibleError, Rule, SimSlack
from sim.api_client import rules
from sim.screens import (
    Part,
    Screens,
    actions,
    as_written,
    asked,
    button,
    home,
    ids_of,
    menu,
    modal,
    option,
    plain,
    sample,
    section,
    written,
)
from sim.ways import Ways

pytestmark = pytest.mark.anyio

TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"
CLICK = sample("block_actions.home_tab_button.payload")


async def test_a_click_on_the_tab_arrives_as_slack_sends_it(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(as_written(CLICK["view"]))

    delivery = await slack.act(slack.alice, view, "open_set_key")

    assert ways.last == CLICK | {
        "trigger_id": delivery.trigger_id,
        "container": {"type": "view", "view_id": view.id},
        "view": CLICK["view"] | ids_of(view),
        "actions": [CLICK["actions"][0] | {"action_ts": "1785000000.000000"}],
    }
    assert list(ways.last) == list(CLICK)
    assert list(ways.last["actions"][0]) == list(CLICK["actions"][0])
    assert (delivery.status, delivery.response_url, slack.violations) == (200, "", [])


async def test_a_button_says_its_value_and_style(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    view = await screens.publish(
        home(actions(button(value="a", style="danger")), section("b", accessory=button(value="b")))
    )

    await slack.act(slack.alice, view, "go", value="a")

    assert heard.last["actions"] == [
        {
            "action_id": "go",
            "block_id": "actions",
            "text": plain("Go"),
            "value": "a",
            "style": "danger",
            "type": "button",
            "action_ts": "1785000000.000000",
        }
    ]
    await slack.act(slack.alice, view, "go", block_id="actions")
    assert heard.last["actions"][0]["value"] == "a"
    await slack.act(slack.alice, view, "go", value="b")
    assert "style" not in heard.last["actions"][0]
    for which, count in (({}, 2), ({"value": "c"}, "no"), ({"block_id": "c"}, "no")):
        with pytest.raises(NotPossibleError, match=f"{count} such elements: go"):
            await slack.act(slack.alice, view, "go", **which)
    with pytest.raises(NotPossibleError, match="no such elements: stop"):
        await slack.act(slack.alice, view, "stop")
    with pytest.raises(NotPossibleError, match="nothing to choose"):
        await slack.act(slack.alice, view, "go", "x", value="a")


@pytest.mark.parametrize(
    ("element", "choice", "done"),
    [
        (menu("users_select", initial_user="U0GUEST0001"), "U0BOB000001", {"selected_user": "U0BOB000001"}),
        (menu("conversations_select"), "C0ALERTS001", {"selected_conversation": "C0ALERTS001"}),
        (menu("channels_select"), "C0ALERTS001", {"selected_channel": "C0ALERTS001"}),
        (menu("static_select", options=[option("red"), option("blue")]), "blue", {"selected_option": option("blue")}),
        (menu("radio_buttons", options=[option("red")]), "red", {"selected_option": option("red")}),
        (
            menu("static_select", option_groups=[{"label": plain("a"), "options": [option("red")]}]),
            "red",
            {"selected_option": option("red")},
        ),
        (
            menu("multi_users_select", initial_users=["U0BOB000001"]),
            ["U0ALICE0001", "U0BOB000001"],
            {"selected_users": ["U0ALICE0001", "U0BOB000001"]},
        ),
        (menu("multi_users_select"), "U0BOB000001", {"selected_users": ["U0BOB000001"]}),
        (menu("multi_users_select"), None, {"selected_users": []}),
        (menu("multi_conversations_select"), ("C0PRIVATE01",), {"selected_conversations": ["C0PRIVATE01"]}),
        (menu("multi_channels_select"), ["C0ALERTS001"], {"selected_channels": ["C0ALERTS001"]}),
        (menu("multi_static_select", options=[option("red")]), ["red"], {"selected_options": [option("red")]}),
        (menu("checkboxes", options=[option("red"), option("blue")]), ["red"], {"selected_options": [option("red")]}),
        (menu("checkboxes", options=[option("red")], initial_options=[option("red")]), [], {"selected_options": []}),
    ],
)
async def test_a_choice_is_told_and_kept(
    slack: SimSlack, screens: Screens, ways: Ways, element: Part, choice: list[str] | str | None, done: Part
) -> None:
    view = await screens.publish(home(actions(element)))

    await slack.act(slack.alice, view, "choice", choice)

    initial = {name: value for name, value in element.items() if name.startswith("initial_")}
    entry = {"type": element["type"], **done}
    assert ways.last["actions"] == [
        {"action_id": "choice", "block_id": "actions", **entry, **initial, "action_ts": "1785000000.000000"}
    ]
    assert ways.last["view"]["state"] == {"values": {"actions": {"choice": entry}}}
    shown = slack.home_of(slack.alice)
    assert shown is not None
    assert shown.state == {"actions": {"choice": entry}}
    assert slack.violations == []


async def test_an_overflow_menu_keeps_nothing(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    overflow = menu("overflow", options=[option("red"), option("blue")])
    view = await screens.publish(home(section("a", block_id="b", accessory=overflow)))

    await slack.act(slack.alice, view, "choice", "blue")

    [action] = heard.last["actions"]
    assert (action["type"], action["selected_option"]) == ("overflow", option("blue"))
    assert heard.last["view"]["state"] == {"values": {}}
    for choice in ("green", None):
        with pytest.raises(NotPossibleError, match="not offered"):
            await slack.act(slack.alice, view, "choice", choice)


@pytest.mark.parametrize("kind", ["users_select", "conversations_select", "channels_select", "static_select"])
async def test_a_menu_of_one_needs_one_choice(slack: SimSlack, screens: Screens, heard: Ways, kind: str) -> None:
    more = {"options": [option("red")]} if kind == "static_select" else {}
    view = await screens.publish(home(actions(menu(kind, **more))))

    for choice in (None, [], ["U0BOB000001"]):
        with pytest.raises(NotPossibleError, match="one text, id or value"):
            await slack.act(slack.alice, view, "choice", choice)
    with pytest.raises(NotPossibleError, match="not offered to alice: X"):
        await slack.act(slack.alice, view, "choice", "X")
    assert heard.got == []


async def test_deactivated_people_are_not_offered(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    view = await screens.publish(home(actions(menu("multi_users_select", max_selected_items=2))))

    for choice, why in (
        (["U0GUEST0001"], "not offered"),
        (["U0BOB000001"] * 2, "twice"),
        (["U0BOB000001", "U0ALICE0001", "U0CAROL0001"], "no more than 2"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await slack.act(slack.alice, view, "choice", choice)
    assert heard.got == []
    await slack.act(slack.alice, view, "choice", ["U0MALLORY01", "U0ANCHORBOT"])
    assert len(heard.got) == 1


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ({}, ["C0ALERTS001", "C0INCIDENT1", "C0PRIVATE01", "D0ALICEBOB1", "D0ALICEBOT1"]),
        ({"filter": {"include": ["public"]}}, ["C0ALERTS001", "C0INCIDENT1"]),
        ({"filter": {"include": ["private", "im"]}}, ["C0PRIVATE01", "D0ALICEBOB1", "D0ALICEBOT1"]),
        ({"filter": {"include": ["mpim"]}}, []),
        (
            {"filter": {"exclude_external_shared_channels": True}},
            ["C0INCIDENT1", "C0PRIVATE01", "D0ALICEBOB1", "D0ALICEBOT1"],
        ),
        (
            {"filter": {"exclude_bot_users": True}},
            ["C0ALERTS001", "C0INCIDENT1", "C0PRIVATE01", "D0ALICEBOB1"],
        ),
        (
            {"filter": {"exclude_bot_users": False, "exclude_external_shared_channels": False, "include": ["im"]}},
            ["D0ALICEBOB1", "D0ALICEBOT1"],
        ),
    ],
)
async def test_people_are_offered_the_conversations_they_are_in(
    slack: SimSlack, screens: Screens, heard: Ways, wanted: Part, offered: list[str]
) -> None:
    slack.home.add_channel("C0OTHERS001", "others", slack.bob)
    view = await screens.publish(home(actions(menu("conversations_select", **wanted))))

    taken = []
    for channel_id in slack.home.channels:
        try:
            await slack.act(slack.alice, view, "choice", channel_id)
        except NotPossibleError:
            continue
        taken.append(channel_id)

    assert taken == offered
    assert len(heard.got) == len(offered)


async def test_a_conversation_with_an_outsider_is_no_shared_channel(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    dm = slack.home.add_channel("D0OUTSIDER1", "", slack.alice, slack.outsider, kind=ChannelKind.DM)
    wanted = {"exclude_external_shared_channels": True}
    view = await screens.publish(home(actions(menu("conversations_select", filter=wanted))))

    await slack.act(slack.alice, view, "choice", dm.id)

    assert heard.last["actions"][0]["selected_conversation"] == dm.id


async def test_public_channels_are_offered_to_all(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    slack.home.add_channel("C0OTHERS001", "others", slack.bob)
    view = await screens.publish(home(actions(menu("channels_select"))))

    await slack.act(slack.alice, view, "choice", "C0OTHERS001")

    for channel in (slack.private, slack.archived, slack.alice_and_bob):
        with pytest.raises(NotPossibleError, match="not offered"):
            await slack.act(slack.alice, view, "choice", channel.id)
    assert len(heard.got) == 1


async def test_an_input_tells_the_app_only_if_it_shall(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(home(written() | {"dispatch_action": True}, written("quiet", action_id="quiet")))

    await slack.act(slack.alice, view, "value", "typed")

    assert ways.last["actions"] == [
        {
            "action_id": "value",
            "block_id": "name",
            "type": "plain_text_input",
            "value": "typed",
            "action_ts": "1785000000.000000",
        }
    ]
    with pytest.raises(NotPossibleError, match="before it is submitted"):
        await slack.act(slack.alice, view, "quiet", "typed")
    assert len(ways.got) == 1


async def test_filling_in_tells_nobody(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    view = await screens.publish(home(written(), asked(menu("users_select"))))

    filled = slack.fill(slack.alice, slack.fill(slack.alice, view, "name", "a"), "menu", "U0BOB000001")

    assert slack.home_of(slack.alice) == filled
    assert filled.state == {
        "name": {"value": {"type": "plain_text_input", "value": "a"}},
        "menu": {"choice": {"type": "users_select", "selected_user": "U0BOB000001"}},
    }
    assert heard.got == []


async def test_what_tells_the_app_at_once_is_not_filled_in(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    at_once = {"dispatch_action": True}
    every = {"dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]}}
    view = await screens.publish(
        home(
            written() | at_once,
            written("every", **every) | at_once,
            written("quiet", **every),
            asked(menu("users_select")) | at_once,
            section("a", block_id="words", accessory=button()),
        )
    )

    slack.fill(slack.alice, view, "name", "typed, but Enter not pressed")
    slack.fill(slack.alice, view, "quiet", "a")
    for block_id, value, why in (
        ("every", "a", "goes to the app at once"),
        ("menu", "U0BOB000001", "goes to the app at once"),
        ("words", "a", "no such input"),
        ("nothing", "a", "no such input"),
        ("name", ["a"], "one text"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            slack.fill(slack.alice, view, block_id, value)
    with pytest.raises(NotPossibleError, match="does not see"):
        slack.fill(slack.bob, view, "name", "a")
    assert heard.got == []


async def test_only_what_a_person_sees_can_be_clicked(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    tab, below = await screens.publish(home(actions(button()))), await screens.open(modal(actions(button())))
    delivery = await slack.act(slack.alice, below, "go")
    await screens.api.call("views.push", trigger_id=delivery.trigger_id, view=modal())
    heard.got.clear()

    for person, view, why in ((slack.alice, below, "lies on it"), (slack.bob, tab, "does not see")):
        with pytest.raises(NotPossibleError, match=why):
            await slack.act(person, view, "go")
    slack.home.installation.home_tab = False
    with pytest.raises(NotPossibleError, match="the tab is off"):
        await slack.act(slack.alice, tab, "go")
    assert heard.got == []
    slack.home.installation.home_tab = True
    await slack.act(slack.alice, tab, "go")
    assert len(heard.got) == 1


async def test_fields_of_an_action_can_be_changed_nulled_and_left_out(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    view = await screens.publish(home(actions(button())))

    await slack.act(slack.alice, view, "go", team=None, container=ABSENT, new="field")

    assert (heard.last["team"], heard.last["new"]) == (None, "field")
    assert "container" not in heard.last


async def test_a_click_that_is_acknowledged_late_shows_a_warning(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(home(section("a"), actions(button())))
    ways.delay = 1.0

    delivery = await slack.act(slack.alice, view, "go")

    shown = slack.home_of(slack.alice)
    assert shown is not None
    assert (delivery.error, shown.trouble) == ("operation_timeout", TIMED_OUT)
    assert shown.text == f"a\nGo\n{TIMED_OUT}"
    assert rules(slack) == [Rule.ACK_LATE]


async def test_a_warning_is_gone_with_the_next_click(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    view = await screens.publish(home(actions(button())))
    way, slack.request_url = slack.request_url, None
    await slack.act(slack.alice, view, "go")
    assert screens.current(view.id).trouble == "This app is not configured to handle interactive responses"
    slack.request_url = way

    await slack.act(slack.alice, view, "go")

    assert (screens.current(view.id).trouble, len(heard.got)) == ("", 1)


async def test_a_view_that_is_gone_shows_no_warning(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    view = await screens.open(modal(actions(button())))
    slack.request_url = None

    await slack.act(slack.alice, view, "go")
    assert screens.top.trouble
    await slack.close(slack.alice)

    with pytest.raises(NotPossibleError, match="is gone"):
        await slack.act(slack.alice, view, "go")
    assert len(heard.got) == 1


async def test_the_body_of_an_ack_is_shown_to_nobody(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(home(actions(button())))
    ways.says(response_action="clear")

    await slack.act(slack.alice, view, "go")

    assert slack.home_of(slack.alice) == view
    assert rules(slack) == [Rule.ACK_BODY_IGNORED]


async def test_a_click_opens_a_modal(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    delivery = await slack.act(slack.alice, await screens.publish(home(actions(button()))), "go")

    await screens.api.call("views.open", trigger_id=delivery.trigger_id, view=modal(section("a")))

    assert screens.top.text == "Settings\na\nSave"
    assert len(ways.got) == 1

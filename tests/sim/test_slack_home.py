"""How people open the app's tabs in simulated Slack and act there, and what the app gets."""

import pytest

from bot.sim.slack import (
    ABSENT,
    Enterprise,
    Installation,
    NotPossibleError,
    Rule,
    SimSlack,
    Workspace,
)
from sim.api_client import Api, rules
from sim.screens import (
    Part,
    Screens,
    actions,
    asked,
    button,
    home,
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
FIRST = sample("event.app_home_opened.first_time_no_view")
AGAIN = sample("event.app_home_opened")
CLICK = sample("block_actions.home_tab_button.payload")


def as_written(view: Part) -> Part:
    """A Home tab as an app would write it, so that Slack shows what is in a payload."""
    return {name: view[name] for name in ("type", "blocks", "callback_id", "private_metadata")}


def known(payload: Part) -> Part:
    """The part of an event's envelope that is the same for each."""
    different = ("event", "event_id", "event_time")
    return {name: value for name, value in payload.items() if name not in different}


async def test_the_first_visit_has_no_view(slack: SimSlack, ways: Ways) -> None:
    assert slack.home_of(slack.alice) is None

    delivery = await slack.open_home(slack.alice)

    assert known(ways.last) == known(FIRST)
    assert ways.last["event"] == FIRST["event"] | {"event_ts": "1785000000.000100"}
    assert list(ways.last["event"]) == list(FIRST["event"])
    assert (delivery.answer.status, slack.home_of(slack.alice)) == (200, None)


async def test_later_visits_say_what_the_tab_shows(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(as_written(AGAIN["event"]["view"]))

    await slack.open_home(slack.alice)

    ids = {"id": view.id, "root_view_id": view.id, "hash": view.hash, "bot_id": "B0ANCHOR001"}
    shown = AGAIN["event"]["view"] | ids | {"external_id": ""}
    assert ways.last["event"] == AGAIN["event"] | {"view": shown, "event_ts": "1785000000.000100"}
    assert list(ways.last["event"]) == list(AGAIN["event"])
    assert list(ways.last["event"]["view"]) == list(AGAIN["event"]["view"])


async def test_the_state_of_a_tab_is_not_told_with_a_visit(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home(actions(menu("users_select", initial_user="U0BOB000001"))))

    await slack.open_home(slack.alice)

    assert heard.last["event"]["view"]["state"] == {"values": {}}


async def test_the_messages_tab_has_no_view(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home())

    await slack.open_home(slack.alice, tab="messages")

    assert heard.last["event"]["tab"] == "messages"
    assert "view" not in heard.last["event"]


async def test_everyone_has_a_tab_of_their_own(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home(section("for Alice")))

    await slack.open_home(slack.bob)

    assert heard.last["event"]["channel"] == slack.home.dm_with_bot(slack.bob).id
    assert "view" not in heard.last["event"]
    assert slack.home_of(slack.bob) is None


async def test_people_open_the_tab_of_their_own_workspace(slack: SimSlack, heard: Ways) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user(slack.outsider.id, "mallory")
    partner.add_user(slack.alice.id, "alice", team_id="T0HOME00001")
    slack.add_workspace(partner)

    await slack.open_home(slack.outsider)
    assert heard.last["team_id"] == "T0PARTNER01"
    await slack.open_home(slack.alice)
    assert heard.last["team_id"] == "T0HOME00001"
    for person, workspace in ((slack.outsider, slack.home), (slack.alice, partner)):
        with pytest.raises(NotPossibleError, match="other workspaces"):
            await slack.open_home(person, workspace)
    with pytest.raises(KeyError):
        await slack.open_home("U0NOBODY001")


async def test_outsiders_have_no_tab(slack: SimSlack, heard: Ways) -> None:
    with pytest.raises(NotPossibleError, match="other workspaces"):
        await slack.open_home(slack.outsider)
    assert heard.got == []


async def test_colleagues_from_the_same_organisation_have_one(slack: SimSlack, heard: Ways) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    slack.add_workspace(Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), slack.home.enterprise))
    colleague = slack.home.add_user("U0COLLEAG01", "col", team_id="T0SISTER001")

    await slack.open_home(colleague)

    assert (heard.last["team_id"], heard.last["event"]["user"]) == ("T0HOME00001", "U0COLLEAG01")


async def test_a_tab_that_is_off_can_not_be_opened(slack: SimSlack, heard: Ways) -> None:
    app = slack.home.installation
    app.home_tab, app.messages_tab = False, True
    with pytest.raises(NotPossibleError, match="no such tab: home"):
        await slack.open_home(slack.alice)
    app.home_tab, app.messages_tab = True, False
    with pytest.raises(NotPossibleError, match="no such tab: messages"):
        await slack.open_home(slack.alice, tab="messages")
    with pytest.raises(NotPossibleError, match="no such tab: about"):
        await slack.open_home(slack.alice, tab="about")
    slack.home.change_user(slack.alice, deleted=True)
    with pytest.raises(NotPossibleError, match="deactivated"):
        await slack.open_home(slack.alice)
    assert heard.got == []


async def test_a_visit_can_be_told_again(slack: SimSlack, heard: Ways) -> None:
    delivery = await slack.open_home(slack.alice)

    await slack.events.again(delivery.request)

    assert heard.got[0] == heard.got[1]


async def test_a_click_on_the_tab_arrives_as_slack_sends_it(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(as_written(CLICK["view"]))

    delivery = await slack.act(slack.alice, view, "open_set_key")

    ids = {"id": view.id, "root_view_id": view.id, "hash": view.hash, "bot_id": "B0ANCHOR001"}
    assert ways.last == CLICK | {
        "trigger_id": delivery.trigger_id,
        "container": {"type": "view", "view_id": view.id},
        "view": CLICK["view"] | ids,
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


async def test_with_the_messages_tab_off_the_app_can_not_write_to_people(slack: SimSlack, api: Api) -> None:
    slack.home.installation.messages_tab = False

    assert (await api.post(slack.alice.id))["error"] == "messages_tab_disabled"
    assert (await api.post(slack.alice_and_bot.id))["error"] == "messages_tab_disabled"


async def test_nobody_writes_to_a_deactivated_person(slack: SimSlack, api: Api) -> None:
    assert (await api.post(slack.bob.id))["ok"] is True
    slack.home.change_user(slack.bob, deleted=True)

    assert (await api.post(slack.bob.id))["error"] == "channel_not_found"

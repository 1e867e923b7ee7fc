"""What stays in a view of simulated Slack when the app changes it, and what is there at first."""

from typing import Any

import pytest

from bot.sim.slack import SimSlack, View
from sim.screens import Part, Screens, actions, asked, button, home, menu, modal, option, section, written
from sim.ways import Ways

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def listening(heard: Ways) -> Ways:
    return heard


def value(view: View, block_id: str = "name", action_id: str = "value", field: str = "value") -> Any:
    return view.state[block_id][action_id][field]


@pytest.mark.parametrize(
    ("element", "state"),
    [
        ({"type": "plain_text_input"}, {"value": None}),
        ({"type": "plain_text_input", "initial_value": "a"}, {"value": "a"}),
        (menu("users_select"), {"selected_user": None}),
        (menu("users_select", initial_user="U0BOB000001"), {"selected_user": "U0BOB000001"}),
        (menu("conversations_select", initial_conversation="C1"), {"selected_conversation": "C1"}),
        (menu("channels_select", initial_channel="C1"), {"selected_channel": "C1"}),
        (menu("static_select", options=[option("a")]), {"selected_option": None}),
        (menu("static_select", options=[option("a")], initial_option=option("a")), {"selected_option": option("a")}),
        (menu("radio_buttons", options=[option("a")], initial_option=option("a")), {"selected_option": option("a")}),
        (menu("checkboxes", options=[option("a")]), {"selected_options": []}),
        (menu("checkboxes", options=[option("a")], initial_options=[option("a")]), {"selected_options": [option("a")]}),
        (
            menu("multi_static_select", options=[option("a")], initial_options=[option("a")]),
            {"selected_options": [option("a")]},
        ),
        (menu("multi_users_select"), {"selected_users": []}),
        (menu("multi_users_select", initial_users=["U1"]), {"selected_users": ["U1"]}),
        (menu("multi_conversations_select", initial_conversations=["C1"]), {"selected_conversations": ["C1"]}),
        (menu("multi_channels_select", initial_channels=["C1"]), {"selected_channels": ["C1"]}),
    ],
)
async def test_at_first_there_is_what_the_app_says(screens: Screens, element: Part, state: Part) -> None:
    view = await screens.open(modal(asked(element | {"action_id": "choice"}), section("a", accessory=button())))

    assert view.state == {"menu": {"choice": {"type": element["type"]} | state}}


@pytest.mark.parametrize(
    ("kind", "more", "entry"),
    [
        ("conversations_select", {}, "C0ALERTS001"),
        ("conversations_select", {"initial_conversation": "C0INCIDENT1"}, "C0INCIDENT1"),
        ("multi_conversations_select", {}, ["C0ALERTS001"]),
    ],
)
async def test_the_current_conversation_can_be_there_at_first(
    slack: SimSlack, screens: Screens, kind: str, more: Part, entry: object
) -> None:
    field = "selected_conversation" if kind == "conversations_select" else "selected_conversations"
    plainly = asked(menu(kind), "plainly")
    blocks = (asked(menu(kind, default_to_current_conversation=True, **more)), plainly)

    view = await screens.open(modal(*blocks, actions(button())))

    assert value(view, "menu", "choice", field) == entry
    assert not value(view, "plainly", "choice", field)
    delivery = await slack.act(slack.alice, view, "go")
    await screens.api.call("views.open", trigger_id=delivery.trigger_id, view=modal(*blocks[:1]))
    assert value(screens.top, "menu", "choice", field) == more.get(
        "initial_conversation", [] if "multi" in kind else None
    )


async def test_what_was_typed_stays_where_the_ids_do(slack: SimSlack, screens: Screens) -> None:
    view = await screens.open(modal(written("a"), written("b"), written("c")))
    for block_id in "abc":
        view = slack.fill(slack.alice, view, block_id, "typed")

    after = await screens.update(
        view,
        modal(
            written("a", initial_value="new"),
            written("b", action_id="other", initial_value="new"),
            written("d", initial_value="new"),
        ),
    )

    assert (value(after, "a"), value(after, "b", "other"), value(after, "d")) == ("typed", "new", "new")
    assert set(after.state) == {"a", "b", "d"}


async def test_what_the_app_has_put_there_stays_as_well(screens: Screens) -> None:
    """Slack does not let an app change it but by another block_id or action_id."""
    view = await screens.open(modal(written(initial_value="old")))

    assert value(await screens.update(view, modal(written(initial_value="new")))) == "old"
    assert value(await screens.update(view, modal(written()))) == "old"


async def test_what_was_empty_takes_what_the_app_says(screens: Screens) -> None:
    view = await screens.open(modal(written()))

    assert value(await screens.update(view, modal(written(initial_value="new")))) == "new"


async def test_what_was_emptied_stays_empty(slack: SimSlack, screens: Screens) -> None:
    view = await screens.open(modal(written(initial_value="old")))
    slack.fill(slack.alice, view, "name", "")

    assert value(await screens.update(view, modal(written(initial_value="new")))) is None


async def test_another_type_of_element_begins_anew(slack: SimSlack, screens: Screens) -> None:
    view = await screens.open(modal(asked(menu("users_select", initial_user="U1"))))
    slack.fill(slack.alice, view, "menu", "U0BOB000001")

    after = await screens.update(view, modal(asked(menu("multi_users_select", initial_users=["U1"]))))

    assert after.state == {"menu": {"choice": {"type": "multi_users_select", "selected_users": ["U1"]}}}


async def test_a_choice_stays_as_long_as_it_is_offered(slack: SimSlack, screens: Screens) -> None:
    boxes = menu("checkboxes", options=[option("red"), option("blue")])
    one = menu("static_select", options=[option("red"), option("blue")])
    view = await screens.publish(home(actions(boxes, block_id="a"), actions(one, block_id="b")))
    await slack.act(slack.alice, view, "choice", ["red"], block_id="a")
    await slack.act(slack.alice, view, "choice", "red", block_id="b")

    stays = await screens.publish(home(actions(boxes, block_id="a"), actions(one, block_id="b")))
    assert value(stays, "a", "choice", "selected_options") == [option("red")]
    assert value(stays, "b", "choice", "selected_option") == option("red")
    blue = {"options": [option("blue")]}
    gone = await screens.publish(home(actions(boxes | blue, block_id="a"), actions(one | blue, block_id="b")))
    assert value(gone, "a", "choice", "selected_options") == []
    assert value(gone, "b", "choice", "selected_option") is None


async def test_boxes_that_were_unticked_stay_so(slack: SimSlack, screens: Screens) -> None:
    boxes = menu("checkboxes", options=[option("red")], initial_options=[option("red")])
    view = await screens.publish(home(actions(boxes)))
    await slack.act(slack.alice, view, "choice", [])

    after = await screens.publish(home(actions(boxes)))

    assert value(after, "actions", "choice", "selected_options") == []


async def test_a_cleared_group_of_radio_buttons_is_no_option(slack: SimSlack, screens: Screens) -> None:
    radio = menu("radio_buttons", options=[option("red")])
    view = await screens.publish(home(actions(radio)))
    assert value(await screens.publish(home(actions(radio))), "actions", "choice", "selected_option") is None
    await slack.act(slack.alice, view, "choice", "red")
    assert value(await screens.publish(home(actions(radio))), "actions", "choice", "selected_option") == option("red")


async def test_an_acks_update_keeps_what_was_typed(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal(written()))
    heard.says(response_action="update", view=modal(written(initial_value="new"), section("Checking…")))

    await slack.submit(slack.alice, values={"name": "typed"})

    assert value(screens.top) == "typed"
    assert "Checking…" in screens.top.text


async def test_what_was_typed_below_is_there_after_coming_back(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    view = await screens.open(modal(written()))
    heard.says(response_action="push", view=modal())
    await slack.submit(slack.alice, view, {"name": "typed"})
    await slack.close(slack.alice)

    assert value(screens.top) == "typed"

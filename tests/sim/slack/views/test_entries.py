"""What stays in a view of simulated Slack when the app changes it, and what is there at first."""

from typing import Any

import pytest

from bot.sim.slack import SimSlack, View
from harness.blocks import Block, actions, home, input_of, menu, modal, option, options, section, text_input
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio


def value(view: View, block_id: str = "name") -> Any:
    """What is typed or chosen in the only element of a block."""
    [entry] = view.state[block_id].values()
    [value] = [value for name, value in entry.items() if name != "type"]
    return value


def text(block_id: str = "name", **more: object) -> Block:
    return input_of(text_input(**more), block_id)


@pytest.mark.parametrize(
    ("kind", "more", "at_first"),
    [
        ("conversations_select", {"default_to_current_conversation": True}, "C0ALERTS001"),
        ("multi_conversations_select", {"default_to_current_conversation": True}, ["C0ALERTS001"]),
        ("conversations_select", {"default_to_current_conversation": True, "initial_conversation": "C1"}, "C1"),
        ("conversations_select", {}, None),
    ],
)
async def test_the_current_channel_can_be_chosen_at_first(
    views: ViewClient, kind: str, more: dict[str, object], at_first: object
) -> None:
    assert value(await views.open(modal(input_of(menu(kind, **more))))) == at_first


async def test_what_was_typed_stays_where_the_ids_and_the_type_do(slack: SimSlack, views: ViewClient) -> None:
    view = await views.open(modal(text("a"), text("b"), text("c"), input_of(menu("users_select"), "d")))
    for block_id in "abc":
        slack.fill(slack.alice, view, block_id, "typed")
    slack.fill(slack.alice, view, "d", "U0BOB000001")
    several = input_of(menu("multi_users_select", initial_users=["U1"]), "d")
    new = modal(text("a", initial_value="new"), text("b", action_id="x", initial_value="new"), text("e"), several)
    after = await views.update(view, new)

    entries = {block_id: value(after, block_id) for block_id in after.state}
    assert entries == {"a": "typed", "b": "new", "e": None, "d": ["U1"]}


async def test_an_update_fills_only_what_was_empty_and_never_touched(slack: SimSlack, views: ViewClient) -> None:
    names = ("empty", "initial", "emptied")
    view = await views.open(modal(text("empty"), text("initial", initial_value="old"), text("emptied")))
    slack.fill(slack.alice, view, "emptied", "")
    after = await views.update(view, modal(*[text(each, initial_value="new") for each in names]))
    assert [value(after, each) for each in names] == ["new", "old", None]


@pytest.mark.parametrize(("kind", "choice", "gone"), [("static_select", "0", None), ("checkboxes", ["0"], [])])
async def test_a_choice_stays_as_long_as_it_is_offered(
    slack: SimSlack, views: ViewClient, kind: str, choice: str | list[str], gone: object
) -> None:
    element = menu(kind, options=options(2))
    view = await views.publish(home(actions(element, block_id="name")))
    await slack.act(slack.alice, view, "choice", choice)
    chosen = value(views.current(view.id))

    assert value(await views.publish(home(actions(element, block_id="name"), section("new")))) == chosen
    without = element | {"options": [option("1")]}
    assert value(await views.publish(home(actions(without, block_id="name")))) == gone

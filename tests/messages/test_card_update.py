"""Changing a clicked message: only the session's button, once, and nothing else in the message."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.clicked import CardUpdate, apply
from harness import OTHER_SESSION, SESSION
from harness.blocks import button, section
from harness.product import SessionId
from harness.values import MessageContent

ONE, RESUME = SessionId(SESSION), "anchor_resume_confirmed"
PAUSED = CardUpdate(ONE, "Paused", button(RESUME, ONE))
RESUMED = CardUpdate(ONE, "Resumed", button("anchor_pause", ONE))
GONE = CardUpdate(ONE, "Gone", None)

elements = st.sampled_from(
    [button(value=ONE), button(RESUME, ONE), button(value=OTHER_SESSION), {"type": "button", "action_id": "x"}]
)
blocks = st.one_of(
    st.just(section("text")),
    elements.map(lambda element: {**section("beside"), "accessory": element}),
    st.lists(elements, min_size=1, max_size=3).map(lambda some: {"type": "actions", "elements": some}),
)
cards = st.builds(
    MessageContent,
    st.text(),
    st.lists(blocks, max_size=50).map(tuple),
)
changes = st.sampled_from([PAUSED, RESUMED, GONE])


def buttons(card: MessageContent) -> list[dict[str, Any]]:
    found = []
    for block in card.blocks:
        found.extend([*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])])
    return found


@given(cards, changes)
def test_a_change_made_twice_is_made_once(card: MessageContent, change: CardUpdate) -> None:
    once = apply(change, card)
    assert apply(change, once) == once


@given(cards, changes)
def test_everything_else_stays(card: MessageContent, change: CardUpdate) -> None:
    changed = apply(change, card)
    assert [one for one in buttons(changed) if one.get("value") != ONE] == [
        one for one in buttons(card) if one.get("value") != ONE
    ]
    assert [block for block in changed.blocks if block == section("text")] == [
        block for block in card.blocks if block == section("text")
    ]
    assert len(changed.blocks) <= 50


@given(cards, changes, changes)
def test_the_last_change_counts(card: MessageContent, first: CardUpdate, second: CardUpdate) -> None:
    changed = apply(second, apply(first, card))
    offered = {one["action_id"] for one in buttons(changed) if one.get("value") == ONE}
    assert second.button is None or offered <= {second.button["action_id"]}


def test_in_a_full_message_a_button_that_has_no_successor_is_only_removed() -> None:
    last = {**section("full"), "accessory": button(value=ONE)}
    card = MessageContent("", (*[section("text")] * 49, last))
    assert apply(GONE, card).blocks == (*[section("text")] * 49, section("full"))

"""Changing a card: only the session's button, once, whatever else is in the message."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.card import Card, Change, apply
from bot.core.messages.actions import button
from bot.core.messages.blocks import section
from bot.core.requests import Verb
from bot.core.session_id import SessionId

ONE = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER = SessionId("9c0d7e11-2222-4333-8444-555566667777")
PAUSED = Change(ONE, "Paused", button(Verb.RESUME, ONE))
RESUMED = Change(ONE, "Resumed", button(Verb.PAUSE, ONE))
GONE = Change(ONE, "Not found", None)

elements = st.sampled_from(
    [button(Verb.PAUSE, ONE), button(Verb.RESUME, ONE), button(Verb.PAUSE, OTHER), {"type": "button", "action_id": "x"}]
)
blocks = st.one_of(
    st.just(section("text")),
    elements.map(lambda element: {**section("beside"), "accessory": element}),
    st.lists(elements, min_size=1, max_size=3).map(lambda some: {"type": "actions", "elements": some}),
)
cards = st.builds(
    Card,
    st.text(),
    st.lists(blocks, max_size=50).map(tuple),
    st.lists(
        st.one_of(st.just({"text": "old"}), st.builds(lambda some: {"blocks": some}, st.lists(blocks, max_size=3)))
    ).map(tuple),
)
changes = st.sampled_from([PAUSED, RESUMED, GONE])


def buttons(card: Card) -> list[dict[str, Any]]:
    inside = [block for attachment in card.attachments for block in attachment.get("blocks", ())]
    found = []
    for block in (*card.blocks, *inside):
        found.extend([*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])])
    return found


@given(cards, changes)
def test_a_change_made_twice_is_made_once(card: Card, change: Change) -> None:
    once = apply(change, card)
    assert apply(change, once) == once


@given(cards, changes)
def test_what_is_not_the_sessions_stays(card: Card, change: Change) -> None:
    changed = apply(change, card)
    assert [one for one in buttons(changed) if one.get("value") != ONE] == [
        one for one in buttons(card) if one.get("value") != ONE
    ]
    assert [block for block in changed.blocks if block == section("text")] == [
        block for block in card.blocks if block == section("text")
    ]
    assert len(changed.blocks) <= 50


@given(cards, changes)
def test_a_card_without_the_sessions_button_is_left(card: Card, change: Change) -> None:
    if not any(one.get("value") == ONE for one in buttons(card)):
        assert apply(change, card) is card


@given(cards, changes, changes)
def test_the_last_change_counts(card: Card, first: Change, second: Change) -> None:
    changed = apply(second, apply(first, card))
    offered = {one["action_id"] for one in buttons(changed) if one.get("value") == ONE}
    assert second.button is None or offered <= {second.button["action_id"]}


def test_what_was_said_before_gives_way_in_the_text_too() -> None:
    card = Card(
        "High spend\nsession", (section("High spend"), {"type": "actions", "elements": [button(Verb.PAUSE, ONE)]})
    )
    assert apply(RESUMED, apply(PAUSED, card)).text == "High spend\nsession\nResumed"


def test_changes_for_two_sessions_come_to_the_same_in_either_order() -> None:
    card = Card("", ({"type": "actions", "elements": [button(Verb.PAUSE, ONE), button(Verb.PAUSE, OTHER)]},))
    other = Change(OTHER, "Paused too", button(Verb.RESUME, OTHER))
    both = apply(other, apply(PAUSED, card))
    assert {block["block_id"] for block in both.blocks} == {f"anchor_{ONE}", f"anchor_{OTHER}"}


def test_in_a_full_message_a_button_that_can_do_nothing_more_just_goes() -> None:
    last = {**section("full"), "accessory": button(Verb.PAUSE, ONE)}
    card = Card("", (*[section("text")] * 49, last))
    assert apply(GONE, card).blocks == (*[section("text")] * 49, section("full"))

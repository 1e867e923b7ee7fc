"""What somebody filled into a dialog, as it comes through their client: it may be anything."""

from typing import Any

import pytest

from bot.inbound.submission import read_submission
from harness.samples import sample

SAMPLE = sample("view_submission.slack_connect_foreign_user.payload")


def sent(**view: Any) -> Any:
    return read_submission(SAMPLE | {"view": SAMPLE["view"] | view})


def filled(element: object) -> Any:
    return sent(state={"values": {"field": {"field": element}}})


@pytest.mark.parametrize(
    ("metadata", "seen"),
    [("0", 0), ("17", 17), ("", -1), (None, -1), ("-1", -1), ("１", -1), ("1" * 10, -1), ("1.0", -1), (3, -1)],
)
def test_the_version_that_was_seen_is_a_number_or_none(metadata: object, seen: int) -> None:
    assert sent(private_metadata=metadata).seen == seen


@pytest.mark.parametrize(
    "state",
    [None, [], {"values": None}, {"values": []}, {"values": {"field": []}}, {"values": {"field": {"field": 1}}}],
)
def test_a_state_that_is_none_of_slacks_is_empty(state: object) -> None:
    submission = sent(state=state)
    assert submission.typed("field").reveal() == ""
    assert submission.chosen("field") == frozenset()
    assert not submission.ticked("field")


@pytest.mark.parametrize("value", [None, 1, [], {}])
def test_what_is_no_text_was_not_typed(value: object) -> None:
    assert filled({"value": value}).typed("field").reveal() == ""


def test_what_was_chosen_are_ids_and_nothing_else() -> None:
    chosen = filled({"selected_users": ["U0ALICE0001", "U1> <!channel", 5, ""], "selected_conversations": "C1"})
    assert chosen.chosen("field") == {"U0ALICE0001"}
    assert filled({"selected_conversations": ["C0ALERTS001"]}).chosen("field") == {"C0ALERTS001"}


def test_a_box_is_ticked_or_not() -> None:
    assert filled({"selected_options": [{"value": "yes"}]}).ticked("field")
    assert not filled({"selected_options": []}).ticked("field")


def test_what_was_typed_does_not_show() -> None:
    assert "sk-secret" not in repr(filled({"value": "sk-secret"}))

"""The values of a submitted modal come through a client, so they may be anything."""

from typing import Any

import pytest

from bot.inbound.submission import Submission, read_submission
from harness.samples import sample

SAMPLE = sample("view_submission.slack_connect_foreign_user.payload")


def submitted(**view: Any) -> Submission:
    return read_submission(SAMPLE | {"view": SAMPLE["view"] | view})


def filled(element: object) -> Submission:
    return submitted(state={"values": {"field": {"field": element}}})


@pytest.mark.parametrize(
    ("metadata", "seen"),
    [("0", 0), ("17", 17), ("", -1), (None, -1), ("-1", -1), ("１", -1), ("1" * 10, -1), ("1.0", -1), (3, -1)],
)
def test_the_version_that_was_seen_is_a_number_or_none(metadata: object, seen: int) -> None:
    assert submitted(private_metadata=metadata).seen == seen


@pytest.mark.parametrize(
    "state",
    [None, [], {"values": None}, {"values": []}, {"values": {"field": []}}, {"values": {"field": {"field": 1}}}],
)
def test_a_state_of_another_shape_is_empty(state: object) -> None:
    submission = submitted(state=state)
    assert submission.typed("field").reveal() == ""
    assert submission.chosen("field") == frozenset()
    assert not submission.ticked("field")


def test_values_of_another_shape_are_dropped() -> None:
    values: list[object] = [None, 1, [], {}]
    assert {filled({"value": value}).typed("field").reveal() for value in values} == {""}
    chosen = filled({"selected_users": ["U0ALICE0001", "U1> <!channel", 5, ""], "selected_conversations": "C1"})
    assert chosen.chosen("field") == {"U0ALICE0001"}


def test_values_of_each_kind_are_read() -> None:
    element = {"value": "sk-secret", "selected_conversations": ["C1"], "selected_options": [{"value": "yes"}]}
    submission = filled(element)
    assert submission.typed("field").reveal() == "sk-secret"
    assert submission.chosen("field") == {"C1"}
    assert submission.ticked("field")
    assert not filled({"selected_options": []}).ticked("field")
    assert "sk-secret" not in repr(submission)

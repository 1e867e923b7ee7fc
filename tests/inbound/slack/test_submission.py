"""The values of a submitted modal come through a client, so they may be anything."""

from typing import Any

import pytest

from bot.core.requests import Actor
from bot.inbound.slack.payload import Submission, read_submission
from harness.samples import sample

ACTOR = Actor("T0HOME00001", "", "U0ALICE0001")
SAMPLE = sample("view_submission.slack_connect_foreign_user.payload")


def submitted(**view: Any) -> Submission:
    return read_submission(SAMPLE | {"view": SAMPLE["view"] | view}, ACTOR)


def filled(element: object) -> Submission:
    return submitted(state={"values": {"field": {"field": element}}})


@pytest.mark.parametrize(
    ("metadata", "seen"),
    [("0", 0), ("17", 17), ("", -1), (None, -1), ("-1", -1), ("１", -1), ("1" * 10, -1), ("1.0", -1), (3, -1)],
)
def test_the_version_that_was_seen_is_a_number_or_none(metadata: object, seen: int) -> None:
    assert submitted(private_metadata=metadata).expected_version == seen


@pytest.mark.parametrize(
    "state",
    [None, [], {"values": None}, {"values": []}, {"values": {"field": []}}, {"values": {"field": {"field": 1}}}],
)
def test_a_state_of_another_shape_is_empty(state: object) -> None:
    submission = submitted(state=state)
    assert submission.text("field").reveal() == ""
    assert submission.selected_ids("field") == frozenset()
    assert not submission.is_checked("field")


def test_values_of_another_shape_are_dropped() -> None:
    values: list[object] = [None, 1, [], {}]
    assert {filled({"value": value}).text("field").reveal() for value in values} == {""}
    chosen = filled({"selected_users": ["U0ALICE0001", "U1> <!channel", 5, ""], "selected_conversations": "C1"})
    assert chosen.selected_ids("field") == {"U0ALICE0001"}


def test_values_of_each_kind_are_read() -> None:
    element = {"value": "sk-secret", "selected_conversations": ["C1"], "selected_options": [{"value": "yes"}]}
    submission = filled(element)
    assert submission.text("field").reveal() == "sk-secret"
    assert submission.selected_ids("field") == {"C1"}
    assert submission.is_checked("field")
    assert not filled({"selected_options": []}).is_checked("field")
    assert "sk-secret" not in repr(submission)

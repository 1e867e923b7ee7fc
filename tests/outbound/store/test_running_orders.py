"""Outcomes come out of the database as they went in."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbound.store.running_orders import read_outcome, write_outcome
from harness.product import outcomes

Outcome = outcomes.Outcome

st.register_type_strategy(float, st.floats(allow_nan=False))


@pytest.mark.parametrize("kind", get_args(Outcome))
@settings(max_examples=30)
@given(data=st.data())
def test_every_outcome_is_read_as_it_was_written(kind: type[outcomes.Outcome], data: st.DataObject) -> None:
    outcome: Any = data.draw(st.from_type(kind))
    read = read_outcome(*write_outcome(outcome))
    assert read == outcome
    assert list(map(type, vars_of(read))) == list(map(type, vars_of(outcome)))


def vars_of(outcome: Any) -> list[object]:
    return [getattr(outcome, name) for name in outcome.__slots__]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Exploded", "{}"),
        ("Paused", "{"),
        ("Paused", '{"mood": "good"}'),
        ("Unconfirmed", '{"why": "no reason"}'),
        ("NotNamed", '{"ids": 1}'),
    ],
)
def test_an_outcome_of_another_version_counts_as_broken(name: str, fields: str) -> None:
    assert read_outcome(name, fields) == outcomes.Broken("")

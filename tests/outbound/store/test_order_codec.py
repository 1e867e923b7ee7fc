"""Outcomes and reply addresses come out of the database as they went in."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbound.store.orders import read_outcome, read_reply, write_outcome, write_reply
from harness.databases import CIPHER
from harness.order_rows import clicked_messages
from harness.product import Secret, errors, outcomes, requests

Outcome, ReplyAddress = outcomes.Outcome, requests.ReplyAddress
ACTOR = requests.Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001")

st.register_type_strategy(float, st.floats(allow_nan=False))

objects = st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.lists(st.booleans()))).map(tuple)
addresses = st.builds(
    ReplyAddress,
    st.just(ACTOR),
    st.none() | st.text(min_size=1).map(Secret),
    st.none() | st.text(),
    st.none() | clicked_messages(st.text(), objects),
    st.text(),
)


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
        ("NotNamed", '{"users": 1}'),
    ],
)
def test_an_outcome_of_another_version_is_unreadable(name: str, fields: str) -> None:
    with pytest.raises(errors.UnreadableError, match=name):
        read_outcome(name, fields)


@settings(max_examples=50)
@given(addresses)
def test_every_reply_address_is_read_as_it_was_written(address: requests.ReplyAddress) -> None:
    text = write_reply("1", address, "v", CIPHER)
    assert read_reply("1", ACTOR, address.thread_ts, text, CIPHER) == (address, "v" if text else None)

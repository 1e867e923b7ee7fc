"""A policy is written the same way each time, and what is none is not taken for one that lets everybody in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.policy import Policy, Rule
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.fields import read_policy, write_policy

IDS = st.frozensets(st.text(max_size=5), max_size=5)
RULES = st.builds(Rule, users=IDS, channels=IDS)
POLICIES = st.builds(Policy, pause=RULES, resume=RULES)

OPEN: dict[str, list[str]] = {"users": [], "channels": []}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pause", "resume", "users", "channels", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(POLICIES)
def test_what_was_written_is_read(policy: Policy) -> None:
    assert read_policy(write_policy(policy)) == policy
    assert write_policy(policy).isascii()


def test_it_is_written_in_order() -> None:
    policy = Policy(pause=Rule(frozenset({"U3", "U1", "U2"})), resume=Rule(channels=frozenset({"C2", "C1"})))
    assert write_policy(policy) == (
        '{"pause": {"users": ["U1", "U2", "U3"], "channels": []}, "resume": {"users": [], "channels": ["C1", "C2"]}}'
    )


def test_without_one_it_is_the_default() -> None:
    assert read_policy(None) == Policy() == read_policy(write_policy(Policy()))


NO_POLICIES: list[object] = [
    *(None, [], {}, "pause", {"pause": OPEN}, {"pause": OPEN, "resume": OPEN, "delete": OPEN}),
    *({"pause": OPEN, "resume": None}, {"pause": OPEN, "resume": ["users", "channels"]}),
    *({"pause": OPEN, "resume": {"users": []}}, {"pause": OPEN, "resume": OPEN | {"groups": ["S1"]}}),
    {"pause": OPEN, "resume": {"users": {}, "channels": []}},
    {"pause": OPEN, "resume": {"users": "U1", "channels": []}},
    {"pause": OPEN, "resume": {"users": ["U1", None], "channels": []}},
    {"pause": OPEN, "resume": {"users": [["U1"]], "channels": []}},
]


@pytest.mark.parametrize("text", ["", "x", "[" * 100_000, *map(json.dumps, NO_POLICIES)])
def test_what_is_no_policy_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match="policy"):
        read_policy(text)


@given(JSON)
def test_whatever_is_written_is_read_as_it_stands_or_not_at_all(value: object) -> None:
    try:
        policy = read_policy(json.dumps(value))
    except UnreadableError:
        return
    assert isinstance(value, dict)
    for verb, rule in (("pause", policy.pause), ("resume", policy.resume)):
        assert rule == Rule(frozenset(value[verb]["users"]), frozenset(value[verb]["channels"]))

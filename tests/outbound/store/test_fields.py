"""A secret is encrypted for its place; what is no policy is not taken for one that lets everybody in."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.store.secrets import FieldCipher, FieldRef, read_policy
from harness.databases import KEY
from harness.product import Secret, errors, policy

CIPHER = FieldCipher([KEY])
PLACE = FieldRef("T0HOME00001", "bot_token")
Check = Callable[[str, str], None]


def test_what_was_encrypted_for_another_place_is_unreadable(wording: Check) -> None:
    for other in (FieldRef("T0GLOBEX001", PLACE.column), FieldRef(PLACE.owner, "anchor_api_key")):
        with pytest.raises(errors.UnreadableError) as caught:
            CIPHER.decrypt(CIPHER.encrypt(Secret("xoxb-1"), PLACE), other)
        wording(f"another place: {other.owner} {other.column}", str(caught.value))


def test_the_same_secret_looks_different_each_time_and_never_shows() -> None:
    first, second = (CIPHER.encrypt(Secret("xoxb-1"), PLACE) for _ in range(2))
    assert first != second
    assert CIPHER.decrypt(first, PLACE) == CIPHER.decrypt(second, PLACE) == Secret("xoxb-1")
    assert "xoxb" not in first + repr(CIPHER.decrypt(first, PLACE))


IDS = st.frozensets(st.text(max_size=5), max_size=5)
RULES = st.builds(policy.Rule, users=IDS, channels=IDS)
OPEN: dict[str, list[str]] = {"users": [], "channels": []}
FIELDS = ["pause", "resume", "pause_many", "users", "channels", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


NO_POLICIES: list[object] = [
    *(None, [], {}, "pause", {"pause": OPEN}, {"pause": OPEN, "resume": OPEN, "delete": OPEN}),
    *({"pause": OPEN, "resume": {"users": []}}, {"pause": OPEN, "resume": OPEN | {"groups": ["S1"]}}),
    {"pause": OPEN, "resume": {"users": {}, "channels": []}},
    {"pause": OPEN, "resume": OPEN, "pause_many": None},
    {"pause": OPEN, "resume": OPEN, "pause_many": ["U1", 1]},
    {"pause": OPEN, "resume": {"users": ["U1", None], "channels": []}},
]


@pytest.mark.parametrize("text", ["", "x", "[" * 100_000, *map(json.dumps, NO_POLICIES)])
def test_what_is_no_policy_is_unreadable(text: str) -> None:
    with pytest.raises(errors.UnreadableError, match="policy"):
        read_policy(text)


@given(JSON)
def test_whatever_is_written_is_read_as_it_stands_or_not_at_all(value: object) -> None:
    try:
        read = read_policy(json.dumps(value))
    except errors.UnreadableError:
        return
    assert isinstance(value, dict)
    for verb, rule in (("pause", read.pause), ("resume", read.resume)):
        assert rule == policy.Rule(frozenset(value[verb]["users"]), frozenset(value[verb]["channels"]))

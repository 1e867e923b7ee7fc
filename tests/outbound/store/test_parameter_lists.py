"""Lists of parameters have few lengths."""

from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.store.parameter_lists import padded


@given(st.lists(st.integers(), max_size=70))
def test_a_list_has_the_same_values_and_the_next_power_of_two_as_its_length(values: list[int]) -> None:
    listed = padded(values)
    assert listed[: len(values)] == values
    assert set(listed) == set(values)
    assert len(listed) == min(length for length in (0, 1, 2, 4, 8, 16, 32, 64, 128) if length >= len(values))

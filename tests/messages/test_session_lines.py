"""Ages, and the words beside a session id to choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.buttons import age
from harness.examples import choice_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "under 1 min"),
        (59, "under 1 min"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


@given(st.text(max_size=150))
def test_the_words_beside_an_id_are_not_too_long_for_slack(context: str) -> None:
    (box, _) = choice_of(context, "").blocks[2]["element"]["options"]
    description = box.get("description", {"text": "x"})["text"]
    assert 0 < len(description.encode("utf-16-le", "surrogatepass")) / 2 <= 75
    assert "\n" not in description

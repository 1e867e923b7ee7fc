"""Ages."""

import pytest

from bot.messages.lines import age


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

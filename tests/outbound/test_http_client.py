"""The Retry-After header, in the forms that servers write."""

import pytest

from bot.outbound.http import read_retry_after

DATE = "Wed, 25 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05 GMT", "date": DATE}, 5.0),
        ({"retry-after": "Tue, 24 Nov 2026 00:00:05 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05 GMT"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05", "date": DATE}, None),
        ({"retry-after": "Wed, 25 Nov 99999 00:00:05 GMT", "date": DATE}, None),
    ],
)
def test_it_is_read_or_taken_as_absent(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds
